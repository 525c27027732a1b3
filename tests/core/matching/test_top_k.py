"""The steps of ranking that queries of everyday size do not reach; what the best are is tested in test_matcher."""

import random
from typing import Any

import numpy as np
import pytest

from bot.core.matching import Matcher, top_k
from bot.core.matching.scan import set_places

Random = random.Random


@pytest.mark.parametrize("share", [0.0, 0.002, 0.03, 0.5, 1.0])
@pytest.mark.parametrize("width", [1, 3])
def test_places_of_set_bits(share: float, width: int) -> None:
    told = np.random.default_rng(1).random((50, width * 64)) < share
    bits = np.packbits(told, axis=1, bitorder="little").view(np.uint64)
    assert set_places(bits).tolist() == np.flatnonzero(told).tolist()
    assert set_places(bits[:0]).tolist() == []


@pytest.mark.parametrize("count", range(1, 10))
def test_carry_save_adds_up(count: int) -> None:
    rng = np.random.default_rng(count)
    column = [rng.integers(0, 1 << 63, (4, 2), np.uint64) for _ in range(count)]
    expected = sum(np.unpackbits(bits.view(np.uint8)).astype(int) for bits in column)
    total, worth = np.zeros_like(expected), 1
    while column:
        plane, column = top_k._added(column)
        total = total + np.unpackbits(plane.view(np.uint8)) * worth
        worth *= 2
    assert (total == expected).all()


@pytest.mark.parametrize("levels", [1, 6, 9, 25])  # sums of 25 bits do not fit into a short key with their place
@pytest.mark.parametrize("k", [1, 7, 200])
def test_order_of_small_and_large_sums(levels: int, k: int) -> None:
    rng = Random(levels)
    rows = [sorted(rng.sample(range(128), rng.choice([1, 5, 40]))) for _ in range(20)]
    sums = [[rng.choice([0, (1 << levels) - 1, rng.randrange(1 << levels)]) for _ in range(128)] for _ in rows]

    def packed(told: list[list[int]]) -> Any:
        return np.packbits(np.array(told, bool), axis=1, bitorder="little").view(np.uint64)

    chosen = packed([[bit in row for bit in range(128)] for row in rows])
    planes = [packed([[of >> level & 1 for of in row] for row in sums]) for level in range(levels)]
    paper_of_bit = np.array(rng.sample(range(128), 128), np.int32)
    papers, scores = top_k._ordered(chosen, np.array([len(row) for row in rows]), planes, paper_of_bit, k)
    assert papers.shape == scores.shape == (20, min(k, 40))
    for row, of, found, told in zip(rows, sums, papers.tolist(), scores.tolist(), strict=True):
        expected = sorted(row, key=lambda bit: (-of[bit], bit))[:k]
        missing = papers.shape[1] - len(expected)
        assert found == [paper_of_bit[bit] for bit in expected] + [-1] * missing
        assert told == [of[bit] for bit in expected] + [0] * missing


def test_many_steps_are_as_one(invented: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(31)
    pool, papers = invented.queries(rng, 12), [invented.paper(rng) for _ in range(70)]
    found = Matcher(rng.choice(pool) for _ in range(2000)).match(papers, prior=[rng.random() for _ in papers])
    assert max(len(group.rows) for group in found._matcher.groups) > 128
    for k in (2, 30):
        whole = found.top(k)
        with monkeypatch.context() as patched:
            patched.setattr(top_k, "STEP", 1)  # the least there is: 64 rows
            for one, many in zip(whole, found.top(k), strict=True):
                assert (one == many).all()
