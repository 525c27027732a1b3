"""Files and globs."""

import os
from datetime import date

import pytest

from bot.errors import SourceError
from bot.fetch import Limits


@pytest.fixture
def folder(tmp_path):
    for name, text in {"b.txt": "bee", "a.txt": "ay", "c.html": "sea", "deep/d.txt": "dee"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1_780_000_000, 1_780_000_000))  # 2026-05-28, 20:26:40 UTC
    return tmp_path


def test_a_file_relative_to_the_base_and_absolute(visit, folder):
    visitor = visit(base=folder)
    (document,) = visitor.get("a.txt", save=False).documents
    assert (document.body, document.saved, document.location) == (b"ay", date(2026, 5, 28), str(folder / "a.txt"))
    assert visit().body(str(folder / "a.txt")) == b"ay"


@pytest.mark.parametrize(
    ("pattern", "bodies"),
    [
        ("*.txt", [b"ay", b"bee"]),
        ("[ab].*", [b"ay", b"bee"]),
        ("?.html", [b"sea"]),
        ("**/*.txt", [b"ay", b"bee", b"dee"]),
        ("*", [b"ay", b"bee", b"sea"]),
    ],
)
def test_a_glob_gives_its_files_in_order_of_their_names(visit, folder, pattern, bodies):
    assert [d.body for d in visit(base=folder).get(pattern).documents] == bodies


def test_a_name_with_brackets_is_a_name_first(visit, folder):
    (folder / "page [1].txt").write_text("one")
    assert visit(base=folder).body("page [1].txt") == b"one"


def test_only_what_changed_is_told_again(visit, folder):
    visitor = visit(base=folder)
    assert len(visitor.get("*.txt").documents) == 2
    again = visitor.get("*.txt")
    assert not again.documents
    assert again.documents == ()
    (folder / "b.txt").write_text("fly")
    os.utime(folder / "b.txt", (1_780_000_000, 1_780_000_000))  # same size, same moment, other words
    changed = visitor.get("*.txt")
    assert changed.documents
    assert [d.body for d in changed.documents] == [b"fly"]
    assert not visitor.get("*.txt").documents


def test_nothing_is_remembered_unless_the_caller_stores_it(visit, folder):
    visitor = visit(base=folder)
    assert visitor.body("a.txt", save=False) == b"ay"
    assert visitor.body("a.txt", save=False) == b"ay"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("z.txt", "no such file"),
        ("*.pdf", "matches no file"),
        ("deep", "is a folder"),
        ("", "no file named"),
        ("a\0b", "no file named"),
        ("~nobody-here/x.txt", "no such file"),
        ("x" * 300, "cannot be read"),
        ("*" + "x" * 300, "cannot be read"),
        ("file:///etc/hosts", "file: is not fetched"),
        ("FILE:/etc/hosts", "file: is not fetched"),
        ("ftp://example.org/x", "ftp: is not fetched"),
        ("gopher://example.org/x", "gopher: is not fetched"),
        ("data:text/plain,x", "data: is not fetched"),
        ("javascript:alert(1)", "javascript: is not fetched"),
        ("feed:https://example.org", "feed: is not fetched"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(visit, folder, location, words):
    with pytest.raises(SourceError, match=words) as caught:
        visit(base=folder).get(location)
    assert "\n" not in str(caught.value)


def test_a_pipe_a_giant_and_a_crowd_are_refused(visit, folder):
    os.mkfifo(folder / "pipe")
    (folder / "giant.bin").write_bytes(b"x" * 2000)
    visitor = visit(Limits(body=1999, files=3), base=folder)
    for location, words in (
        ("pipe", "not a regular file"),
        ("giant.bin", "larger than 1.95 KiB"),
        ("**/*", "more than 3"),
    ):
        with pytest.raises(SourceError, match=words):
            visitor.get(location)


def test_a_colon_does_not_make_a_scheme(visit, folder):
    (folder / "notes:today.txt").write_text("hi")
    assert visit(base=folder).body("notes:today.txt") == b"hi"
