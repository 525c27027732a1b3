import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.message.mailbox import mailbox


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ada@example.org", "", "ada@example.org"),
        ("  ada@example.org ", "", "ada@example.org"),
        ("<ada@example.org>", "", "ada@example.org"),
        ("Ada Lovelace <ada@example.org>", "Ada Lovelace", "ada@example.org"),
        ("Dr. Ada, Countess <ada@example.org>", "Dr. Ada, Countess", "ada@example.org"),
        ('"Lovelace, \\"Ada\\" \\\\" <ada@example.org>', 'Lovelace, "Ada" \\', "ada@example.org"),
        ('"ada@work" <ada@example.org>', "ada@work", "ada@example.org"),
        ("Zoë Çelik <zoe+papers@Example.ORG>", "Zoë Çelik", "zoe+papers@example.org"),
        ("ada@bücher.example", "", "ada@xn--bcher-kva.example"),
        ("ада@пример.рф", "", "ада@xn--e1afmkfd.xn--p1ai"),
        ("ada@papers.lan", "", "ada@papers.lan"),
        ("ada@localhost", "", "ada@localhost"),
        ("ada@printer.local", "", "ada@printer.local"),
        ("ada@example.test", "", "ada@example.test"),
        ("=?UTF-8?Q?=0A?=Bcc <ada@example.org>", "=?UTF-8?Q?=0A?=Bcc", "ada@example.org"),
    ],
)
def test_reads(text: str, name: str, address: str) -> None:
    box = mailbox(text)
    assert (box.name, box.email) == (name, address)
    assert box.domain == address.split("@")[1]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "@"),
        ("ada", "@"),
        ("@example.org", "before the @"),
        ("ada@", "after the @"),
        ("ada@gmail", "period"),
        ("ada@example..org", "period"),
        ('"ada lovelace"@example.org', "Quoting"),
        ("ada@[127.0.0.1]", "IP address"),
        ("ada@example.org, bob@example.org", "more than one"),
        ("ada@example.org,bob@example.org", "more than one"),
        ("ada@example.org; bob@example.org", "more than one"),
        ("ada@example.org bob@example.org", "more than one"),
        ("Ada <ada@example.org>, Bob <bob@example.org>", "more than one"),
        ("ada@example.org, Bob <bob@example.org>", "more than one"),
        ("Ada <ada@example.org", "not a mail address"),
        ("ada@example.org\r\nBcc: x@example.org", "U+000D"),
        ("Ada\nBcc: x@example.org <ada@example.org>", "U+000A"),
        ("ada\0@example.org", "U+0000"),
        ("Ada\x85 <ada@example.org>", "U+0085"),
        ("Ada\u2028 <ada@example.org>", "U+2028"),
        ("Ada\u202egro <ada@example.org>", "U+202E"),
        ("a" * 65 + "@example.org", "too long"),
        ("A" * 400 + " <ada@example.org>", "too long"),
    ],
)
def test_refuses(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        mailbox(text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\r" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        box = mailbox(text)
    except ValueError:
        return
    assert box.email.count("@") == 1
    assert box.domain.isascii()
    assert not set(box.email) & set(' \t\r\n\0<>",;:()[]\\')


@given(st.text(st.characters(exclude_categories=("C", "Z"), include_characters=' \\"<>@,;'), max_size=30))
def test_a_quoted_name_comes_back(name: str) -> None:
    name = " ".join(name.split())
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    assert mailbox(f'"{escaped}" <ada@example.org>').name == name
