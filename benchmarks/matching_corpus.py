"""Invented papers and profiles for the matching benchmark: the same on every machine, as many as wanted.

Words are made of syllables and used as words of a language are (Zipf); nothing here is taken from real papers.
"""

import random
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from bot.core.papers import Paper
from bot.core.query.plurals import singular
from bot.core.query.words import words

SMALL = (
    "the of and a to in we is for that on with as are by this our from be an which can it show model method "
    "results based using have these not results approach more than such also at over between or has new"
).split()
ONSETS = "b br c cl d dr f fl g gr h j k l n p pl qu r s st t tr v w z".split()
VOWELS = "a e i o u ai ea io ou".split()
CODAS = ["", "", "n", "r", "l", "t", "nd", "rk"]
NAMES = "Wei Li Anna Marco Priya Juan Olga Kenji Sara Tom Fatima Noah Zoë José Min Ivan Lena Omar".split()
FAMILIES = "Zhang Müller Smith García Tanaka Ivanov Kumar Nguyen Rossi Kim Chen López Silva Cohen Ali Novák".split()
CATEGORIES = "cs.CL cs.CV cs.LG cs.AI cs.RO cs.IR stat.ML eess.AS cs.SE cs.CR quant-ph math.OC q-bio.QM cs.SD".split()
DENSITIES = {"rare": 0.002, "niche": 0.02, "broad": 0.20}  # a keyword is in at most this share of the papers


def vocabulary(size: int, rng: random.Random) -> list[str]:
    """Distinct invented words. With one m, at the end, and no small word in front: no two together are a third."""
    found: dict[str, None] = {}
    while len(found) < size:
        syllables = rng.choice((1, 2, 2, 3, 3, 4))
        stem = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(syllables))
        if not stem.startswith(tuple(SMALL)):
            found[stem + "m"] = None
    return list(found)


def papers(count: int, seed: int = 7) -> list[Paper]:
    """Papers of about 200 words: a topic of their own each, plurals, hyphens, brackets, some accents and acronyms."""
    rng = random.Random(seed)
    known = vocabulary(12_000, rng)
    weights = list(accumulate([1 / (rank + 12) for rank in range(len(known))]))
    made = []
    for number in range(count):
        topic = rng.choices(known, cum_weights=weights, k=25)

        def sentence(length: int, topic: list[str] = topic) -> str:
            spelled = []
            for _ in range(length):
                kind = rng.random()
                if kind < 0.38:
                    spelled.append(rng.choice(SMALL))
                    continue
                word = rng.choice(topic) if kind < 0.62 else rng.choices(known, cum_weights=weights)[0]
                spelled.append(
                    word + "s" if kind > 0.94 else word.upper() if kind > 0.93 else f"({word})" if kind > 0.92 else word
                )
                if rng.random() < 0.04:
                    spelled[-1] += "-" + rng.choice(topic)
            return " ".join(spelled).capitalize()

        title = sentence(rng.randint(6, 12)).title()
        abstract = ". ".join(sentence(rng.randint(14, 28)) for _ in range(rng.randint(7, 12))) + "."
        if rng.random() < 0.15:
            abstract = abstract.replace(" - ", " — ").replace(" that ", " “that” ") + " Naïve – but not à la carte."
        made.append(
            Paper(
                f"bench:{number}",
                title,
                abstract,
                authors=tuple(f"{rng.choice(NAMES)} {rng.choice(FAMILIES)}" for _ in range(rng.randint(1, 8))),
                categories=tuple(rng.sample(CATEGORIES, rng.randint(1, 3))),
                sources=("arxiv",),
                organization=rng.choice(["", "", "Institute of " + rng.choice(known).title()]),
                upvotes=rng.choice([None, int(rng.expovariate(0.05))]),
            )
        )
    return made


@dataclass(frozen=True)
class Profiles:
    """Profiles of five keywords each: number i has `terms[j] for j in chosen[i]`, put together by `kind[i]`."""

    terms: list[str]  # words, or phrases with blanks
    chosen: "np.ndarray[tuple[int, int], np.dtype[np.int32]]"
    kind: "np.ndarray[tuple[int], np.dtype[np.uint8]]"  # 0: any; 1: (a b), or c, d, e; 2: (a, b, c or d) and not e

    def query(self, i: int) -> str:
        """The profile as a subscriber would write it."""
        a, b, c, d, e = (f'"{t}"' if " " in t else t for t in (self.terms[j] for j in self.chosen[i].tolist()))
        if self.kind[i] == 1:
            return f"({a} AND {b}) OR {c} OR {d} OR {e}"
        if self.kind[i] == 2:
            return f"({a} OR {b} OR {c} OR {d}) NOT {e}"
        return f"{a} OR {b} OR {c} OR {d} OR {e}"

    def head(self, count: int) -> "Profiles":
        """The first so many, with the terms they use."""
        used, inverse = np.unique(self.chosen[:count], return_inverse=True)
        return Profiles([self.terms[i] for i in used], inverse.reshape(-1, 5).astype(np.int32), self.kind[:count])


def profiles(made: list[Paper], count: int, density: str, seed: int = 11) -> Profiles:
    """Keywords from the papers themselves, popular ones more often (Zipf); a quarter of them are in no paper.

    A fifth of the profiles has a phrase of 2 to 4 words, a twentieth an AND, a twentieth a NOT.
    """
    rng = np.random.default_rng(seed)
    most = DENSITIES[density] * len(made)
    single: dict[str, int] = {}
    several: dict[str, int] = {}
    for paper in made:
        seen_words: set[str] = set()
        seen_phrases: set[str] = set()
        for text in (paper.title, paper.abstract):
            found = [singular(word) for word in words(text)]
            for i, word in enumerate(found):
                if word not in SMALL and len(word) > 2 and not word.isdigit():
                    seen_words.add(word)
                    for n in (2, 3, 4):
                        phrase = found[i : i + n]
                        if len(phrase) == n and phrase[-1] not in SMALL and min(map(len, phrase)) > 1:
                            seen_phrases.add(" ".join(phrase))
        for word in sorted(seen_words):
            single[word] = single.get(word, 0) + 1
        for phrase in sorted(seen_phrases):
            several[phrase] = several.get(phrase, 0) + 1

    def by_popularity(pool: dict[str, int]) -> list[str]:
        kept = [(term, held) for term, held in pool.items() if held <= most]
        order = np.argsort([-np.log(held) + rng.normal() for _, held in kept])
        return [kept[i][0] for i in order]

    def draw(pool: int, size: object, exponent: float) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        share = np.cumsum(1 / np.arange(1, pool + 1) ** exponent)
        return np.searchsorted(share / share[-1], rng.random(size))  # type: ignore[call-overload,no-any-return]

    common, phrases = by_popularity(single), by_popularity(several)
    unheard = [f"zzq{n:x}x" if n % 3 else f"zzq{n:x}x {common[n % len(common)]}" for n in range(max(1000, count // 5))]
    chosen = draw(len(common), (count, 5), 1.0)
    absent = rng.random((count, 5)) < 0.25
    chosen[absent] = len(common) + len(phrases) + draw(len(unheard), int(absent.sum()), 0.5)
    with_phrase = np.flatnonzero(rng.random(count) < 0.20)
    chosen[with_phrase, 2] = len(common) + draw(len(phrases), len(with_phrase), 0.9)
    luck = rng.random(count)
    kind = np.where(luck < 0.05, 1, np.where(luck < 0.10, 2, 0)).astype(np.uint8)
    terms = common + phrases + unheard
    used, inverse = np.unique(chosen, return_inverse=True)
    return Profiles([terms[i] for i in used], inverse.reshape(-1, 5).astype(np.int32), kind)
