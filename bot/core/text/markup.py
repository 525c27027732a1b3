"""HTML, escaped once, twice or not at all, to the text it shows. No tree is built; nothing of the markup is kept."""

import html
import re

from bot.core.text.tex_notation import script

MAX_MARKUP = 400_000  # characters of one field looked at; beyond lies the body of a page, not an abstract
# Tags of HTML and of publishers' XML. A `<` before anything else is a less-than sign: "for $p<q$" stays whole.
_INLINE = (
    "a|abbr|b|big|button|cite|code|del|dfn|em|font|i|inline-formula|input|ins|kbd|mark|math|mml:[a-z]{1,20}|q|s|samp"
    r"|small|span|strike|strong|sub|sup|tex-math|time|tt|u|var|jats:(?!p\b|title|sec)[a-z-]{1,20}"
)
_BLOCK = (
    "article|aside|blockquote|body|center|dd|details|div|dl|dt|embed|figcaption|figure|footer|form|h[1-6]|head|header"
    "|html|iframe|img|li|link|main|meta|nav|noscript|object|ol|p|picture|pre|script|section|select|source|style"
    "|summary|svg|table|tbody|td|tfoot|th|thead|title|tr|ul|video|jats:(?:p|title|sec)"
)
_NEVER_CLOSED = "br|hr|wbr"
# Where one of these stands in prose, the prose is HTML: such tags may be left open, or be cut off with the end.
_STRUCTURE = frozenset(
    """article aside blockquote br dd div dl dt figure h1 h2 h3 h4 h5 h6 hr li ol p section table tbody td th thead tr
    ul jats:p""".split()
)
_ATTRIBUTE = r"""\s+[\w:.@-]{1,60}\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=]+)"""
_FLAG = r"\s+(?:async|checked|controls|defer|disabled|hidden|nowrap)"
_REST = rf"(?:{_ATTRIBUTE}|{_FLAG})*\s*/?>"
_TAG = re.compile(rf"</?({_INLINE}|{_BLOCK}|{_NEVER_CLOSED})(?:(/?>)|{_REST})", re.IGNORECASE)
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE}){_REST}", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK}|{_NEVER_CLOSED}){_REST}", re.IGNORECASE)
_NAME = re.compile(rf"{_INLINE}|{_BLOCK}", re.IGNORECASE)
_INLINE_NAME = re.compile(_INLINE, re.IGNORECASE)
_OPENED = re.compile(r"<([A-Za-z][A-Za-z0-9:-]{0,20})[\s/>]")
_CLOSED = re.compile(r"</([A-Za-z][A-Za-z0-9:-]{0,20})\s*>")
_UNSEEN = re.compile(rf"<(script|style|svg|noscript|iframe|object|select){_REST}|<!--", re.IGNORECASE)
_CLOSING = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE)
    for name in ("script", "style", "svg", "noscript", "iframe", "object", "select")
} | {"": re.compile("-->")}
_SCRIPT = re.compile(r"<(sup|sub)>([^<>&\s]{1,6})</\1>", re.IGNORECASE)
_COMMON = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&nbsp;", "\xa0"), ("&amp;", "&"))
_ENTITY = re.compile(r"&(?!(?:lt|gt|quot|amp|nbsp|#39);)(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


def to_text(markup: str, *, prose: bool = True) -> str:
    """The text of a field that may or may not be HTML, whole and unescaped; script and style fall away.

    Feeds do not say reliably which it is, so the text does. A tag is markup where it has its counterpart or attributes,
    or never has a counterpart (`<br>`); otherwise it is what the sentence is about ("a guide to <head> elements").
    In `prose`, unlike in a title, paragraphs may be left open, and where there are some all tags are markup.

    Linear in its length (a sanitiser that builds a tree takes 20 s for a page of nested tags); the result is text, to
    be escaped like any.
    """
    text = markup[:MAX_MARKUP]
    for _ in range(3):  # escaped twice is common
        bare = unescaped(_without_tags(text, prose) if "<" in text else text)
        if bare == text:
            break
        text = bare
    return text


def unescaped(text: str) -> str:
    """The text with the entities of HTML (those that end in a semicolon) as characters, once."""
    if "&" not in text:
        return text
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    for entity, char in _COMMON:  # these need no call each; "&amp;" is the last, for "&amp;lt;" stands for "&lt;"
        text = text.replace(entity, char)
    return text


def _without_tags(text: str, prose: bool) -> str:
    text = _SCRIPT.sub(_raised, _without_unseen(text))
    lone = _lone(text, prose)
    if lone:
        text = _TAG.sub(lambda tag: tag[0] if tag[2] and tag[1].lower() in lone else _in_place_of(tag[1]), text)
    else:
        text = _INLINE_TAG.sub("", _BLOCK_TAG.sub("\n", text))
    return text.replace("<![CDATA[", "").replace("]]>", "")


def _raised(found: re.Match[str]) -> str:
    """A super- or subscript in the letters Unicode has for it: "10<sup>3</sup>" must not become "103"."""
    mark = "^" if found[1].lower() == "sup" else "_"
    done = script(mark, found[2])
    return found[2] if done.startswith(mark) else done


def _in_place_of(name: str) -> str:
    return "" if _INLINE_NAME.fullmatch(name) else "\n"


def _without_unseen(text: str) -> str:
    """The text without scripts, styles, comments and the like, with all that is in them; what is never closed stays."""
    kept: list[str] = []
    end = 0
    unclosed: set[str] = set()
    for tag in _UNSEEN.finditer(text):
        name = (tag[1] or "").lower()
        if tag.start() < end or name in unclosed:
            continue
        closing = _CLOSING[name].search(text, tag.end())
        if closing is None:
            unclosed.add(name)  # looked for once: a million of them take no longer
            continue
        kept += (text[end : tag.start()], "\n")
        end = closing.end()
    return "".join((*kept, text[end:])) if kept else text


def _lone(text: str, prose: bool) -> set[str]:
    """The names of tags that lack their counterpart: without attributes they are words of the text."""
    opened = {name.lower() for name in set(_OPENED.findall(text))}
    closed = {name.lower() for name in set(_CLOSED.findall(text))}
    if prose and not _STRUCTURE.isdisjoint(opened | closed):
        return set()
    return {name for name in opened ^ closed if _NAME.fullmatch(name)}
