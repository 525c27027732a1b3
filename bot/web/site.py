"""What every page needs: the database, the secret, the templates, the clock; and how a page is answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlsplit

import jinja2
from flask import Response, abort, g, request
from werkzeug.exceptions import HTTPException

from bot.core.subscriber.subscriber import stored_subscriber
from bot.mail import tokens
from bot.mail.tokens import Purpose, Token
from bot.pipeline.build_message import MessageBuilder
from bot.pipeline.sender_identity import Identity
from bot.store import Database, subscribers
from bot.store.subscribers import StoredSubscriber
from bot.web.page_language import ENGLISH, Languages, PageLanguage, as_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """[web]: who may subscribe, what is public, whom to believe."""

    signup: Literal["open", "invite", "off"] = "open"
    archive: bool = True
    proxies: int = 0  # how many proxies in front of us are believed
    metrics_token: str = field(default="", repr=False)


@dataclass(kw_only=True)
class Site:
    """One web process."""

    database: Database
    identity: Identity
    builder: MessageBuilder  # of editions to be read here
    templates: jinja2.Environment  # escapes everything
    clock: Callable[[], datetime]
    settings: WebSettings
    takes_mail: Callable[[str], bool] = lambda domain: True  # asks the DNS; no answer is yes

    @cached_property
    def languages(self) -> Languages:
        return Languages(self.templates, self.identity.language)

    @property
    def language(self) -> PageLanguage:
        """Of the page that is being made: the subscriber's behind a signed link, else the visitor's, by the form or by
        the browser."""
        if chosen := g.get("language"):
            return self.languages.of(chosen)
        try:
            asked = request.values.get("language", "")[:40]
        except HTTPException:  # a form that is too long is not read for this
            asked = ""
        return self.languages.of(self.languages.known(asked) or self.languages.best(request.accept_languages))

    def speak(self, subscriber: StoredSubscriber) -> None:
        """From here on the page is in the language of their letters."""
        g.language = stored_subscriber(subscriber.data).language or self.identity.language

    def speak_english(self) -> None:
        """The operator's page is in the language of the command line."""
        g.language = ENGLISH

    @cached_property
    def base(self) -> str:
        """Where the pages are, without a slash at the end."""
        return self.identity.public_url.rstrip("/")

    @cached_property
    def root(self) -> str:
        """The path of the same: what links from page to page begin with, whatever name the visitor knows us by."""
        return urlsplit(self.base).path

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """A page of ours. Only those that are for everybody (`private=False`) may be found by search engines."""
        headers = {} if values.get("private", True) else {"X-Robots-Tag": "all"}
        if not g.get("language"):
            headers["Vary"] = "Accept-Language"
        return Response(self.render(template, **values), status, headers, content_type="text/html; charset=utf-8")

    def render(self, template: str, /, **values: Any) -> str:
        language = self.language
        return self.templates.get_template(f"web/{template}").render(
            base=self.root,
            archive=self.settings.archive,
            signup=self.settings.signup,
            lang=language.tag,
            words=language.words,
            _=language.gettext,
            gettext=language.gettext,
            ngettext=language.ngettext,
            say=language.say,
            sentence=as_sentence,
            **values,
        )

    def opened(self, text: str, *purposes: Purpose) -> tuple[Token, StoredSubscriber]:
        """What a link's token says, and whose it is. Anything but a live token of these purposes is a 404, the same
        page for all: a visitor learns nothing by guessing."""
        token = tokens.unseal(self.identity.secret, text.lower())
        if token is None or token.purpose not in purposes:
            abort(404)
        with self.database.read() as tx:
            subscriber = subscribers.by_id(tx, token.subscriber_id)
        if subscriber is None or subscriber.origin == "deleted":
            abort(404)
        if not tokens.is_live(token, subscriber.epoch, self.clock()):
            abort(404)
        self.speak(subscriber)
        return token, subscriber

    def link(self, path: str, token: str) -> str:
        return f"{self.base}/{path}/{token}"
