import email.header
import email.policy
import email.utils
import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.mail.message import mime
from bot.mail.message.mailbox import Mailbox

# What has turned a title into a header somewhere, and relatives of it.
HOSTILE = [
    "=?UTF-8?Q?=0A?=Bcc: x@example.org",
    "=?UTF-8?B?Cg==?=Bcc: x@example.org",
    "=?utf-8?q?a=0D=0ABcc:_x@example.org?=",
    "a =?us-ascii?Q?=0D=0A=0D=0A<script>?= b",
    "a\r\nBcc: x@example.org",
    "a\nBcc: x@example.org",
    "a\rBcc: x@example.org",
    "a\r\n\r\n<html>",
    "a\r\n Bcc: x@example.org",
    "a\0Bcc: x@example.org",
    "a\x0bBcc: x\x0cBcc: y\x1cBcc: z\x85Bcc: w",
    "a\u2028Bcc: x\u2029Bcc: y",
    "\u202eevil\u2066 title",
    "lone \ud800 surrogate",
    "Größe = Gräfin " * 30,
    "x" * 5000,
    "=?" * 200,
    "",
    " ",
    "\t\r\n",
]


def unfold(field: bytes) -> tuple[str, str]:
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert all(line[:1] == b" " and line.strip() for line in lines[1:])  # each goes on; none is blank
    assert all(len(line) <= 998 for line in lines)
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\n", field.replace(b"\r\n", b""))
    name, _, value = "".join(line.decode() for line in lines).partition(":")
    return name, value.strip()


def decoded(value: str) -> str:
    return str(email.header.make_header(email.header.decode_header(value)))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_subject_becomes_a_header(text: str) -> None:
    field = mime.unstructured("Subject", text)
    name, value = unfold(field)
    assert name == "Subject"
    said = decoded(value)
    assert not re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029\u202e\u2066]", said)
    shown = mime.as_one_line(text).encode("utf-8", "replace").decode()
    assert said == shown if len(shown) <= 400 else said == shown[:399].rstrip() + "…"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("read", [email.policy.default, email.policy.SMTP, email.policy.compat32])
def test_no_name_or_subject_adds_a_field(text: str, read: email.policy.Policy) -> None:
    data = (
        mime.mailbox_field("From", Mailbox(text, "ada@example.org"))
        + mime.unstructured("Subject", text)
        + mime.named("List-Id", text, "daily.example.org")
        + b"\r\nbody\r\n"
    )
    message = email.message_from_bytes(data, policy=read)
    assert message.keys() == ["From", "Subject", "List-Id"]
    assert "Bcc" not in email.message_from_bytes(message.as_bytes(policy=email.policy.compat32))


@given(st.text(max_size=300))
@example("a" * 76)
@example("ä" * 400)
@example(" leading and  double ")
def test_subjects_round_trip(text: str) -> None:
    field = mime.unstructured("Subject", text)
    _, value = unfold(field)
    assert decoded(value) == mime.as_one_line(text).encode("utf-8", "replace").decode()
    assert all(len(line) <= 78 for line in field.split(b"\r\n"))
    for word in re.findall(r"=\?.*?\?=", value):
        assert len(word) <= 75


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=120))
def test_names_round_trip(text: str) -> None:
    field = mime.mailbox_field("To", Mailbox(text, "ada@example.org"))
    unfold(field)
    message = email.message_from_bytes(field + b"\r\n", policy=email.policy.compat32)
    # Not by the newer policy: up to 3.13 it puts a blank between the encoded-words of a name.
    name, address = email.utils.parseaddr(message["To"])
    assert address == "ada@example.org"
    assert decoded(re.sub(r"\r?\n", "", name)) == mime.as_one_line(text)


def test_no_letter_is_cut_between_two_words() -> None:
    words = mime.encoded_words("a" + "😀ü漢" * 100, used=9)
    for word in words:
        assert "�" not in decoded(word)


def test_international_addresses_stay_as_they_are() -> None:
    assert (
        mime.mailbox_field("To", Mailbox("", "jö@xn--bcher-kva.example")) == "To: jö@xn--bcher-kva.example\r\n".encode()
    )


@pytest.mark.parametrize(
    "address",
    ["", "ada", "@x.org", "a@", "a b@x.org", "a@x.org\r\nBcc: y", "a<@x.org", "a@x@y.org", 'a"@x.org', "a,b@x.org"],
)
def test_an_address_that_was_never_checked_is_refused(address: str) -> None:
    with pytest.raises(ValueError):
        mime.mailbox_field("To", Mailbox("Ada", address))


@pytest.mark.parametrize("token", ["", "a b", "a\r\nb", "ä", "a\0", "x" * 1000])
def test_structured_values_are_ours_or_refused(token: str) -> None:
    with pytest.raises(ValueError):
        mime.structured("Feedback-ID", token)


def test_long_uris_are_never_broken() -> None:
    uris = [f"<https://papers.example.org/u/{'a' * 200}>,", f"<mailto:unsub+{'b' * 47}@papers.example.org>"]
    field = mime.structured("List-Unsubscribe", *uris)
    assert field.decode() == "List-Unsubscribe: " + uris[0] + "\r\n " + uris[1] + "\r\n"
    assert unfold(field)[1] == " ".join(uris)


def test_the_standard_library_still_needs_us(parse: Callable[[bytes], EmailMessage]) -> None:
    """Our writer's reason to exist. When this fails on every Python we support, it may go."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["List-Unsubscribe"] = (
        f"<https://papers.example.org/u/{'a' * 60}>, <mailto:unsub+{'b' * 47}@papers.example.org>"
    )
    assert b"=?utf-8?q?" in message.as_bytes()
    ours = mime.structured("List-Unsubscribe", *message["List-Unsubscribe"].split(" "))
    assert parse(ours + b"\r\n")["List-Unsubscribe"] == message["List-Unsubscribe"]
