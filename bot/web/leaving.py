"""/u/TOKEN: leaving by a link. The page offers fewer mails and a pause first; RFC 8058's one click ends at once."""

from datetime import timedelta

from flask import Blueprint, Response, request

from bot.mail.tokens import Purpose
from bot.pipeline import preferences, upkeep
from bot.web.site import Site

PAUSE = timedelta(days=30)
UNSUBSCRIBE: tuple[Purpose, ...] = ("unsubscribe digest", "unsubscribe alert", "unsubscribe all")


def blueprint(site: Site) -> Blueprint:
    pages = Blueprint("leaving", __name__)

    @pages.get("/u/<token>")
    def ask(token: str) -> Response:
        opened, subscriber = site.opened(token, *UNSUBSCRIBE)
        if upkeep.has_left(opened, subscriber) and upkeep.what_ends(opened) == "mail":
            return site.page("left.html", private=True)
        return site.page(
            "leave.html",
            what=upkeep.what_ends(opened),
            fewer=preferences.fewer_words(subscriber) if opened.purpose != "unsubscribe alert" else "",
            days=PAUSE.days,
            private=True,
        )

    @pages.post("/u/<token>")
    def leave(token: str) -> Response:
        """Whatever the body says, unless it comes from one of the page's other buttons, this ends it at once."""
        opened, subscriber = site.opened(token, *UNSUBSCRIBE)
        now = site.clock()
        wish = request.form.get("instead", "") if opened.purpose != "unsubscribe alert" else ""
        if wish == "fewer":
            words = preferences.fewer(site.database, subscriber.id, now)
            return site.page("message.html", title="Done", words=f"From now on: {words}.", private=True)
        if wish == "pause":
            preferences.pause(site.database, subscriber.id, now + PAUSE, now)
            words = f"No mail for {PAUSE.days} days. What you miss comes in one digest after that."
            return site.page("message.html", title="Paused", words=words, private=True)
        upkeep.leave(site.database, opened, "asked by link", now)
        words = f"You will get no more {upkeep.what_ends(opened)}."
        return site.page("message.html", title="Done", words=words, private=True)

    return pages
