"""What every page needs: the database, the secret, the templates, the clock; and how a page is answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlsplit

import jinja2
from flask import Response, abort

from bot.mail import tokens
from bot.mail.tokens import Purpose, Token
from bot.pipeline.build_message import Identity, MessageBuilder
from bot.store import Database, subscribers
from bot.store.subscribers import StoredSubscriber

Signup = Literal["open", "invite", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """[web]: who may subscribe, what is public, whom to believe."""

    signup: Signup = "open"
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
        return Response(self.render(template, **values), status, headers, content_type="text/html; charset=utf-8")

    def render(self, template: str, /, **values: Any) -> str:
        return self.templates.get_template(f"web/{template}").render(
            base=self.root, archive=self.settings.archive, signup=self.settings.signup, **values
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
        return token, subscriber

    def link(self, path: str, token: str) -> str:
        return f"{self.base}/{path}/{token}"
