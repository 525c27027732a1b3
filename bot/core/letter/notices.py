"""The few short letters that are no editions: to the operator on a broken source, to a subscriber who has left.
Pure."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from html import escape

from bot.core.letter.letter import Letter
from bot.core.source.health import SourceNote
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
        "The other sources go on, and so do the letters, which name the source that is missing. You will not be told "
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


def confirm_letter(site: str, link: str, *, by_reply: bool = False) -> Letter:
    """Asks whoever has the address whether they subscribed. Nothing that was typed into the form is in it. `by_reply`:
    they may also answer it."""
    paragraphs = [
        f"Somebody, probably you, asked for papers by mail at {site}. To see what would come, and to say yes, open:",
        LINK,
        *(['Or answer this mail with the word "yes".'] if by_reply else []),
        "The link is good for two days. If it was not you, do nothing: nothing more will come.",
    ]
    return _letter("Is this your address? One click, and papers come", paragraphs, link)


def manage_letter(site: str, link: str) -> Letter:
    """The full preferences, for somebody who is subscribed."""
    paragraphs = [
        f"You are subscribed at {site}. Here you can change what comes and when, pause it, or leave:",
        LINK,
        "The link is good for 30 days and yours alone: whoever has it can change your subscription. If you did not "
        "ask for it, do nothing.",
    ]
    return _letter("Your preferences at Paperlark", paragraphs, link)


def export_letter(site: str, link: str) -> Letter:
    """The way to all that is known of a subscriber."""
    paragraphs = [
        f"Here is everything {site} knows of you, as one JSON file:",
        LINK,
        "The link is good for half an hour. If you did not ask for it, do nothing.",
    ]
    return _letter("Your data at Paperlark", paragraphs, link)


def delete_letter(site: str, link: str) -> Letter:
    """The way to have all that is known of a subscriber deleted."""
    paragraphs = [
        f"To leave {site} and have everything deleted that it knows of you, open:",
        LINK,
        "The link is good for half an hour, and nothing is deleted before you press the button there. If you did not "
        "ask for it, do nothing.",
    ]
    return _letter("Delete your data at Paperlark?", paragraphs, link)


def address_letter(site: str, link: str) -> Letter:
    """Asks a new address whether it is one."""
    paragraphs = [
        f"A subscriber of {site} wants their papers at this address from now on. If that is you, say yes here:",
        LINK,
        "The link is good for half an hour. If it was not you, do nothing: nothing will come.",
    ]
    return _letter("Is this your new address?", paragraphs, link)


def flood_letter(number: int) -> Letter:
    """Too many people subscribe at once."""
    paragraphs = [
        f"More than {number} people asked to subscribe within an hour, and no more are sent a question for now. They "
        "were told to look into their inbox, but no mail went to them; who asks again later is served.",
        'Perhaps it is a mention somewhere, perhaps a machine. `[web] signup = "off"` closes the form, "invite" opens '
        "it only to those you give a link. You will not be told again within a day.",
    ]
    return _letter("Paperlark: very many sign-ups", paragraphs)


LINK = "\0"  # a paragraph that is the link


def _letter(subject: str, paragraphs: Sequence[str], link: str = "") -> Letter:
    text = tuple(f"{link}\n\n" if paragraph == LINK else _filled(line(paragraph)) for paragraph in paragraphs)
    shown = [
        f'<a href="{escape(link)}">{escape(link)}</a>' if paragraph == LINK else escape(line(paragraph))
        for paragraph in paragraphs
    ]
    html = (
        '<!DOCTYPE html>\n<html lang="en" dir="ltr"><head><meta charset="utf-8">'
        f"<title>{escape(line(subject))}</title></head>\n"
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.5;overflow-wrap:anywhere">\n',
        *(f"<p>{paragraph}</p>\n" for paragraph in shown),
        "</body></html>\n",
    )
    return Letter(subject=line(subject), html=html, text=text)


def _filled(paragraph: str) -> str:
    return textwrap.fill(paragraph, 72, break_long_words=False, break_on_hyphens=False) + "\n\n"
