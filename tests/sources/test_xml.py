"""XML from outside: read, or refused with a reason, in bounded time."""

import time

import pytest

from bot.sources.formats import xml


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<a><b></a>", "damaged or cut off"),
        ("<a", "damaged or cut off"),
        ("", "damaged or cut off"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares entities"),
        ("<a " + " ".join(f'x{n}=">"' for n in range(200_000)) + "/>", "never ends"),
        ("<a>" + " " * xml.MAX_XML + "</a>", "more than 40 million"),
    ],
)
def test_refused_with_a_reason(text: str, says: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ValueError, match=says):
        xml.tree(text)
    assert time.perf_counter() - started < 3


def test_questions_to_a_tree() -> None:
    root = xml.tree('\ufeff\n<f:feed xmlns:f="urn:x"><f:a>one <b>two</b></f:a><a>\x08three</a></f:feed>')
    assert xml.local(root) == "feed"
    assert [xml.text_of(item) for item in xml.children(root, "a")] == ["one two", "three"]
    assert xml.text_of(root, "a", "b") == "two"
    assert xml.text_of(root, "missing", "b") == ""
    assert xml.child(None, "a") is None
    assert len(list(xml.descendants(root, "b"))) == 1


def test_deep_nesting_is_no_trouble() -> None:
    depth = 100_000
    assert xml.local(xml.tree("<a>" * depth + "</a>" * depth)) == "a"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('<?xml version="1.0"?><!-- x --><!DOCTYPE rss [ <!ELEMENT a (b)> ]> <rss version="2.0">', "rss"),
        ("<rdf:RDF xmlns='u'>", "rdf"),
        ("<!DOCTYPE html><HTML>", "html"),
        ("plain text <rss>", ""),
        ("", ""),
    ],
)
def test_the_name_of_the_first_element(text: str, name: str) -> None:
    assert xml.root_name(text) == name
