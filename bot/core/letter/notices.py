"""The short letters that are no editions: to the operator on what stays broken, to a visitor or a subscriber what they
asked for. Pure.

Each is a template in `templates/notices/`: paragraphs, the first of which is the subject; one that is the link alone
leads there.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.core.letter.fragments import FragmentCache
from bot.core.letter.letter import Letter, NoticeName, Pause
from bot.core.letter.localize import Words
from bot.core.letter.wrap import wrap
from bot.core.source.health import SourceNote
from bot.core.text.sanitize import line

_LINK = {"site": "papers.example.org", "link": "https://papers.example.org/manage/token"}
_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
# What each is given, by an example that `check` renders.
EXAMPLES: Mapping[NoticeName, Mapping[str, Any]] = {
    "address": _LINK,
    "confirm": _LINK | {"by_reply": True},
    "delete": _LINK,
    "export": _LINK,
    "farewell": {"address": "ada@example.org", "alerts_only": True},
    "flood": {"limit": 60},
    "manage": _LINK,
    "operator": {"sources": (SourceNote(name="hf", state="failing", since=_NOON, reason="connection refused"),)},
    "pause": {"pauses": (Pause(_NOON, "421 later", domain="example.org"), Pause(_NOON, "421 later", relay="mx"))},
    "trial": {},
}


def notice(fragments: FragmentCache, name: NoticeName, words: Words, values: Mapping[str, Any]) -> Letter:
    """One of them in the words of a language. Raises BrokenTemplate, and TemplateNotFound where one is missing."""
    rendered = fragments.render(f"notices/{name}.txt", words, values)
    subject, *paragraphs = [line(paragraph) for paragraph in rendered.split("\n\n") if paragraph.strip()]
    link = str(values.get("link", ""))
    body = fragments.styled("_notice.html", words, {"subject": subject, "paragraphs": paragraphs, "link": link})
    before, after = fragments.frame("notice", subject, words)
    text = tuple((one if one == link else wrap(one)) + "\n\n" for one in paragraphs)
    return Letter(subject=subject, html=(before, body, after), text=text, language=words.language)
