"""The few short letters that are no editions: to the operator on a broken source, to a subscriber who has left.
Pure."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from html import escape

from bot.core.letter.letter import Letter
from bot.core.source.state import SourceNote
from bot.core.text.sanitize import line


def operator_letter(notes: Sequence[SourceNote]) -> Letter:
    """Sources that stay broken, and what to do."""
    names = ", ".join(note.name for note in notes)
    facts = [
        f"{note.name} has been {note.state} since {note.since:%Y-%m-%d %H:%M} UTC: {note.reason}"
        for note in notes
        if note.since
    ]
    paragraphs = [
        *facts,
        "The other sources go on, and so do the letters; their footer names what is missing. You will not be told "
        "again until it has recovered.",
        "`paperlark status` shows every source; answers that could not be read are kept, and `paperlark read TYPE "
        "recording:N` replays them.",
    ]
    return _letter(f"Paperlark: {names} needs a look", paragraphs)


def pause_letter(paused: Sequence[tuple[str, datetime, str]]) -> Letter:
    """Ways mail cannot go at the moment: (what, until when, why)."""
    facts = [f"{what} is paused until {until:%Y-%m-%d %H:%M} UTC: {why}" for what, until, why in paused]
    paragraphs = [
        *facts,
        "Nothing is lost: what waits is tried again by itself, and what gets stale is in the next digest. You will not "
        "be told again until it has worked once.",
        "`paperlark doctor` looks at the relay and the DNS and says what to put right.",
    ]
    return _letter("Paperlark: sending is paused", paragraphs)


def trial_letter() -> Letter:
    """What `doctor --send` sends."""
    paragraphs = [
        "This is a test message. If you can read it where letters are read (and not among the junk), mail works.",
        "Your mail program can show its source: Authentication-Results says what the receiver made of SPF, DKIM and "
        "DMARC.",
    ]
    return _letter("Paperlark: a test message", paragraphs)


def farewell_letter(address: str, *, alerts_only: bool) -> Letter:
    """Confirms that somebody has left."""
    what = "alerts" if alerts_only else "mail"
    rest = "Your digests go on." if alerts_only else "Nothing more will come."
    paragraphs = [
        f"You asked for no more {what} at {address}. {rest}",
        "If that was a mistake, ask whoever runs this Paperlark: only they can turn it on again.",
    ]
    return _letter(f"You will get no more {what} from Paperlark", paragraphs)


def _letter(subject: str, paragraphs: Sequence[str]) -> Letter:
    shown = [line(paragraph) for paragraph in paragraphs]
    text = tuple(
        textwrap.fill(paragraph, 72, break_long_words=False, break_on_hyphens=False) + "\n\n" for paragraph in shown
    )
    html = (
        '<!DOCTYPE html>\n<html lang="en" dir="ltr"><head><meta charset="utf-8">'
        f"<title>{escape(line(subject))}</title></head>\n"
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.5">\n',
        *(f"<p>{escape(paragraph)}</p>\n" for paragraph in shown),
        "</body></html>\n",
    )
    return Letter(subject=line(subject), html=html, text=text)
