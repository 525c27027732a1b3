"""XML from outside to a tree, safely, and the few questions the sources ask of one.

Elements are asked for by local name: the namespaces of feeds are not reliable."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, XMLParser

MAX_XML = 40_000_000  # characters
MAX_TAGS = 500_000  # a document of arXiv's with 2,000 papers has 150,000
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONG = re.compile(r"<[A-Za-z][^<]{200000}[^<]*")
_CDATA = re.compile(r"<!\[CDATA\[[^\]]*(?:\](?!\]>)[^\]]*)*\]\]>")
MAX_ATTRIBUTES = 20_000
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s/>]")
_PREAMBLE = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)


def tree(text: str) -> Element:
    """The root element of a document. Raises ValueError with the reason: not well-formed, too large, overgrown, or with
    entity declarations, which no source needs and only an attacker sends."""
    if len(text) > MAX_XML:
        raise ValueError(f"the XML has more than {MAX_XML // 1_000_000} million characters")
    if "<!ENTITY" in text:
        raise ValueError("the XML declares entities")
    if text.count("<") > MAX_TAGS and _CDATA.sub("", text).count("<") > MAX_TAGS:
        raise ValueError(f"the XML has more than {MAX_TAGS:,} tags")
    if overgrown(text):
        raise ValueError("the XML is damaged: a tag never ends")
    parser = XMLParser()  # noqa: S314 - no entities, see above
    try:
        parser.feed(_FORBIDDEN.sub("", text.lstrip("\ufeff \t\r\n")))
        return parser.close()
    except (ParseError, ValueError, RecursionError) as problem:
        raise ValueError(f"the XML is damaged or cut off ({problem})") from None


def overgrown(text: str) -> bool:
    """Whether some tag has so many attributes that reading them takes a parser's time squared. Between two "<" stand
    one tag and the text behind it."""
    return any(found[0].count("=") > MAX_ATTRIBUTES for found in _LONG.finditer(text))


def root_name(text: str) -> str:
    """The local name of a document's first element in lower case, well-formed or not; "" if there is none."""
    at = 0
    for _ in range(1_000):
        found = _PREAMBLE.match(text, at)
        if found is None:
            break
        at = found.end()
    root = _ROOT.match(text, at)
    return root[1].lower() if root else ""


def local(element: Element) -> str:
    """An element's name without namespace; comments and the like have none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def children(element: Element | None, *names: str) -> Iterator[Element]:
    """The children of these local names, in order."""
    for item in element if element is not None else ():
        if local(item) in names:
            yield item


def child(element: Element | None, *path: str) -> Element | None:
    """The first descendant down a path of local names."""
    for name in path:
        element = next(children(element, name), None)
    return element


def text_of(element: Element | None, *path: str) -> str:
    """All the text in an element, or in the first one down the path; "" if there is none."""
    found = child(element, *path) if path else element
    return "".join(found.itertext()) if found is not None else ""


def descendants(element: Element, name: str) -> Iterator[Element]:
    """Every element of this local name below, at any depth."""
    return (item for item in element.iter() if local(item) == name)
