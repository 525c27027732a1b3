import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail import tokens
from bot.mail.tokens import (
    LIFETIMES,
    PURPOSES,
    Token,
    found_in,
    is_live,
    message_id,
    moment_signed,
    seal,
    seal_renewable,
    signed_moment,
    subscriber_in,
    token_address,
    unseal,
)

ids = st.integers(0, 2**48 - 1)
NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
permanent = [purpose for purpose in PURPOSES if purpose not in LIFETIMES]


@given(st.sampled_from(permanent), ids, ids)
def test_comes_back_and_fits(purpose: tokens.Purpose, subscriber: int, edition: int) -> None:
    token = seal("secret", purpose, subscriber, edition)
    assert unseal("secret", token) == Token(purpose, subscriber, edition)
    assert unseal("secret", token.upper()) == Token(purpose, subscriber, edition)  # some servers change the case
    assert len(token) == 47
    assert token == token.lower()
    assert token.isalnum()
    assert len(f"unsub+{token}") <= 64
    assert unseal("another secret", token) is None


@given(st.sampled_from(sorted(LIFETIMES)), ids, ids, st.integers(0, 2**16 - 1))
def test_a_renewable_one_comes_back(purpose: tokens.Purpose, subscriber: int, item: int, epoch: int) -> None:
    token = seal_renewable("secret", purpose, subscriber, item, epoch=epoch, now=NOW)
    read = unseal("secret", token.upper())
    assert read is not None
    assert (read.purpose, read.subscriber_id, read.item_id, read.epoch) == (purpose, subscriber, item, epoch)
    assert len(token) == 56
    assert unseal("secret", token[:47]) is None
    assert unseal("secret", token[:-1]) is None
    assert unseal("another secret", token) is None
    assert is_live(read, epoch, NOW)
    assert not is_live(read, epoch + 1, NOW)
    lifetime = LIFETIMES[purpose]
    if lifetime is None:
        assert is_live(read, epoch, NOW + timedelta(days=10_000))
    else:
        assert is_live(read, epoch, NOW + lifetime)
        assert not is_live(read, epoch, NOW + lifetime + timedelta(minutes=2))


def test_leaving_and_thumbs_never_end() -> None:
    for purpose in permanent:
        token = unseal("secret", seal("secret", purpose, 7))
        assert token is not None
        assert is_live(token, 3, NOW + timedelta(days=10_000))
    with pytest.raises(ValueError, match="renewed"):
        seal("secret", "manage", 7)


def test_the_time_of_a_form_is_ours_alone() -> None:
    said = signed_moment("secret", NOW)
    assert moment_signed("secret", said) == NOW
    assert moment_signed("other", said) is None
    for text in ("", ".", "1.", said[:-1], said + "0", f"1{said}", "9" * 400, "-1.00", "１.é"):
        assert moment_signed("secret", text) is None


def test_each_letter_counts() -> None:
    token = seal("secret", "bounce", 7, 9)
    for place, letter in itertools.product(range(47), "a7"):
        changed = token[:place] + letter + token[place + 1 :]
        assert changed == token or unseal("secret", changed) is None
    for letter in "abcdefghijklmnopqrstuvwxyz234567":  # the last one holds three bits of nothing
        assert token.endswith(letter) or unseal("secret", token[:-1] + letter) is None


@given(st.text(max_size=60) | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=47, max_size=56))
def test_anything_else_is_nothing(text: str) -> None:
    assert unseal("secret", text) is None


def test_purposes_do_not_mix() -> None:
    said = {seal("secret", purpose, 7, 9) for purpose in permanent}
    said |= {seal_renewable("secret", purpose, 7, 9, epoch=0, now=NOW) for purpose in LIFETIMES}
    assert len(said) == len(PURPOSES)
    assert seal("secret", "bounce", 7, 9) == seal("secret", "bounce", 7, 9)


@pytest.mark.parametrize(
    "text",
    [
        "b+{}@example.org",
        "<B-{}@EXAMPLE.ORG>",
        "Paperlark <papers+b.{}@example.org>",
        "https://x.example/u/{}?a=b",
        "{}",
    ],
)
def test_found_wherever_an_address_or_link_carries_it(text: str) -> None:
    token = seal("secret", "bounce", 7, 9)
    assert found_in("secret", text.format(token)) == [Token("bounce", 7, 9)]
    assert found_in("secret", text.format("a" + token)) == []


def test_address() -> None:
    token = seal("secret", "bounce", 7, 9)
    assert token_address("b+{token}@example.org", token) == f"b+{token}@example.org"
    with pytest.raises(ValueError, match="64 is the limit"):
        token_address("a-rather-long-name-of-a-mailbox+{token}@example.org", token)
    for template in ("b@example.org", "b@{token}.example.org", "b+{token}"):
        with pytest.raises(ValueError, match="before the @"):
            token_address(template, token)


def test_no_secret_no_token() -> None:
    with pytest.raises(ValueError, match="secret"):
        seal("", "bounce", 7, 9)


def test_message_ids_are_stable_and_tell_editions_apart() -> None:
    one = message_id("secret", "digest", "2026-11-20", 7, "example.org")
    assert one == message_id("secret", "digest", "2026-11-20", 7, "example.org")
    assert one.startswith("<d.2026-11-20.")
    assert one.endswith("@example.org>")
    assert len(one) == len("<d.2026-11-20.") + 32 + len("@example.org>")
    others = {
        message_id(secret, kind, slot, subscriber, "example.org")
        for secret in ("secret", "other")
        for kind in ("digest", "alert", "delay")
        for slot in ("2026-11-20", "2026-11-21", "2026:11:20", "", "forced 2026-11-20T07:30:00.000001+00:00")
        for subscriber in (7, 8)
    }
    assert len(others) == 2 * 3 * 5 * 2
    for other in others:
        assert other.isascii()
        assert not set(other[1:-1]) & set(' \t\r\n<>:,;()[]\\"')
        assert len(other) < 90


def test_a_message_id_names_its_subscriber_to_who_has_the_secret() -> None:
    for subscriber in (0, 7, 1_000_000, 2**48 - 1):
        for slot in ("2026-11-20", "", "after-12"):
            whole = message_id("secret", "digest", slot, subscriber, "example.org")
            assert subscriber_in("secret", whole) == subscriber
            assert subscriber_in("other", whole) != subscriber
    assert subscriber_in("secret", "<somebody-elses@example.net>") is None
    subscribers = [
        message_id("secret", "digest", "2026-11-20", subscriber, "example.org")[34:46] for subscriber in range(300)
    ]
    assert len(set(subscribers)) == 300  # the numbers are masked each for itself
    assert sorted(subscribers) != subscribers
