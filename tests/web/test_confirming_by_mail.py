"""A yes by mail subscribes as the button does; an automatic reply never does. End to end, through a Maildir."""

import mailbox
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from bot.mail import tokens
from bot.store import consents
from tests.web.conftest import CONFIG, SECRET, Start, Web
from tests.web.test_signup import asked_link, mails, post

INBOX = CONFIG.replace("[mail]", '[mail]\nunsubscribe = "unsub+{token}@example.org"\ninbox = "maildir:returned"')


@pytest.fixture
def web(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Web:
    monkeypatch.chdir(tmp_path)
    mailbox.Maildir(tmp_path / "returned", create=True)
    return start(INBOX)


def question(web: Web) -> EmailMessage:
    post(web)
    (asked,) = mails(web)
    return asked


def answer(asked: EmailMessage, words: str, *, to: str = "", **fields: str) -> EmailMessage:
    """As a mail program writes it."""
    made = EmailMessage()
    made["From"] = "Eve <eve@example.net>"
    made["To"] = to or str(asked["Reply-To"] or asked["From"])
    made["Subject"] = f"Re: {asked['Subject']}"
    made["In-Reply-To"] = str(asked["Message-ID"])
    for name, value in fields.items():
        made[name.replace("_", "-")] = value
    made.set_content(f"{words}\n\nOn Fri, 20 Nov 2026, {asked['From']} wrote:\n> Somebody, probably you\n")
    return made


def comes_in(web: Web, message: EmailMessage) -> str:
    mailbox.Maildir(Path(web.app.config.folder) / "returned").add(message.as_bytes())
    (line,) = web.app.read_inbox(web.clock())
    return line


def status(web: Web) -> str:
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    return eve.status


def test_a_yes_subscribes_and_a_second_changes_nothing(web: Web) -> None:
    asked = question(web)
    assert str(asked["Reply-To"]).startswith("unsub+")
    body = asked.get_body(("plain",))
    assert body is not None
    assert 'answer this mail with the word "yes"' in body.get_content()
    assert comes_in(web, answer(asked, "Yes, please")) == "yes of eve@example.net: subscribed"
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    assert (eve.status, eve.origin, eve.next_due) == ("active", "web", web.clock())
    with web.database.read() as tx:
        log = consents.log(tx, eve.id)
    assert [(one.act, one.form) for one in log] == [("asked", "/subscribe"), ("confirmed", "reply by mail")]
    web.clock.move(minutes=5)
    comes_in(web, answer(asked, "Yes, please"))
    assert web.subscriber("eve@example.net") == eve


@pytest.mark.parametrize("to", ["Paperlark <digest@example.org>", "somebody.else@example.org"])
def test_the_message_id_is_proof_wherever_the_answer_was_sent(web: Web, to: str) -> None:
    comes_in(web, answer(question(web), "yes", to=to))
    assert status(web) == "active"


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("I am out of the office.", {"Auto_Submitted": "auto-replied"}),
        ("Yes, your mail has arrived.", {"Auto_Submitted": "auto-replied"}),
        ("", {"Precedence": "bulk", "X_Autoreply": "yes"}),
        ("I am out of the office until Monday.", {}),  # without any mark
        ("Ihre Anfrage ist eingegangen.", {}),
        ("No", {}),
    ],
)
def test_an_out_of_office_never_subscribes(web: Web, words: str, fields: dict[str, str]) -> None:
    asked = question(web)
    for to in ("", "digest@example.org"):
        comes_in(web, answer(asked, words, to=to, **fields))
        assert status(web) == "unconfirmed"


def test_an_answer_to_nothing_of_ours_or_too_late_does_nothing(web: Web) -> None:
    asked = question(web)
    strange = answer(asked, "yes", to="digest@example.org")
    del strange["In-Reply-To"]
    strange["In-Reply-To"] = "<s.confirm-1.00112233445566778899aabbccddeeff@example.org>"
    assert "no open question" in comes_in(web, strange)
    forged = tokens.seal_renewable("another secret", "confirm", 2, 1, epoch=0, now=web.clock())
    del strange["To"]
    strange["To"] = f"unsub+{forged}@example.org"
    comes_in(web, strange)
    web.clock.move(hours=48, minutes=2)
    for to in ("", "digest@example.org"):
        assert "no open question" in comes_in(web, answer(asked, "yes", to=to))
    assert status(web) == "unconfirmed"


def test_a_yes_after_a_goodbye_does_not_bring_anybody_back(web: Web) -> None:
    asked = question(web)
    comes_in(web, answer(asked, "yes"))
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    web.clock.now += timedelta(minutes=1)
    web.post("/u/" + tokens.seal(SECRET, "unsubscribe digest", eve.id))
    comes_in(web, answer(asked, "yes"))
    assert status(web) == "unsubscribed"


def test_without_an_inbox_nobody_is_told_to_answer(start: Start) -> None:
    web = start(CONFIG)
    link = asked_link(web)
    assert link
    web.clock.move(minutes=11)
    post(web)
    (asked,) = mails(web)
    assert asked["Reply-To"] is None
    assert "answer this mail" not in asked.as_string()
