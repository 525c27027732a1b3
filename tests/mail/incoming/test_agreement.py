"""Answers to the question whether somebody subscribed: what a person says counts, what a program says never does."""

import email
from email.message import Message

import pytest

from bot.mail.incoming.agreement import answered, is_yes
from bot.mail.incoming.classify import read_message
from bot.mail.tokens import seal, seal_renewable
from tests.web.conftest import NOW

SECRET = "a secret"
CONFIRM = seal_renewable(SECRET, "confirm", 7, 9, epoch=0, now=NOW)
BOUNCE = seal(SECRET, "bounce", 7, 9)
QUESTION = "<s.confirm-9.00112233445566778899aabbccddeeff@papers.example.org>"
QUOTE = """
On Fri, 20 Nov 2026 at 10:00, Paperlark <digest@papers.example.org> wrote:
> Somebody, probably you, asked for papers by mail.
> https://papers.example.org/confirm/abc
"""


def reply(
    body: str,
    *,
    to: str = f"unsub+{CONFIRM}@papers.example.org",
    more: str = "",
    subject: str = "Re: Is this your address? One click, and papers come",
    sender: str = "Eve <eve@example.net>",
) -> bytes:
    head = f"From: {sender}\nTo: {to}\nSubject: {subject}\nIn-Reply-To: {QUESTION}\nReferences: <x@y> {QUESTION}\n"
    kind = "" if "Content-Type" in more else "Content-Type: text/plain; charset=utf-8\n"
    return f"{head}MIME-Version: 1.0\n{kind}{more}\n{body}".encode()


def parsed(raw: bytes) -> Message:
    return email.message_from_bytes(raw)


@pytest.mark.parametrize(
    "body",
    [
        "yes",
        "Yes!\n\nAda",
        "Yes, please. I am on holiday from Monday.",
        "\n\n  “Yes”\n",
        "OK" + QUOTE,
        "Ja, bitte." + QUOTE,
        "Oui",
        "Sí, gracias",
        "はい、お願いします",
        "是的",
        "Sure, that was me",
        "I confirm.",
        "That’s me",
        "confirm\n\nSent from my phone",
        QUOTE,  # sent back without a word
        QUOTE.replace(" wrote:", "\nwrote:"),
        QUOTE + "\nyes\n",
        "Yes\n\n-----Original Message-----\nFrom: Paperlark\n\nSomebody, probably you",
    ],
)
def test_a_persons_yes(body: str) -> None:
    meaning = read_message(reply(body), SECRET)
    assert meaning.kind == "agreement"
    assert meaning.token is not None
    assert (meaning.token.purpose, meaning.token.item_id) == ("confirm", 9)
    assert meaning.answers == (QUESTION, "<x@y>")


@pytest.mark.parametrize(
    "body",
    [
        "No" + QUOTE,
        "no\nOn Fri, 20 Nov 2026, Paperlark <digest@papers.example.org> wrote:\n> Somebody",
        "Please do not write to me." + QUOTE,
        "Who are you?",
        "unsubscribe",
        "",
        "  \n\n",
        "I am out of the office until Monday." + QUOTE,
        "Thank you for contacting us. Your request (#1234) has been received." + QUOTE,
        "Please confirm that you are human by clicking here: https://spam.example/" + QUOTE,
        "Confirming receipt of your message." + QUOTE,
        "Si votre message est urgent, écrivez à ma collègue." + QUOTE,
        "Ich bin bis Montag nicht im Büro." + QUOTE,
        "yesterday I left for good",
    ],
)
def test_anything_else_is_no_yes_whatever_its_marks(body: str) -> None:
    assert read_message(reply(body), SECRET).kind == "other"


@pytest.mark.parametrize(
    ("more", "subject"),
    [
        ("Auto-Submitted: auto-replied\n", "Re: Is this your address?"),
        ("Auto-Submitted: auto-replied (vacation)\n", "yes"),
        ("Precedence: bulk\n", "Re: Is this your address?"),
        ("X-Autoreply: yes\n", "Re: Is this your address?"),
        ("X-Auto-Response-Suppress: All\n", "Re: Is this your address?"),
        ("Return-Path: <>\n", "Re: Is this your address?"),
        ("", "Automatic reply: Is this your address?"),
        ("", "Abwesenheitsnotiz: Is this your address?"),
        ("", "自动回复：Is this your address?"),
    ],
)
def test_automatic_replies_never_agree_though_they_say_yes(more: str, subject: str) -> None:
    for body in ("Yes, I have received your mail.", QUOTE):
        assert read_message(reply(body, more=more, subject=subject), SECRET).kind == "auto-reply"


def test_mailers_and_receipts_never_agree() -> None:
    assert not is_yes(parsed(reply("ok, queued", sender="MAILER-DAEMON@mx.example.net")))
    receipt = "--b\nContent-Type: text/plain\n\nYes, your message was read.\n--b\n"
    more = 'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\n'
    assert not is_yes(parsed(reply(receipt, more=more)))


def test_the_bounce_address_and_what_answers_nothing_never_agree() -> None:
    assert read_message(reply("yes", to=f"b+{BOUNCE}@papers.example.org"), SECRET).kind != "agreement"
    assert (
        read_message(b"From: a@example.net\nTo: digest@papers.example.org\nSubject: hi\n\nyes", SECRET).kind == "other"
    )


def test_an_html_answer() -> None:
    quoted = '<div class="quote"><blockquote><p>Somebody, probably you</p><p>no</p></blockquote></div>'
    html = "Content-Type: text/html; charset=utf-8\n"
    assert is_yes(
        parsed(reply(f"<html><head><style>no</style></head><body><p>Yes</p>{quoted}</body></html>", more=html))
    )
    assert is_yes(parsed(reply(f"<div>{quoted}</div>", more=html)))
    assert not is_yes(parsed(reply(f"<div><p>I am away</p>{quoted}</div>", more=html)))
    assert not is_yes(parsed(reply("<div><img src=x></div>", more=html)))


def test_what_is_answered() -> None:
    assert answered(parsed(b"References: <a@x>\n <b@x>\nIn-Reply-To: <b@x> (of Friday)\n\n")) == ("<b@x>", "<a@x>")
    assert answered(parsed(b"In-Reply-To: your mail\n\n")) == ()
    assert len(answered(parsed(b"References: " + b" ".join(b"<%d@x>" % n for n in range(500)) + b"\n\n"))) == 20
