"""/u/TOKEN: leaving by a link. The page offers fewer mails and a pause first; RFC 8058's one click ends at once."""

from datetime import datetime, timedelta

from flask import Blueprint, Response, request

from bot.core.subscriber.subscriber import stored_subscriber
from bot.mail.tokens import Purpose
from bot.pipeline import preferences, upkeep
from bot.store.subscribers import StoredSubscriber
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
            fewer=fewer_words(site, subscriber) if opened.purpose != "unsubscribe alert" else "",
            days=PAUSE.days,
            private=True,
        )

    @pages.post("/u/<token>")
    def leave(token: str) -> Response:
        """Whatever the body says, unless it comes from one of the page's other buttons, this ends it at once."""
        opened, subscriber = site.opened(token, *UNSUBSCRIBE)
        now = site.clock()
        wish = request.form.get("instead", "") if opened.purpose != "unsubscribe alert" else ""
        _ = site.language.gettext
        if wish == "fewer":
            words = mail_less_often(site, subscriber, now)
            return site.page("message.html", title=_("Done"), text=words, private=True)
        if wish == "pause":
            preferences.pause(site.database, subscriber.id, now + PAUSE, now)
            words = _("No mail for {days} days. What you miss comes in one digest after that.").format(days=PAUSE.days)
            return site.page("message.html", title=_("Paused"), text=words, private=True)
        upkeep.leave(site.database, opened, "asked by link", now)
        alerts_only = upkeep.what_ends(opened) == "alerts"
        words = _("You will get no more alerts.") if alerts_only else _("You will get no more mail.")
        return site.page("message.html", title=_("Done"), text=words, private=True)

    return pages


def fewer_words(site: Site, subscriber: StoredSubscriber) -> str:
    """What fewer mails would be, in words; "" where there are no fewer."""
    own = stored_subscriber(subscriber.data)
    calmer = preferences.calmer(own.schedule)
    return site.language.schedule(calmer, own.timezone) if calmer else ""


def mail_less_often(site: Site, subscriber: StoredSubscriber, now: datetime) -> str:
    """Mail less often; returns what to say of it."""
    schedule = preferences.fewer(site.database, subscriber.id, now)
    words = site.language.schedule(schedule, stored_subscriber(subscriber.data).timezone)
    return site.language.gettext("From now on: {schedule}.").format(schedule=words)
