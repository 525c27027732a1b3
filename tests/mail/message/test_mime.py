"""The message, to the byte: golden files say how it looks, the standard library that it is sound."""

import datetime as dt
import email.message
import email.policy
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.letter.letter import Letter
from bot.mail.message.mailbox import Mailbox, mailbox
from bot.mail.message.mime import Head, write
from bot.mail.message.types import Ready

GOLDEN = Path(__file__).parent / "golden"
Parse = Callable[[bytes], email.message.EmailMessage]

ALL = [
    *(
        "Date",
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Message-ID",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ),
    *("List-Help", "List-Archive", "Feedback-ID", "Auto-Submitted", "Precedence", "X-Auto-Response-Suppress"),
    *("Content-Language", "MIME-Version", "Content-Type"),
]


def heads(head: Head) -> dict[str, Head]:
    alert = replace(
        head,
        message_id="<a.2026-11-20T12-00-03.abcdefghijklmnopqrstuvwxyz@papers.example.org>",
        list_id="alerts.papers.example.org",
        list_name="Paper alerts",
        feedback_id="2026-11-20:alerts:alert:paperlark",
    )
    return {
        "digest": head,
        "alert": alert,
        "digest_by_mail_only": replace(
            head, unsubscribe_url="", help="help@papers.example.org", archive_url="", reply_to=None
        ),
        "note": replace(head, list_id="", to=mailbox("Zoë Müller-Lüdenscheidt, née Çelik <zoe@bücher.example>")),
    }


@pytest.mark.parametrize("name", ["digest", "alert", "digest_by_mail_only", "note"])
def test_golden(name: str, letter: Letter, head: Head, parse: Parse) -> None:
    subject = {"note": "Auf Wiedersehen, Zoë: Sie erhalten keine weiteren Nachrichten von Paper Digest mehr"}
    data = write(replace(letter, subject=subject.get(name, letter.subject)), heads(head)[name])
    assert data == (GOLDEN / f"{name}.eml").read_bytes()
    parse(data)


def test_every_field_once_and_in_order(letter: Letter, head: Head, parse: Parse) -> None:
    message = parse(write(letter, head))
    assert message.keys() == ALL
    assert message["Date"] == "Fri, 20 Nov 2026 12:00:03 +0000"
    assert (
        message["List-Unsubscribe"]
        == f"<{head.unsubscribe_url}>, <mailto:{head.unsubscribe_email}?subject=unsubscribe>"
    )


def test_parts_are_text_first_and_equal_to_the_letter(letter: Letter, head: Head, parse: Parse) -> None:
    message = parse(write(letter, head))
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    for part, said in ((text, letter.text_page), (html, letter.html_page)):
        assert part["Content-Transfer-Encoding"] == "quoted-printable"
        assert part.get_content_charset() == "utf-8"
        assert part.get_content().replace("\r\n", "\n") == said


def test_a_note_is_no_list_mail(letter: Letter, head: Head, parse: Parse) -> None:
    message = parse(write(letter, replace(head, list_id="")))
    left_out = {
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-Help",
        "List-Archive",
        "Feedback-ID",
        "Precedence",
    }
    assert message.keys() == [name for name in ALL if name not in left_out]


def test_one_click_is_promised_only_where_it_exists(letter: Letter, head: Head, parse: Parse) -> None:
    message = parse(write(letter, replace(head, unsubscribe_url="")))
    assert "List-Unsubscribe-Post" not in message
    assert message["List-Unsubscribe"] == f"<mailto:{head.unsubscribe_email}?subject=unsubscribe>"
    assert "List-Unsubscribe" not in parse(write(letter, replace(head, unsubscribe_url="", unsubscribe_email="")))


def test_odd_addresses_are_sound_in_a_mailto(letter: Letter, head: Head, parse: Parse) -> None:
    message = parse(
        write(letter, replace(head, unsubscribe_url="", unsubscribe_email="a&b?c%d+tok@papers.example.org"))
    )
    assert message["List-Unsubscribe"] == "<mailto:a%26b%3Fc%25d+tok@papers.example.org?subject=unsubscribe>"


def test_the_same_letter_is_the_same_bytes(letter: Letter, head: Head) -> None:
    assert write(letter, head) == write(replace(letter), replace(head))
    assert write(letter, head) != write(letter, replace(head, message_id="<d.other@papers.example.org>"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    subject=st.text(max_size=120) | st.sampled_from(["=?UTF-8?Q?=0A?=Bcc: x@y", "a\r\nBcc: x@y", "a\r\n\r\nb"]),
    name=st.text(max_size=60),
    text=st.text(max_size=300),
    html=st.text(max_size=300),
)
def test_whatever_a_letter_says_stays_where_it_belongs(
    subject: str, name: str, text: str, html: str, head: Head, parse: Parse
) -> None:
    letter = Letter(subject=subject, text=(text, "end\n"), html=(html, "end\n"))
    data = write(
        letter, replace(head, to=Mailbox(name, "ada@example.net"), sender=Mailbox(name, "digest@papers.example.org"))
    )
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|[^\r\n -~]", data)
    assert max(map(len, data.split(b"\r\n"))) <= 200
    assert isinstance(data, Ready)  # so the sender need not look for these two:
    assert data.endswith(b"\r\n")
    assert b"\r\n." not in b"\r\n" + data
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    assert message.keys() == ALL
    parts = message.get_payload()
    assert isinstance(parts, list)
    assert [part.keys() for part in parts] == [["Content-Type", "Content-Transfer-Encoding"]] * 2
    for part, said in zip(parts, (letter.text_page, letter.html_page), strict=True):
        got = part.get_payload(decode=True)
        assert isinstance(got, bytes)
        assert got.replace(b"\r\n", b"\n") == said.replace("\r\n", "\n").encode("utf-8", "replace")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"unsubscribe_url": "https://x.example/u/a\r\nBcc: x@y"}, "List-"),
        ({"unsubscribe_url": "http://x.example/u/a"}, "https://"),
        ({"unsubscribe_url": "https://x.example/u/a>, <mailto:evil@x.example"}, "List-"),
        ({"unsubscribe_email": "unsub@x.example>\r\nBcc: x@y"}, "List-"),
        ({"help": "javascript:alert(1)"}, "https://"),
        ({"message_id": "<a b@x.example>"}, "Message-ID"),
        ({"message_id": "<a@x.example>\r\nBcc: x@y"}, "Message-ID"),
        ({"list_id": "daily example"}, "List-Id"),
        ({"feedback_id": "a b"}, "Feedback-ID"),
        ({"to": Mailbox("", "a@x.example\r\nBcc: x@y")}, "To"),
        ({"date": dt.datetime(2026, 11, 20)}, "time zone"),  # noqa: DTZ001
    ],
)
def test_a_head_of_ours_gone_wrong_is_an_error(
    change: dict[str, object], what: str, letter: Letter, head: Head
) -> None:
    with pytest.raises(ValueError, match=what):
        write(letter, replace(head, **change))  # type: ignore[arg-type]


def test_language(letter: Letter, head: Head, parse: Parse) -> None:
    assert parse(write(replace(letter, language="de"), head))["Content-Language"] == "de"
    with pytest.raises(ValueError):
        write(replace(letter, language="de\r\nBcc: x@y"), head)
