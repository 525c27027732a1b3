import mailbox as library
import os
import re
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from bot.core.letter.letter import Letter
from bot.errors import DeliveryError
from bot.mail.message.mime import Head, write
from bot.mail.message.types import Message
from bot.mail.transport.folders import MaildirTransport, OutboxTransport, file_name


@pytest.fixture
def written(letter: Letter, head: Head) -> Message:
    return Message(
        sender="b+x@papers.example.org", recipient=head.to.email, message_id=head.message_id, data=write(letter, head)
    )


def test_outbox_keeps_the_message_and_both_parts(
    tmp_path: Path, written: Message, letter: Letter, parse: Callable[[bytes], EmailMessage]
) -> None:
    session = OutboxTransport(tmp_path / "a" / "b").session()
    words = session.send(written)
    session.close()
    (eml,), (html,), (text,) = (list((tmp_path / "a" / "b").glob(f"*.{kind}")) for kind in ("eml", "html", "txt"))
    assert eml.read_bytes() == written.data
    assert html.read_text() == letter.html_page
    assert text.read_text() == letter.text_page
    assert eml.stem == html.stem == text.stem
    assert "ada@example.net" in eml.name
    assert str(eml) in words
    parse(eml.read_bytes())


def test_outbox_without_parts(tmp_path: Path, written: Message) -> None:
    OutboxTransport(tmp_path, parts=False).session().send(written)
    assert [path.suffix for path in tmp_path.iterdir()] == [".eml"]


def test_a_repeat_overwrites(tmp_path: Path, written: Message) -> None:
    for transport in (OutboxTransport(tmp_path / "outbox"), MaildirTransport(tmp_path / "maildir")):
        for _ in range(3):
            transport.session().send(written)
    assert len(list((tmp_path / "outbox").iterdir())) == 3
    assert len(list((tmp_path / "maildir" / "new").iterdir())) == 1
    assert list((tmp_path / "maildir" / "tmp").iterdir()) == []


def test_maildir_is_one_to_any_program(tmp_path: Path, written: Message, letter: Letter) -> None:
    MaildirTransport(tmp_path / "maildir").session().send(written)
    box = library.Maildir(tmp_path / "maildir", create=False)
    (message,) = box
    assert message["Delivered-To"] == "ada@example.net"
    assert message["Return-Path"] == "<b+x@papers.example.org>"
    assert message["Subject"] == letter.subject
    assert message.get_payload(0).get_payload(decode=True).decode() == letter.text_page  # type: ignore[union-attr]
    (path,) = (tmp_path / "maildir" / "new").iterdir()
    assert b"\r" not in path.read_bytes()
    assert re.fullmatch(r"d\.2026-11-20\.[a-z2-7]{26}\.[0-9a-f]{12}", path.name)


def test_a_message_already_read_is_not_doubled(tmp_path: Path, written: Message) -> None:
    transport = MaildirTransport(tmp_path)
    transport.session().send(written)
    (path,) = (tmp_path / "new").iterdir()
    path.rename(tmp_path / "cur" / f"{path.name}:2,RS")
    assert "before" in transport.session().send(written)
    assert list((tmp_path / "new").iterdir()) == []
    transport.session().send(replace(written, message_id="<d.other@papers.example.org>"))
    assert len(list((tmp_path / "new").iterdir())) == 1


@pytest.mark.parametrize(
    "hostile", ["../../etc/passwd@x", "<.hidden@x>", "a/b\0c\nd@x", "", "<>", "x" * 500 + "@x", "..", "con:2,S@x"]
)
def test_names_stay_in_the_folder(hostile: str, tmp_path: Path, written: Message) -> None:
    message = replace(written, message_id=hostile, recipient=hostile)
    OutboxTransport(tmp_path / "outbox", parts=False).session().send(message)
    MaildirTransport(tmp_path / "maildir").session().send(message)
    (file,) = (tmp_path / "outbox").iterdir()
    assert not file.name.startswith(".")
    assert len(file.name) < 255
    assert ":" not in next((tmp_path / "maildir" / "new").iterdir()).name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["maildir", "outbox"]


def test_different_ids_never_share_a_name() -> None:
    names = {file_name(f"<{text}@x>") for text in ("a/b", "a_b", "a:b", "x" * 200, "x" * 201, "A_B")}
    assert len({name.lower() for name in names}) == 6


def test_before_data_comes_first_and_may_object(tmp_path: Path, written: Message) -> None:
    def object_to_it() -> None:
        raise LookupError("suppressed meanwhile")

    for transport in (OutboxTransport(tmp_path / "outbox"), MaildirTransport(tmp_path / "maildir")):
        with pytest.raises(LookupError, match="suppressed"):
            transport.session().send(written, object_to_it)
    assert list(tmp_path.rglob("*.*")) == []


def test_trouble_with_the_disk_is_ours(tmp_path: Path, written: Message) -> None:
    (tmp_path / "file").write_text("in the way")
    for transport in (OutboxTransport(tmp_path / "file"), MaildirTransport(tmp_path / "file" / "below")):
        with pytest.raises(DeliveryError) as caught:
            transport.session().send(written)
        assert caught.value.outcome == "ours"
        assert "cannot write to" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_is_whole_or_absent(tmp_path: Path, written: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for transport in (OutboxTransport(tmp_path / "outbox", parts=False), MaildirTransport(tmp_path / "maildir")):
        with pytest.raises(DeliveryError, match="No space left"):
            transport.session().send(written)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.skipif(os.name != "posix", reason="other rights there")
@pytest.mark.parametrize("kind", ["outbox", "maildir"])
def test_letters_are_for_their_owner_alone(kind: str, tmp_path: Path, written: Message) -> None:
    """They hold addresses, and links that act for their subscriber."""
    way = OutboxTransport if kind == "outbox" else MaildirTransport
    way(tmp_path / "letters").session().send(written)
    for path in (tmp_path / "letters").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (tmp_path / "letters").stat().st_mode & 0o077 == 0
