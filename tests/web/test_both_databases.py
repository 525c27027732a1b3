"""What the pages write, on both databases: asking, the limits under many processes' hands, confirming, erasing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from bot.core.subscriber.subscriber import subscriber_from
from bot.mail.message.mailbox import mailbox
from bot.mail.tokens import Token
from bot.pipeline import preferences, signup
from bot.pipeline.sender_identity import Identity
from bot.pipeline.signup import Visit
from bot.store import Database, edition_reports, mail_requests, outbox, subscribers, thumbs, ticks
from tests.web.conftest import NOW, SECRET

IDENTITY = Identity(sender=mailbox("P <p@example.org>"), secret=SECRET, public_url="https://papers.example.org")


def ask(database: Database, email: str, network: str = "192.0.2.0/24") -> signup.SignUpOutcome:
    own = subscriber_from({"email": email, "profiles": [{"keywords": ["attention"]}]})
    return signup.ask(database, IDENTITY, own, Visit(network=network, form="/subscribe"), lambda domain: True, NOW)


def test_asking_confirming_and_erasing(database: Database) -> None:
    assert ask(database, "eve@example.net") == "asked"
    assert ask(database, "eve@example.net") == "address limit"
    with database.read() as tx:
        eve = subscribers.by_email(tx, "eve@example.net")
        assert eve is not None
        (request,) = mail_requests.of_subscriber(tx, eve.id)
        assert outbox.due_of_kind(tx, outbox.SERVICE, NOW) == 1
    token = Token("confirm", eve.id, request.id)
    visit = Visit(network="", form="/confirm")
    assert signup.confirm(database, token, visit, NOW) is not None
    preferences.fewer(database, eve.id, NOW)
    preferences.pause(database, eve.id, NOW + timedelta(days=3), NOW)
    preferences.renew_links(database, eve.id)
    with database.write() as tx:
        thumbs.give(tx, eve.id, 7, "more", NOW)
        thumbs.give(tx, eve.id, 7, "less", NOW)
        ticks.note(tx, "deliver", NOW, timedelta(minutes=1))
        ticks.note(tx, "deliver", NOW, timedelta(minutes=2))
    with database.read() as tx:
        changed = subscribers.by_id(tx, eve.id)
        assert changed is not None
        assert (changed.status, changed.origin, changed.epoch) == ("paused", "web", 1)
        assert [thumb.kind for thumb in thumbs.of_subscriber(tx, eve.id)] == ["less"]
        assert ticks.latest_ticks(tx)["deliver"].due_by == NOW + timedelta(minutes=2)
    assert preferences.export(database, changed)["consents"]
    preferences.erase(database, SECRET, eve.id, NOW)
    with database.read() as tx:
        assert subscribers.everyone(tx) == []
        assert thumbs.of_subscriber(tx, eve.id) == []
        books = edition_reports.accounts(tx)
    assert 2 * books["matched"] == sum(books.values())


def test_limits_hold_under_many_hands(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        same = list(pool.map(lambda _: ask(database, "eve@example.net", "198.51.100.0/24"), range(16)))
        many = list(pool.map(lambda number: ask(database, f"s{number}@example.net"), range(40)))
    assert same.count("asked") == 1
    assert many.count("asked") == signup.NETWORK_HOUR


def test_who_never_confirms_goes(database: Database) -> None:
    ask(database, "eve@example.net")
    assert signup.upkeep(database, NOW + timedelta(days=7, seconds=1)) == 1
    with database.read() as tx:
        assert subscribers.by_email(tx, "eve@example.net") is None
        assert outbox.waiting(tx) == 0
