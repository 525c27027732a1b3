"""Whose fault a refusal is: several subscribers refused in the same words are no finding about any of them, and one who
is always refused keeps nobody else waiting."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.mail.transport.connection import Timeouts
from bot.pipeline.bounce_rules import judge_bounce, speaks_of_us
from bot.store import Database, edition_reports

Start = Callable[..., Any]


def people(number: int) -> list[str]:
    return [f"p{index}@d{index}.example.net" for index in range(number)]


def refusing(words: str, *, but: str = "@nobody") -> Callable[[Any, str], str | None]:
    return lambda talk, line: words if line.startswith("RCPT") and but not in line else None


@pytest.mark.parametrize("words", ["550 this is not the relay you look for", "550 5.1.1 no such user", "550 5.1.1"])
def test_the_same_words_to_everybody_are_about_us(
    words: str, post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    broken = True
    server = relay(lambda talk, line: words if broken and line.startswith("RCPT") else None)
    post.fill(people(4))
    for day in range(3):  # it stays out of order
        report = post.send(server.port, timeouts=quick)
        assert (report.delivered, report.waiting) == (0, 4)
        assert report.trouble
        clock.move(hours=3 + day)
    assert {post.subscriber(email).status for email in people(4)} == {"active"}
    broken = False
    for _ in range(2):
        clock.move(hours=3)
        post.send(server.port, timeouts=quick)
    assert sorted(server.recipients) == people(4)


def test_two_domains_refused_while_nothing_is_taken(post: Any, clock: Any, relay: Start, quick: Timeouts) -> None:
    server = relay(refusing("550 no such user"))
    post.fill(people(2))
    assert post.send(server.port, timeouts=quick).waiting == 2
    assert {post.subscriber(email).status for email in people(2)} == {"active"}


def test_one_address_that_is_gone_is_about_the_address(post: Any, relay: Start, quick: Timeouts) -> None:
    server = relay(lambda talk, line: "550 no such user" if line.startswith("RCPT") and "<p1@" in line else None)
    post.fill(people(6))
    report = post.send(server.port, timeouts=quick)
    assert (report.delivered, report.failed, report.trouble) == (5, 1, "")
    assert post.subscriber("p1@d1.example.net").status == "bounced"


def test_a_dead_address_is_found_when_the_relay_is_well_again(
    post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """It was refused together with all others once; alone it is judged."""
    everybody = True
    server = relay(
        lambda talk, line: "550 no such user" if line.startswith("RCPT") and (everybody or "<p1@" in line) else None
    )
    post.fill(people(5))
    post.send(server.port, timeouts=quick)
    everybody = False
    for _ in range(3):
        clock.move(hours=3)
        post.send(server.port, timeouts=quick)
    assert sorted(server.recipients) == [email for email in people(5) if "p1@" not in email]
    assert post.subscriber("p1@d1.example.net").status == "bounced"


@pytest.mark.parametrize(
    ("domains", "refused", "accepted", "ours"),
    [(1, 50, 0, False), (2, 2, 0, True), (2, 2, 3, False), (3, 3, 5, True), (3, 3, 100, False), (90, 400, 2000, True)],
)
def test_when_equal_words_speak_of_us(domains: int, refused: int, accepted: int, ours: bool) -> None:
    assert speaks_of_us(domains, refused, accepted) is ours


def test_a_bounce_that_turns_out_to_be_about_us_is_taken_back_whole(
    database: Database, post_on: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """Who was ended by it is active again, and what was waiting for them waits again."""
    post = post_on(database, clock)
    post.fill(people(4))
    assert post.send(relay().port, timeouts=quick).delivered == 4
    post.fill(people(4), slot="2026-11-21")
    before = post.books()
    for email in people(3):
        subscriber = post.subscriber(email)
        with database.write() as tx:
            (_, first) = edition_reports.of_subscriber(tx, subscriber.id)
            words = f"5.1.1 550 <{email}>: User unknown"
            judge_bounce(tx, subscriber, kind="hard", edition_id=first.id, words=words, now=clock.now)
        if email == people(3)[0]:
            assert post.subscriber(email).status == "bounced"
            assert post.books()["suppressed"] == 1
    assert {post.subscriber(email).status for email in people(4)} == {"active"}
    assert post.books() == before


@pytest.mark.parametrize("same_domain", [True, False])
def test_one_who_is_always_refused_for_what_we_are_blocks_nobody(
    same_domain: bool, post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    refused = "ann@big.example"
    others = [f"p{index}@{'big' if same_domain else 'small'}.example" for index in range(3)]
    server = relay(lambda talk, line: "554 5.7.1 no" if line.startswith("RCPT") and "<ann@" in line else None)
    post.fill([refused, *others])
    for _ in range(4):
        post.send(server.port, timeouts=quick)
        clock.move(minutes=20)
    assert sorted(server.recipients) == others
    post.fill(others, slot="2026-11-21")  # and what comes later is not held up by a refusal of hers, either
    report = post.send(server.port, timeouts=quick)
    assert report.delivered == 3
    assert post.subscriber(refused).status == "active"


def test_after_a_pause_those_go_first_who_got_mail_before(post: Any, clock: Any, relay: Start, quick: Timeouts) -> None:
    fine = relay()
    post.fill(["known@d9.example.net"], slot="earlier")
    post.send(fine.port, timeouts=quick)
    order: list[str] = []

    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT"):
            order.append(line.partition("<")[2].partition(">")[0])
            return "554 5.7.1 we do not know you" if "@d9." not in line else None
        return None

    server = relay(script)
    post.fill([*people(6), "known@d9.example.net"])
    post.send(server.port, timeouts=quick)
    assert "known@d9.example.net" not in order[:3]
    clock.move(minutes=17)
    order.clear()
    post.send(server.port, timeouts=quick)
    assert order[0] == "known@d9.example.net"
