"""What subscribers get, decided from real rows: diffs, shares, alerts and their ceilings, quiet days, heartbeats."""

import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from bot.core.edition.picks import Picks
from bot.core.papers import Listing
from bot.core.subscriber.subscriber import subscriber_from
from bot.mail.message.mailbox import Mailbox
from bot.pipeline.compose.compose import MOST_FAULTS, ChunkComposer, ComposeReport, compose, open_view, plan
from bot.pipeline.sender_identity import Identity
from bot.pipeline.subscribers import record_for
from bot.store import Database, cursors, edition_reports, history, outbox, papers
from bot.store.tables.edition_rows import EDITIONS
from bot.store.tables.subscriber_rows import SUBSCRIBERS
from tests.people import sync

FRIDAY = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def listing(number: int, title: str, **more: Any) -> Listing:
    keys = (f"arxiv:2611.{number:05d}", f"title:{title.lower()}")
    return Listing(title=title, keys=keys, url=f"https://arxiv.org/abs/2611.{number:05d}", **more)


@dataclass(frozen=True)
class Told:
    """An edition, with titles for ids."""

    email: str
    kind: str
    slot: str
    sections: dict[str, list[str]]
    more: dict[str, int]
    picks: Picks


class Office:
    """A store with its subscribers, and the three things that happen to it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.collections = 0

    def collect(self, now: datetime, *listings: Listing, first: bool = False) -> None:
        with self.database.record() as tx:
            papers.record(tx, "hf", [replace(one, source="hf") for one in listings], now, first=first)

    def subscribers(self, now: datetime, *tables: dict[str, Any]) -> None:
        with self.database.write() as tx:
            sync(tx, [record_for(subscriber_from({"digest": "daily 07:30", **one}), now) for one in tables], now)

    def compose(self, now: datetime, *, send: bool = True, **how: Any) -> ComposeReport:
        report = compose(self.database, now, lambda kind, slot, subscriber: f"<{kind}.{slot}.{subscriber}@x>", **how)
        if send:
            with self.database.write() as tx:
                waiting = EDITIONS.c.state == "waiting"
                tx.execute(EDITIONS.update().where(waiting).values(state="sent", sent_at=now))
        return report

    def told(self) -> list[Told]:
        """Every edition, oldest first."""
        with self.database.read() as tx:
            rows = tx.execute(
                EDITIONS.select()
                .add_columns(SUBSCRIBERS.c.email)
                .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
                .order_by(EDITIONS.c.id)
            ).all()
            found = []
            for row in rows:
                picks = Picks.from_json(row.picks)
                shown = history.as_of(tx, picks.ids, row.revision)
                sections = {part.name or part.kind: [shown[one].title for one in part.ids] for part in picks.sections}
                more = {part.name or part.kind: part.more for part in picks.sections if part.more}
                found.append(Told(row.email, row.kind, row.slot, sections, more, picks))
        return found


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def subscriber(email: str = "ada@example.org", **more: Any) -> dict[str, Any]:
    return {"email": email, "trending": 0, "profiles": [{"name": "P", "keywords": ["attention"]}]} | more


def attention(*numbers: int, **more: Any) -> list[Listing]:
    return [listing(number, f"Attention number {number:04d} of many", **more) for number in numbers]


def test_a_first_edition_looks_back_one_period(office: Office) -> None:
    office.collect(FRIDAY - 2 * DAY, *attention(1), first=True)
    office.collect(FRIDAY - HOUR, *attention(2))
    office.subscribers(FRIDAY - HOUR, subscriber(), subscriber("weekly@example.org", digest="weekly fri 07:30"))
    office.compose(FRIDAY)

    assert [(one.email, len(one.sections["P"])) for one in office.told()] == [
        ("ada@example.org", 1),
        ("weekly@example.org", 2),
    ]


def test_a_late_first_edition_looks_back_from_when_it_was_due(office: Office) -> None:
    office.subscribers(FRIDAY - DAY, subscriber())
    office.collect(FRIDAY - DAY + HOUR, *attention(1), first=True)
    office.compose(FRIDAY + 15 * HOUR)

    assert [(one.slot, len(one.picks.ids)) for one in office.told()] == [("2026-11-20", 1)]


def test_votes_crossing_a_line_are_news_and_wavering_across_it_is_told_as_it_was(office: Office) -> None:
    office.subscribers(FRIDAY - DAY, subscriber(profiles=[{"name": "Hot", "query": "attention upvotes>=20"}]))
    office.collect(FRIDAY - DAY, *attention(1, upvotes=5), first=True)
    for days, votes in enumerate((5, 19, 20, 25, 40)):
        office.collect(FRIDAY + days * DAY, *attention(1, upvotes=votes))
        office.compose(FRIDAY + days * DAY)

    (told,) = office.told()
    assert (told.slot, told.sections) == ("2026-11-22", {"Hot": ["Attention number 0001 of many"]})


def test_each_paper_once_places_shared_and_the_rest_counted(office: Office) -> None:
    office.subscribers(
        FRIDAY - HOUR,
        subscriber(
            max_papers=6,
            profiles=[
                {"name": "A", "keywords": ["attention"]},
                {"name": "B", "keywords": ["many"]},
                {"name": "C", "keywords": ["rare"]},
            ],
        ),
    )
    office.collect(FRIDAY - HOUR, *attention(*range(10)), listing(99, "A rare thing"), first=True)
    office.compose(FRIDAY)
    (told,) = office.told()
    shown = [title for titles in told.sections.values() for title in titles]

    assert sorted(map(len, told.sections.values())) == [1, 2, 3]
    assert len(shown) == len(set(shown)) == 6
    assert told.sections["C"] == ["A rare thing"]
    assert sum(told.more.values()) == 5
    assert told.picks.matched == 11
    named = [one for part in told.picks.sections for one in part.more_ids]
    assert len(named) == len(set(named)) == 5
    assert not set(named) & told.picks.ids


def test_as_many_papers_as_asked_for(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, subscriber(max_papers=150))
    office.collect(FRIDAY - HOUR, *attention(*range(200)), first=True)
    office.compose(FRIDAY)

    (told,) = office.told()
    assert (len(told.sections["P"]), told.more) == (150, {"P": 50})


def test_alerts_the_first_at_once_the_burst_together_and_no_flood(office: Office) -> None:
    alerting = subscriber(profiles=[{"name": "P", "keywords": ["attention"], "alert": True}], alert_every="1h")
    office.collect(FRIDAY, *attention(*range(50)), first=True)  # a new source
    office.subscribers(FRIDAY, alerting)
    office.compose(FRIDAY)
    office.collect(FRIDAY + 10 * timedelta(minutes=1), *attention(100))
    for minutes in (11, 20, 30, 80):
        if minutes in (20, 30):
            office.collect(FRIDAY + timedelta(minutes=minutes), *attention(100 + minutes, 200 + minutes))
        office.compose(FRIDAY + timedelta(minutes=minutes))
    alerts = [len(one.picks.ids) for one in office.told() if one.kind == "alert"]

    assert alerts == [1, 4]
    office.subscribers(
        FRIDAY + 2 * HOUR, alerting | {"profiles": [{"name": "New", "keywords": ["many"], "alert": True}]}
    )
    office.compose(FRIDAY + 3 * HOUR)
    assert len([one for one in office.told() if one.kind == "alert"]) == 2  # a new profile fires no flood either


def test_what_an_alert_told_is_not_told_again_but_counted(office: Office) -> None:
    office.collect(FRIDAY, *attention(1), first=True)
    office.subscribers(FRIDAY, subscriber(profiles=[{"name": "P", "keywords": ["attention"], "alert": True}]))
    office.compose(FRIDAY, force=True)
    office.collect(FRIDAY + HOUR, *attention(2))
    office.compose(FRIDAY + HOUR)
    office.collect(FRIDAY + 2 * HOUR, listing(3, "More attention"))
    with office.database.write() as tx:  # the second alert has to wait: the digest comes first
        tx.execute(SUBSCRIBERS.update().values(alert_after=FRIDAY + 5 * DAY))
    office.compose(FRIDAY + DAY)
    *_, digest = office.told()

    assert (digest.kind, digest.sections["P"], digest.picks.alerted) == ("digest", ["More attention"], 1)


def test_over_the_ceiling_goes_into_the_digest_which_says_so(office: Office) -> None:
    alerting = subscriber(
        profiles=[{"name": "P", "keywords": ["attention"], "alert": True}], alert_every="1m", alert_limit=2
    )
    office.collect(FRIDAY, *attention(1), first=True)
    office.subscribers(FRIDAY, alerting)
    office.compose(FRIDAY, force=True)
    for number in (2, 3, 4, 5):
        office.collect(FRIDAY + number * HOUR, *attention(number))
        office.compose(FRIDAY + number * HOUR)
    office.compose(FRIDAY + DAY)
    kinds = [one.kind for one in office.told()]
    digest = office.told()[-1]

    assert kinds == ["digest", "alert", "alert", "digest"]
    assert (len(digest.picks.ids), digest.picks.overflow, digest.picks.alerted) == (2, 2, 2)


def test_a_quiet_day_is_made_up_for(office: Office) -> None:
    sunday = FRIDAY + 2 * DAY
    alerting = {"name": "P", "keywords": ["attention"], "alert": True}
    office.subscribers(FRIDAY - HOUR, subscriber(quiet_days=["sat", "sun"], profiles=[alerting]))
    office.collect(FRIDAY - HOUR, *attention(1), first=True)
    office.compose(FRIDAY)
    office.collect(sunday, *attention(2))
    assert office.compose(sunday) == office.compose(FRIDAY + DAY) == ComposeReport(digests=0, alerts=0)
    office.compose(sunday + DAY)

    monday = [one for one in office.told() if one.slot != "2026-11-20"]
    assert sum(len(one.picks.ids) for one in monday) == 1


@pytest.mark.parametrize("digest", ["weekly fri 12:00", "monthly 20 12:00"])
def test_a_rare_digest_on_a_quiet_day_comes_on_the_next_that_is_not(office: Office, digest: str) -> None:
    noon = FRIDAY + 4 * HOUR
    office.subscribers(FRIDAY - HOUR, subscriber(digest=digest, quiet_days=["fri", "sat", "sun"]))
    office.collect(FRIDAY - HOUR, *attention(1), first=True)

    written = [office.compose(noon + days * DAY).digests for days in range(6)]

    assert written == [0, 0, 0, 1, 0, 0]  # on Monday
    with office.database.read() as tx:
        due, slot = tx.execute(select(EDITIONS.c.due, EDITIONS.c.slot)).one()
    assert (due, slot) == (noon + 3 * DAY, "2026-11-20")


def test_silence_unless_a_heartbeat_is_wished_for(office: Office) -> None:
    office.collect(FRIDAY - 8 * DAY - HOUR, *attention(1), first=True)
    office.subscribers(
        FRIDAY - 8 * DAY - HOUR, subscriber("quiet@example.org"), subscriber("anxious@example.org", heartbeat="7d")
    )
    written = [office.compose(FRIDAY + (days - 8) * DAY).digests for days in range(9)]
    told = office.told()

    assert written[0] == 2
    assert [(one.email, one.picks.heartbeat) for one in told[2:]] == [("anxious@example.org", True)]


def test_revisions_on_request(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, subscriber(revisions=True), subscriber("plain@example.org"))
    office.collect(FRIDAY - HOUR, *attention(1, 2, version=1, abstract="Old words."), first=True)
    office.compose(FRIDAY)
    office.collect(FRIDAY + HOUR, *attention(1, version=2, abstract="New words."))
    office.compose(FRIDAY + DAY)
    later = [one for one in office.told() if one.slot == "2026-11-21"]

    assert [(one.email, one.sections) for one in later] == [
        ("ada@example.org", {"revisions": ["Attention number 0001 of many"]})
    ]


def test_notices_are_told_to_who_asks_for_them_only(office: Office) -> None:
    notices = (
        listing(1, "Correction: Attention in larks", kind="correction"),
        listing(2, "Erratum to: Attention in finches", kind="correction"),
        listing(3, "Front Cover: Attention (Larks 5/2026)", kind="front matter"),
    )
    office.collect(FRIDAY - DAY, first=True)
    office.subscribers(
        FRIDAY - DAY,
        subscriber(trending=5),
        subscriber("editor@example.org", profiles=[{"name": "P", "keywords": ["attention", "correction", "erratum"]}]),
        subscriber("all@example.org", profiles=[], trending=5),
        subscriber("front@example.org", profiles=[{"name": "P", "query": 'source:hf "front matter" OR title:cover'}]),
    )
    office.collect(FRIDAY - HOUR, *notices, *attention(4, upvotes=3))
    office.compose(FRIDAY)

    article = "Attention number 0004 of many"
    told = {one.email: {name: sorted(titles) for name, titles in one.sections.items()} for one in office.told()}
    assert told == {
        "ada@example.org": {"P": [article]},
        "editor@example.org": {"P": [article, "Correction: Attention in larks", "Erratum to: Attention in finches"]},
        "all@example.org": {"trending": [article]},
        "front@example.org": {"P": ["Front Cover: Attention (Larks 5/2026)"]},
    }


def test_trending_for_who_has_no_profile_and_each_paper_once_in_a_life(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, {"email": "new@example.org", "max_papers": 3})
    office.collect(FRIDAY - HOUR, *(one for n in range(5) for one in attention(n, upvotes=10 * n)), first=True)
    office.compose(FRIDAY)
    for days, number in ((1, 0), (2, 3), (3, 0)):
        office.collect(FRIDAY + days * DAY - HOUR, *attention(number, upvotes=200 + 100 * days))
        office.compose(FRIDAY + days * DAY)
    told = [[int(title[17:21]) for title in one.sections["trending"]] for one in office.told()]

    assert told == [[4, 3, 2], [0, 1]]


def trending_numbers(office: Office) -> list[list[int]]:
    return [[int(title[17:21]) for title in one.sections.get("trending", ())] for one in office.told()]


def test_a_trending_section_holds_the_best_not_told_yet_at_most_three_days_old(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, {"email": "new@example.org", "max_papers": 2})
    listed = [(FRIDAY + days * DAY).date() for days in range(5)]
    office.collect(FRIDAY - HOUR, *(one for n in range(1, 8) for one in attention(n, upvotes=n, listed=listed[0])))
    for days in range(5):  # a vote a day keeps things moving; nothing else is listed but one paper on Sunday
        if days == 2:
            office.collect(FRIDAY + days * DAY - HOUR, *attention(50, upvotes=90, listed=listed[2]))
        office.collect(FRIDAY + days * DAY - HOUR, *attention(60, upvotes=1 + days, listed=listed[0] - 30 * DAY))
        office.compose(FRIDAY + days * DAY)

    assert trending_numbers(office) == [[7, 6], [5, 4], [50, 3], [2, 1]]


def test_a_digest_soon_after_another_brings_only_what_came_among_the_hottest(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, {"email": "new@example.org", "max_papers": 2})
    office.collect(FRIDAY - HOUR, *(one for n in range(1, 9) for one in attention(n, upvotes=n)))
    office.compose(FRIDAY, force=True)
    office.collect(FRIDAY + HOUR, *attention(1, upvotes=2))  # something moved, far below
    office.compose(FRIDAY + 2 * HOUR, force=True)
    office.collect(FRIDAY + 3 * HOUR, *attention(2, upvotes=70))
    office.compose(FRIDAY + 3 * HOUR, force=True)
    *_, last = office.told()

    assert trending_numbers(office) == [[8, 7], [2]]
    assert [len(part.entered) for part in last.picks.sections] == [1]


def test_a_weekly_letter_tells_the_best_of_the_week_not_of_the_morning(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, {"email": "new@example.org", "max_papers": 3, "digest": "weekly fri 07:30"})
    for days in range(6, -1, -1):
        day = FRIDAY - days * DAY
        office.collect(day - 2 * HOUR, *attention(days, upvotes=20, listed=day.date()))
    office.collect(FRIDAY - HOUR, *attention(5, upvotes=200), *attention(3, upvotes=150), *attention(4, upvotes=100))
    office.compose(FRIDAY)

    assert trending_numbers(office) == [[5, 3, 4]]


def test_a_paper_told_as_trending_is_known_under_its_later_name(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, {"email": "new@example.org", "max_papers": 9})
    url, title = "https://lab.example/routed", "What we routed, and how far it went"
    page = Listing(title=title, keys=(f"url:{url}",), upvotes=5)
    preprint = listing(1, "Routers of all sorts, considered", upvotes=7)
    both = replace(preprint, keys=(*preprint.keys, f"url:{url}"), upvotes=9)
    office.collect(FRIDAY - HOUR, preprint, page)
    office.compose(FRIDAY)
    office.collect(FRIDAY + HOUR, both, *attention(3))
    office.compose(FRIDAY + DAY)

    assert [one.sections["trending"] for one in office.told()] == [[preprint.title, title], attention_titles(3)]


def attention_titles(*numbers: int) -> list[str]:
    return [one.title for one in attention(*numbers)]


def near_reader(**more: Any) -> dict[str, Any]:
    profile = {"name": "P", "keywords": ["sparse graph attention"], "exclude": ["survey"], "alert": True}
    return subscriber(profiles=[profile], near=2) | more


NEAR = (
    listing(1, "Attention on a sparse graph", abstract="Sparse attention for a graph."),
    listing(2, "Sparse attention"),
    listing(3, "A survey of sparse graphs"),
    listing(4, "Attention, please"),
    listing(5, "Graphs that pay attention, at great length", abstract="Of graphs we tell, and much else. " * 20),
)


def test_near_a_thin_profile_are_papers_with_words_of_its_phrases(office: Office) -> None:
    """The best two of three that hold two words of the phrase; what is excluded is not near, and nothing is alerted."""
    office.subscribers(FRIDAY - DAY, near_reader(trending=5), subscriber("plain@example.org"))
    office.collect(FRIDAY - DAY, listing(9, "Something else"), first=True)
    office.compose(FRIDAY - DAY)
    office.collect(FRIDAY - HOUR, *NEAR)
    office.compose(FRIDAY - HOUR)
    assert not [one for one in office.told() if one.kind == "alert"]
    office.compose(FRIDAY)
    near = next(one for one in office.told() if one.email == "ada@example.org" and one.slot == "2026-11-20")

    assert near.sections["near"] == ["Attention on a sparse graph", "Sparse attention"]
    shown = [title for titles in near.sections.values() for title in titles]
    assert len(shown) == len(set(shown)) == 6
    assert near.picks.matched == 6


def test_what_was_near_is_near_once_and_told_when_the_profile_becomes_true_of_it(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, near_reader())
    office.collect(FRIDAY - HOUR, *NEAR[:1])
    office.compose(FRIDAY)
    office.collect(FRIDAY + HOUR, replace(NEAR[0], upvotes=5))
    office.compose(FRIDAY + DAY)
    office.collect(FRIDAY + DAY + HOUR, replace(NEAR[0], abstract="This is sparse graph attention."))
    office.compose(FRIDAY + 2 * DAY)

    assert [(one.kind, one.sections) for one in office.told()] == [
        ("digest", {"near": [NEAR[0].title]}),
        ("alert", {"P": [NEAR[0].title]}),
    ]


def test_a_profile_that_brings_enough_has_nothing_near(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, near_reader())
    hits = [listing(20 + n, f"Sparse graph attention, part {'ab'[n]}") for n in range(2)]
    office.collect(FRIDAY - HOUR, *NEAR, *hits)
    office.compose(FRIDAY)

    assert [sorted(one.sections) for one in office.told()] == [["P"]]


def test_what_was_near_and_never_left_is_near_again(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, near_reader())
    office.collect(FRIDAY - HOUR, *NEAR[:1])
    office.compose(FRIDAY, send=False)
    with office.database.write() as tx:
        tx.execute(EDITIONS.update().values(state="expired"))
    office.compose(FRIDAY + DAY, send=False)
    first, second = office.told()

    assert first.sections == second.sections == {"near": [NEAR[0].title]}


def test_only_the_best_so_many_a_week_and_the_rest_counted(office: Office) -> None:
    """Four weeks of five papers a day, one in the title; `per_week = 7`: the titles win, whenever they come."""
    office.subscribers(FRIDAY - 28 * DAY, subscriber(per_week=7), subscriber("all@example.org"))
    for days in range(28, 0, -1):
        day = FRIDAY - days * DAY
        place = days * 10
        body = "Words at first, and many more of them before it comes to what it is about: attention."
        rest = [listing(place + n, f"Paper {place + n} of the rest", abstract=body) for n in range(4)]
        office.collect(day + HOUR, listing(place + 9, f"Attention in paper {place + 9}"), *rest)
        office.compose(day + DAY)
    last = {one.email: one for one in office.told() if one.slot == "2026-11-20"}

    assert len(last["all@example.org"].sections["P"]) == 5
    assert last["ada@example.org"].sections["P"] == ["Attention in paper 19"]
    assert last["ada@example.org"].more == {"P": 4}
    shown = sum(len(one.picks.ids) for one in office.told() if one.email == "ada@example.org")
    assert 28 <= shown <= 28 + 7
    matched = {one.email: 0 for one in office.told()}
    for one in office.told():
        matched[one.email] += one.picks.matched
    assert matched == {"ada@example.org": 140, "all@example.org": 140}, "nothing is silently dropped"


def test_trending_leaves_out_what_a_profile_told(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, subscriber(trending=5))
    office.collect(FRIDAY - HOUR, *attention(1, upvotes=1), listing(2, "Something else", upvotes=2), first=True)
    office.compose(FRIDAY)
    office.collect(FRIDAY + HOUR, *attention(1, upvotes=500))
    office.compose(FRIDAY + DAY)

    (only,) = office.told()
    assert only.sections == {"P": ["Attention number 0001 of many"], "trending": ["Something else"]}


def test_what_expired_unsent_is_told_by_the_next_digest_once(office: Office) -> None:
    office.subscribers(FRIDAY - HOUR, subscriber(trending=3))
    office.collect(FRIDAY - HOUR, *attention(1), listing(2, "Something else"), first=True)
    office.compose(FRIDAY, send=False)
    with office.database.write() as tx:
        tx.execute(EDITIONS.update().values(state="expired"))
    for days in (1, 2):
        office.compose(FRIDAY + days * DAY, send=False)
    first, second = office.told()

    assert second.sections == first.sections
    with office.database.read() as tx:
        books = edition_reports.accounts(tx)
        assert outbox.waiting(tx) == 1
    assert (books["expired"], books["waiting"]) == (2, 2)


def test_a_late_run_writes_one_digest_for_its_latest_slot_with_all_that_was_missed(office: Office) -> None:
    office.subscribers(FRIDAY - 6 * DAY, subscriber())
    office.collect(FRIDAY - 5 * DAY - HOUR, *attention(1), first=True)
    office.compose(FRIDAY - 5 * DAY)
    for days in (4, 3, 2):
        office.collect(FRIDAY - days * DAY, *attention(10 + days))
    office.compose(FRIDAY)
    first, late = office.told()

    assert (first.slot, late.slot) == ("2026-11-15", "2026-11-20")
    assert len(late.picks.ids) == 3


@pytest.mark.parametrize("force", [False, True])
def test_composing_again_at_once_writes_nothing(office: Office, force: bool) -> None:
    office.subscribers(FRIDAY - HOUR, subscriber(trending=5), {"email": "new@example.org"})
    office.collect(FRIDAY - HOUR, *attention(*range(30), upvotes=3), first=True)
    first = office.compose(FRIDAY, force=force)
    again = [office.compose(FRIDAY + timedelta(seconds=seconds), force=force).digests for seconds in (0, 1, 300)]

    assert first.digests == 2
    assert again == [0, 0, 0]


def share_among_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["bot.pipeline.compose.compose"]
    monkeypatch.setattr(module, "SHARE_FROM", 1)
    monkeypatch.setattr(module, "CHUNK", 6)


def test_pages_saved_long_ago_trend_by_their_own_latest_days(office: Office) -> None:
    summer = date(2026, 6, 16)
    office.subscribers(FRIDAY - HOUR, {"email": "new@example.org", "digest": "daily 07:30"})
    office.collect(
        FRIDAY - HOUR,
        *attention(1, 2, upvotes=9, listed=summer),
        *attention(3, upvotes=99, listed=summer - timedelta(days=9)),
        first=True,
    )
    office.compose(FRIDAY)
    (letter,) = office.told()

    assert len(letter.picks.ids) == 2
    assert office.compose(FRIDAY + DAY) == ComposeReport()


def test_shared_among_processes_everyone_gets_the_same(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.subscribers(FRIDAY - HOUR, *(subscriber(f"r{number}@example.org") for number in range(20)))
    office.collect(FRIDAY - HOUR, *attention(1, 2), first=True)
    share_among_processes(monkeypatch)
    identity = Identity(sender=Mailbox("", "digest@example.org"), secret="a secret nobody can guess")
    report = compose(office.database, FRIDAY, identity.message_id, processes=2)

    assert report.digests == 20
    assert sorted(one.email for one in office.told()) == sorted(f"r{number}@example.org" for number in range(20))


class Deadly:
    """A maker of Message-IDs that ends every process it is sent to, as a machine short of memory does."""

    def __call__(self, kind: str, slot: str, subscriber: int) -> str:
        return f"<{kind}.{slot}.{subscriber}@x>"

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)


def test_a_process_that_is_killed_leaves_its_share_to_us(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    office.subscribers(FRIDAY - HOUR, *(subscriber(f"r{number}@example.org") for number in range(20)))
    office.collect(FRIDAY - HOUR, *attention(1, 2), first=True)
    share_among_processes(monkeypatch)
    report = compose(office.database, FRIDAY, Deadly(), processes=2)

    assert report.digests == 20
    assert len(office.told()) == 20
    assert "going on alone" in caplog.text


def test_alerts_shared_among_processes_are_not_told_again_by_the_digests(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [f"r{number}@example.org" for number in range(20)]
    alerting = {"name": "P", "keywords": ["attention"], "alert": True}
    office.subscribers(FRIDAY - 2 * HOUR, *(subscriber(email, profiles=[alerting]) for email in people))
    office.collect(FRIDAY - 2 * HOUR, *attention(1), first=True)
    office.compose(FRIDAY - 2 * HOUR)
    office.collect(FRIDAY - HOUR, *attention(2))
    share_among_processes(monkeypatch)
    identity = Identity(sender=Mailbox("", "digest@example.org"), secret="a secret nobody can guess")
    report = compose(office.database, FRIDAY, identity.message_id, processes=2)

    assert report == ComposeReport(digests=20, alerts=20)
    told = {(one.email, one.kind): one.sections["P"] for one in office.told()}
    kinds = (("digest", 1), ("alert", 2))
    assert told == {(email, kind): [f"Attention number 000{n} of many"] for email in people for kind, n in kinds}


def test_chunks_composed_in_any_order_and_again_write_everyone_once(office: Office) -> None:
    """As several machines do: each chunk is alerts, then digests, and a second time nothing is due."""
    alerting = {"name": "P", "keywords": ["attention"], "alert": True}
    people = [subscriber(f"r{number}@example.org", profiles=[alerting]) for number in range(20)]
    office.subscribers(FRIDAY - 2 * HOUR, *people)
    office.collect(FRIDAY - 2 * HOUR, *attention(1), first=True)
    office.compose(FRIDAY - 2 * HOUR)
    office.collect(FRIDAY - HOUR, *attention(2))
    with office.database.read() as tx:
        revision = plan(tx, FRIDAY).revision
        chunks = cursors.due_ranges(tx, revision.id, FRIDAY, 6)
    office.collect(FRIDAY, *attention(3))  # after the plan: it is for the next one
    machines = [
        ChunkComposer(open_view(office.database, FRIDAY, revision), FRIDAY, lambda *slot: f"<{slot}@x>")
        for _ in range(2)
    ]
    first = [machines[number % 2].compose_chunk(chunk) for number, chunk in reversed([*enumerate(chunks)])]
    again = [machine.compose_chunk(chunk) for machine in machines for chunk in chunks]

    assert len(chunks) == 4
    assert sum(first, ComposeReport()) == ComposeReport(digests=20, alerts=20)
    assert sum(again, ComposeReport()) == ComposeReport()
    told = {(one.email, one.kind): one.sections["P"] for one in office.told()}
    assert told == {
        (one["email"], kind): [f"Attention number 000{n} of many"]
        for one in people
        for kind, n in (("digest", 1), ("alert", 2))
    }


@pytest.mark.parametrize("faulty", [1, 60])
def test_whose_edition_cannot_be_made_is_put_off_and_all_others_get_theirs(
    office: Office, caplog: pytest.LogCaptureFixture, faulty: int
) -> None:
    """One subscriber whose row was damaged; or so many that they are given up together."""
    people = [
        subscriber(
            f"r{number:03d}@example.org", profiles=[{"name": "P", "keywords": ["attention"], "alert": number % 2 == 0}]
        )
        for number in range(80)
    ]
    office.subscribers(FRIDAY - 2 * HOUR, *people)
    office.collect(FRIDAY - 2 * HOUR, *attention(1), first=True)
    office.compose(FRIDAY - 2 * HOUR)  # alerts begin here
    office.collect(FRIDAY - HOUR, *attention(2))
    bad = SUBSCRIBERS.c.email < f"r{faulty:03d}"
    with office.database.write() as tx:
        good = tx.execute(SUBSCRIBERS.select().where(bad).limit(1)).one().data
        tx.execute(SUBSCRIBERS.update().where(bad).values(data='{"email": '))

    report = office.compose(FRIDAY)
    again = office.compose(FRIDAY + timedelta(minutes=1))
    told = {(one.email, one.kind) for one in office.told()}

    healthy = {one["email"] for one in people[faulty:]}
    if faulty == 1:
        assert told == {
            *((email, "digest") for email in healthy),
            *((email, "alert") for email in healthy if int(email[1:4]) % 2 == 0),
        }
        assert "the digest of subscriber 1 cannot be made and is tried again in an hour" in caplog.text
    assert (report.digests, again) == (sum(kind == "digest" for _, kind in told), ComposeReport())
    assert len(caplog.records) <= 2 * (MOST_FAULTS + 8)

    with office.database.write() as tx:
        tx.execute(SUBSCRIBERS.update().where(bad).values(data=good))
    office.compose(FRIDAY + HOUR)
    assert {one.email for one in office.told() if one.kind == "digest"} == {one["email"] for one in people}


def test_nobody_due_and_nothing_new_costs_next_to_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.subscribers(FRIDAY + HOUR, subscriber())
    office.collect(FRIDAY, *attention(1))
    office.compose(FRIDAY)
    asked: list[str] = []
    event.listen(office.database._reader, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert office.compose(FRIDAY + timedelta(seconds=20)) == ComposeReport()
    assert not any("FROM paper" in one or "FROM metric_snapshot" in one for one in asked), (
        "looks at papers without need"
    )
