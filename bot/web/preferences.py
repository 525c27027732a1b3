"""/manage/TOKEN: what a subscriber changes themselves.

A link by fresh mail opens everything. The link of a letter, which may have been forwarded, shows no address and opens
only what harms nobody: a pause, fewer mails, leaving, thumbs; the rest asks for a fresh mail. Links to export, to
delete and to confirm a new address are good for half an hour, and come by mail, too.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Request, Response, abort, request

from bot.core.papers import Paper
from bot.core.subscriber.address import normal_address
from bot.core.subscriber.subscriber import stored_subscriber
from bot.core.subscriber.validation import TableError
from bot.core.taste.corrections import LONGEST_TEXT, CorrectionError
from bot.mail import tokens
from bot.mail.tokens import Token
from bot.pipeline import preferences, signup
from bot.pipeline.preferences import messages_of
from bot.pipeline.recent_papers import RecentPapers
from bot.pipeline.signup import Visit
from bot.store import history, mail_requests, subscribers, taste, thumbs
from bot.store.mail_requests import RequestKind
from bot.store.subscribers import StoredSubscriber
from bot.store.thumbs import ThumbKind
from bot.web import taste_form
from bot.web.editions import cited
from bot.web.leaving import PAUSE, fewer_words, mail_less_often
from bot.web.preferences_form import MOST_PROFILES, profile_fields, settings_shown, typed_profiles, wishes
from bot.web.shown_paper import shown_paper
from bot.web.signup import schedules_with
from bot.web.site import Site
from bot.web.taste_form import TasteView
from bot.web.visitors import network_of

LONGEST_PAUSE = timedelta(days=366)
Opinion = tuple[ThumbKind, int, Paper]  # the thumb, the paper's number, the paper
MAILED: dict[str, RequestKind] = {"link": "manage", "export": "export", "delete": "delete"}


def blueprint(site: Site, papers: RecentPapers) -> Blueprint:
    pages = Blueprint("preferences", __name__)

    @pages.get("/manage/<token>")
    def look(token: str) -> Response:
        opened, stored = site.opened(token, "manage", "letter", "export", "delete", "address")
        if opened.purpose == "export":
            body = json.dumps(preferences.export(site.database, stored), ensure_ascii=False, indent=1)
            headers = {"Content-Disposition": 'attachment; filename="paperlark.json"'}
            return Response(body, content_type="application/json", headers=headers)
        if opened.purpose in ("delete", "address"):
            new = new_address(site, opened) if opened.purpose == "address" else ""
            return site.page("sure.html", what=opened.purpose, address=new, private=True)
        return page_of(site, papers, opened, stored)

    @pages.get("/manage/<token>.bib")
    def saved(token: str) -> Response:
        _, stored = site.opened(token, "manage", "letter")
        kept = [paper for thumb, _, paper in opinions(site, stored) if thumb == "save"]
        return cited(kept, "bib", "paperlark-kept", "")

    @pages.post("/manage/<token>")
    def change(token: str) -> Response:
        opened, stored = site.opened(token, "manage", "letter", "delete", "address")
        if opened.purpose == "delete":
            preferences.erase(site.database, site.identity.secret, stored.id, site.clock())
            return site.page("deleted.html", private=True)
        if opened.purpose == "address":
            return confirm_address(site, opened, stored)
        said, problems = act(site, opened, stored, request.form)
        again = fresh(site, stored)
        site.speak(again)
        if request.form.get("do") == "renew" and opened.purpose == "manage":
            link = tokens.seal_renewable(site.identity.secret, "manage", again.id, epoch=again.epoch, now=site.clock())
            return site.page("renewed.html", link=site.link("manage", link), private=True)
        return page_of(site, papers, opened, again, said, problems, 422 if problems else 200)

    return pages


def act(site: Site, opened: Token, stored: StoredSubscriber, form: Mapping[str, str]) -> tuple[str, list[str]]:
    """Do what a button stands for, as far as the link may. Returns what to say, and what is wrong."""
    now, wish, _ = site.clock(), form.get("do", ""), site.language.gettext
    if wish == "fewer":
        return mail_less_often(site, stored, now), []
    if wish == "pause":
        return pause(site, stored, form.get("until", ""))
    if wish == "resume":
        preferences.resume(site.database, stored.id, now)
        return _("Papers come again."), []
    if wish == "undo":
        undo(site, stored, form)
        return _("Taken back."), []
    if wish == "link" or (opened.purpose == "manage" and wish in MAILED):
        return mail_link(site, stored, MAILED[wish]), []
    if opened.purpose != "manage":
        abort(404)
    return act_by_fresh_link(site, stored, form)


def act_by_fresh_link(site: Site, stored: StoredSubscriber, form: Mapping[str, str]) -> tuple[str, list[str]]:
    """The buttons that the link of a letter, which may have been forwarded, does not have."""
    wish = form.get("do", "")
    if wish == "renew":
        preferences.renew_links(site.database, stored.id)
        return "", []
    if wish == "address":
        return ask_new_address(site, stored, form.get("email", ""))
    if wish in ("words", "as-learnt"):
        return change_words(site, stored, form)
    if wish == "save":
        asked = wishes(form)
        if asked.get("taste") == stored_subscriber(stored.data).taste:
            del asked["taste"]  # it stays whatever decides it
        try:
            preferences.change(site.database, stored.id, asked, site.clock())
        except TableError as error:
            return "", messages_of(error)
        return site.language.gettext("Saved."), []
    return abort(404)


def change_words(site: Site, stored: StoredSubscriber, form: Mapping[str, str]) -> tuple[str, list[str]]:
    """Other words or weights in what is learnt of them, or all as it was learnt."""
    _ = site.language.gettext
    try:
        edit = taste_form.edit_from(form) if form.get("do") == "words" else None
        preferences.correct_taste(site.database, stored.id, edit, site.clock())
    except CorrectionError as error:
        return "", list(error.problems)
    return (_("The words are saved.") if edit else _("All words are as they were learnt.")), []


def mail_link(site: Site, stored: StoredSubscriber, kind: RequestKind) -> str:
    """A link by fresh mail; returns what to say of it, which is the same whether the limits let it go."""
    signup.send_link(site.database, site.identity, stored, kind, visit_of(request), site.clock())
    return site.language.gettext(
        "A mail with a link is on its way, if none went to this address within the last ten minutes."
    )


def visit_of(request: Request) -> Visit:
    return Visit(network=network_of(request), form="/manage")


def pause(site: Site, stored: StoredSubscriber, until: str) -> tuple[str, list[str]]:
    now, _ = site.clock(), site.language.gettext
    end = preferences.local_midnight(until, stored_subscriber(stored.data).timezone) if until else now + PAUSE
    if end is None or not now < end <= now + LONGEST_PAUSE:
        return "", [_("The pause must end on a day to come, within a year.")]
    preferences.pause(site.database, stored.id, end, now)
    return _("No mail until then. What you miss comes in one digest after that."), []


def undo(site: Site, stored: StoredSubscriber, form: Mapping[str, str]) -> None:
    number = form.get("paper", "")
    kind = next((one for one in thumbs.KINDS if one == form.get("kind")), None)
    if kind is not None and re.fullmatch("[0-9]{1,15}", number):
        with site.database.write() as tx:
            thumbs.take_back(tx, stored.id, int(number), kind)


def ask_new_address(site: Site, stored: StoredSubscriber, text: str) -> tuple[str, list[str]]:
    """The new address is asked by mail; nothing changes before it has said yes."""
    _ = site.language.gettext
    if stored.origin == "file":
        return "", [_("Your address stands in the operator's file: ask them to change it.")]
    try:
        new = normal_address(text)
    except ValueError as error:
        return "", [str(error)]
    signup.send_link(site.database, site.identity, stored, "address", visit_of(request), site.clock(), new_address=new)
    return _("If that address can be used, a mail is on its way to it. Nothing changes before it has said yes."), []


def new_address(site: Site, opened: Token) -> str:
    with site.database.read() as tx:
        asked = mail_requests.by_id(tx, opened.item_id)
    if asked is None or asked.kind != "address" or asked.subscriber_id != opened.subscriber_id:
        abort(404)
    return asked.data


def confirm_address(site: Site, opened: Token, stored: StoredSubscriber) -> Response:
    new = new_address(site, opened)
    if not preferences.change_address(site.database, stored.id, new, site.clock(), network_of(request)):
        abort(404)
    _ = site.language.gettext
    return site.page("message.html", title=_("Changed"), text=_("Your papers come to this address now."), private=True)


def fresh(site: Site, stored: StoredSubscriber) -> StoredSubscriber:
    with site.database.read() as tx:
        return subscribers.by_id(tx, stored.id) or stored


def opinions(site: Site, stored: StoredSubscriber) -> list[Opinion]:
    """All thumbs, the newest first."""
    with site.database.read() as tx:
        given = thumbs.of_subscriber(tx, stored.id, limit=500)
        known = history.by_ids(tx, [thumb.paper_id for thumb in given])
    return [(thumb.kind, thumb.paper_id, known[thumb.paper_id]) for thumb in given if thumb.paper_id in known]


def page_of(
    site: Site,
    papers: RecentPapers,
    opened: Token,
    stored: StoredSubscriber,
    said: str = "",
    problems: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The page, as far as the link may show it."""
    own, secret, now = stored_subscriber(stored.data), site.identity.secret, site.clock()
    full, given = opened.purpose == "manage", opinions(site, stored)
    # What could not be saved stands in the form as it was typed, to be mended there.
    unsaved = request.form if problems and request.form.get("do") == "save" else None
    words = request.form if problems and request.form.get("do") == "words" else None
    shown = settings_shown(own, site.language.tag, unsaved)
    profiles: list[dict[str, Any]] = []
    if unsaved is not None:
        profiles = typed_profiles(unsaved)
    elif full:
        profiles = [profile_fields(one, papers, now) for one in own.profiles]
    feed = tokens.seal_renewable(secret, "feed", stored.id, epoch=stored.epoch, now=now)
    return site.page(
        "manage.html",
        status,
        full=full,
        said=said,
        problems=problems or [],
        who=stored.email if full else masked(stored.email),
        status=stored.status,
        paused_until=stored.paused_until.date() if stored.paused_until else None,
        origin=stored.origin,
        schedule=site.language.schedule(own.schedule, own.timezone),
        fewer=fewer_words(site, stored),
        own=own,
        **shown,
        schedules=schedules_with(site, shown["digest"]),
        languages=site.languages.names,
        profiles=profiles,
        spare=len(profiles) < MOST_PROFILES,
        taste=learnt_taste(site, stored, given, words) if full else None,
        shown_words=taste_form.AT_ONCE,
        own_words=words.get("own_words", "")[:LONGEST_TEXT] if words else "",
        leave=site.link("u", tokens.seal(secret, "unsubscribe digest", stored.id)),
        feeds=[site.link("feed", feed) + form for form in (".atom", ".json")] if full else [],
        thumbs=[(kind, number, shown_paper(paper)) for kind, number, paper in given],
        token=request.path.rpartition("/")[2].lower(),
        today=now.date().isoformat(),
        private=True,
    )


def learnt_taste(
    site: Site, stored: StoredSubscriber, given: Sequence[Opinion], typed: Mapping[str, str] | None
) -> TasteView | None:
    """What is learnt of the papers they keep; None where that is too little."""
    with site.database.read() as tx:
        kept = taste.of_subscribers(tx, [stored.id]).get(stored.id)
    return taste_form.taste_view(kept, {paper.title: kind for kind, _, paper in given if kind != "less"}, typed)


def masked(email: str) -> str:
    """Enough for its owner to know it by: "a•••@example.org"."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"
