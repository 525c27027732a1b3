"""The sections of config.toml, each from its table to its value. Problems are noted, never raised, so that all show.

Reading the file, the environment and the lines of problems are `load`'s; what a subscriber is, `bot.core.subscribers`'.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from bot.config.settings import settings_from
from bot.config.values import Config, DkimConfig, LogStyle, MailConfig, OnCrash, SourceConfig
from bot.core.query import Term
from bot.core.query.words import fold_value
from bot.core.subscriber.address import address
from bot.core.subscriber.subscriber import Subscriber, read_subscriber
from bot.core.subscriber.table import Problem, Table, did_you_mean, shown
from bot.errors import UserError
from bot.mail import tokens
from bot.mail.message.dkim import DkimSigner
from bot.mail.message.mailbox import mailbox
from bot.mail.transport.from_url import transport
from bot.sources import every as every_source

MOST_RATE = 1_000_000
SHORT_SECRET = 16
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108
_HINTS = {
    **dict.fromkeys(("source", "feeds", "feed"), "write [[sources]]"),
    **dict.fromkeys(("subscriber", "readers", "users"), "write [[subscribers]]"),
    **dict.fromkeys(("profiles", "profile"), "write [[subscribers.profiles]] below the [[subscribers]] it belongs to"),
    **dict.fromkeys(("smtp", "email"), "write [mail]"),
    **dict.fromkeys(("from", "rate", "connections", "on_crash"), "it belongs into [mail]"),
}


class Sections:
    """One file being read. `folder` is where its relative paths begin."""

    def __init__(self, folder: Path, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self.folder = folder
        self.environ = environ
        self.problems = problems
        self.warnings: list[str] = []

    def config(self, values: Mapping[str, Any]) -> Config:
        """The whole; worth having only if no problem was noted."""
        table = Table(values, (), self.problems)
        database = self._database(table)
        public_url = self._web_address(table, "public_url")
        operator = self._checked(table, "operator", address)
        contact = table.text("contact", longest=200)
        log = cast("LogStyle", table.choice("log", "text", ("text", "json")))
        templates = self._place(table, "templates_dir", Path.is_dir, "folder")
        secret = table.text("secret")
        if secret and len(secret) < SHORT_SECRET:
            self.warnings.append(f"secret is short: give {SHORT_SECRET} characters or more that nobody can guess")
        if public_url.startswith("http://"):
            self.warnings.append("public_url is not https: letters will offer unsubscribing by mail only")
        mail = self._mail(Table(table.get("mail", dict, "a table headed [mail]") or {}, ("mail",), self.problems))
        tables = table.tables("sources", "[[sources]]")
        sources = [self._source(one, number) for number, one in enumerate(tables)]
        self._refuse_doubles("sources", tables, "name", "type")
        tables = table.tables("subscribers", "[[subscribers]]")
        people = [read_subscriber(one, ("subscribers", number), self.problems) for number, one in enumerate(tables)]
        self._refuse_doubles("subscribers", tables, "email")
        table.finish(_HINTS)
        subscribers = tuple(subscriber for subscriber in people if subscriber)
        self._warn_of_strange_sources({fold_value(str(source.name)) for source in sources if source}, subscribers)
        if not sources:
            self.warnings.append("there are no [[sources]]: nothing will ever be found")
        return Config(
            folder=self.folder,
            database=database,
            public_url=public_url,
            operator=operator,
            contact=contact,
            log=log,
            templates_dir=templates,
            secret=secret,
            mail=mail,
            sources=tuple(source for source in sources if source),
            subscribers=subscribers,
            warnings=tuple(self.warnings),
        )

    # --- The database -------------------------------------------------------------------------------------------------

    def _database(self, table: Table) -> str:
        url = table.text("database", "sqlite:///paperlark.db", longest=4000)
        scheme, _, rest = url.partition("://")
        dialect, _, driver = scheme.partition("+")
        if dialect in ("postgres", "postgresql") and rest:
            if driver not in ("", "psycopg"):
                table.problem("database", f'leave the driver out: "postgresql://…", not "{scheme}://…"')
            return f"postgresql+psycopg://{rest}"
        if scheme != "sqlite" or not rest.startswith("/"):
            table.problem("database", "is neither sqlite:///FILE nor postgresql://USER:PASSWORD@HOST/NAME")
            return url
        name, mark, options = rest[1:].partition("?")
        if name in ("", ":memory:"):
            table.problem("database", "a database in memory forgets everything at exit: write sqlite:///paperlark.db")
            return url
        file = self.folder / name
        if self.environ.get("DYNO"):
            table.problem(
                "database",
                "Heroku wipes a dyno's disk at every restart, at least once a day, and a SQLite file with it: "
                "add a database with `heroku addons:create heroku-postgresql`, which sets DATABASE_URL",
            )
        elif self.environ.get("GITHUB_ACTIONS") == "true":
            self.warnings.append(f"GitHub throws the disk away after a run, and {file} with it: set DATABASE_URL")
        elif str(file).startswith(tuple(f"{folder}/" for folder in TEMPORARY)):
            self.warnings.append(f"the database {file} is in a folder for temporary files: it may be swept away")
        elif self.environ.get("FLY_MACHINE_ID") and not any(map(os.path.ismount, file.parents[:-1])):
            self.warnings.append(
                f"the database {file} is on no volume: Fly wipes it at the next deploy (docs/deploy.md)"
            )
        return f"sqlite:///{file}{mark}{options}"

    # --- [mail] -------------------------------------------------------------------------------------------------------

    def _mail(self, table: Table) -> MailConfig:
        default = MailConfig()
        sender = self._checked(table, "from", self._mailbox)
        url = self._transport(table)
        if not sender and url.startswith("smtp"):
            table.problem("from" if "from" in table.values else (), "from is missing: who the letters come from")
        if self.environ.get("DYNO") and not url.startswith("smtp"):
            self.warnings.append("mail goes into files, which Heroku wipes: set MAIL_URL to a relay (docs/deploy.md)")
        mail = MailConfig(
            sender=sender or default.sender,
            url=url,
            fallback=self._fallback(table),
            rate=self._rate(table, "rate"),
            domain_rate=self._rate(table, "domain_rate"),
            warm_up=table.integer("warm_up", default.warm_up, 0, 1_000_000),
            connections=table.integer("connections", default.connections, 1, 100),
            on_crash=cast("OnCrash", table.choice("on_crash", default.on_crash, ("resend", "skip"))),
            reply_to=self._checked(table, "reply_to", self._mailbox),
            bounces=self._checked(table, "bounces", self._template),
            unsubscribe=self._checked(table, "unsubscribe", self._template),
            inbox=self._inbox(table),
            dkim=self._dkim(table, sender),
        )
        table.finish()
        return mail

    @staticmethod
    def _mailbox(text: str) -> str:
        mailbox(text)
        return text

    @staticmethod
    def _template(text: str) -> str:
        if "{token}" not in text:
            raise ValueError(f'{text[:80]!r} must hold {{token}} before the @, as in "b+{{token}}@example.org"')
        tokens.address(text, "a" * tokens.LENGTH)
        mailbox(text.replace("{token}", "token"))
        return text

    def _transport(self, table: Table) -> str:
        """How mail leaves; a folder is made absolute."""
        url = table.text("url", MailConfig().url, longest=4000)
        try:
            transport(url)
        except ValueError as error:
            table.problem("url", str(error))
        return self._absolute(url)

    def _fallback(self, table: Table) -> tuple[str, ...]:
        """Further ways, in the order of preference."""
        urls = table.texts("fallback")
        for number, url in enumerate(urls):
            try:
                transport(url)
            except ValueError as error:
                table.problem(("fallback", number), str(error))
        return tuple(map(self._absolute, urls))

    @staticmethod
    def _rate(table: Table, key: str) -> float:
        rate = table.get(key, (int, float), "messages a minute")
        if rate is not None and not 0 <= rate <= MOST_RATE:
            table.problem(key, f"{rate} is out of range: give messages a minute, or 0 for no limit")
        return float(rate or 0)

    def _absolute(self, url: str) -> str:
        scheme, colon, rest = url.partition(":")
        return f"{scheme}:{self.folder / rest}" if scheme in ("outbox", "maildir") and colon and rest else url

    def _inbox(self, table: Table) -> str:
        url = table.text("inbox", longest=4000)
        try:
            parts = urlsplit(url)
            fine = (parts.scheme in ("imap", "imaps") and parts.hostname and parts.username and parts.port != 0) or (
                parts.scheme == "maildir" and parts.path
            )
        except ValueError:
            fine = False
        if url and not fine:
            table.problem("inbox", "is neither imaps://USER:PASSWORD@HOST/FOLDER nor maildir:DIR")
        return self._absolute(url)

    def _dkim(self, mail: Table, sender: str) -> DkimConfig | None:
        values = mail.get("dkim", dict, "a table headed [mail.dkim]")
        if values is None:
            return None
        table = Table(values, ("mail", "dkim"), self.problems)
        before = len(self.problems)
        domain = table.text("domain") or (mailbox(sender).domain if sender else "")
        selector = table.text("selector", required='the name before ._domainkey in the DNS, such as "paperlark"')
        key = self._place(table, "key", Path.is_file, "file", required="the file of the private key")
        table.finish()
        if len(self.problems) == before:
            try:
                DkimSigner.from_file(domain, selector, Path(key))
            except UserError as error:
                table.problem((), error.summary)
        return DkimConfig(selector=selector, key=key, domain=domain)

    # --- [[sources]] --------------------------------------------------------------------------------------------------

    def _source(self, values: Any, number: int) -> SourceConfig | None:
        before = len(self.problems)
        table = Table(values, ("sources", number), self.problems)
        kind = table.text("type", required=f"one of {', '.join(every_source())}") if not self.problems[before:] else ""
        name = table.text("name", kind, longest=60) or kind
        every = table.span("every", timedelta(hours=1), timedelta(seconds=1), timedelta(days=31))
        private = table.flag("private")
        module = every_source().get(kind)
        if module is None:
            if kind:
                known = did_you_mean(kind, every_source()) or f"; known are {', '.join(every_source())}"
                table.problem("type", f"unknown source {shown(kind)}{known}")
            return None
        settings = settings_from(module.Settings, table)
        if len(self.problems) > before:
            return None
        return SourceConfig(name=name, type=kind, every=every, private=private, settings=settings)

    def _warn_of_strange_sources(self, known: set[str], subscribers: tuple[Subscriber, ...]) -> None:
        """A profile that asks for a source there is not would be silent for ever."""
        for subscriber in subscribers:
            for profile in subscriber.profiles:
                for leaf in profile.query.leaves():
                    if isinstance(leaf, Term) and leaf.field == "source":
                        value = leaf.words[0]
                        starts = value.endswith("*") and any(name.startswith(value[:-1]) for name in known)
                        if value not in known and not starts:
                            self.warnings.append(
                                f"{subscriber.email}, {shown(profile.name)} asks for source:{value}, "
                                f"and no source is called that{did_you_mean(value, known)}"
                            )

    # --- Shared -------------------------------------------------------------------------------------------------------

    def _checked(self, table: Table, key: str, check: Callable[[str], str]) -> str:
        """What `check` makes of a text, if there is one; its ValueError is a problem of the key."""
        before = len(self.problems)
        text = table.text(key)
        if not text or len(self.problems) > before:
            return ""
        try:
            return check(text)
        except ValueError as error:
            table.problem(key, str(error))
            return ""

    def _web_address(self, table: Table, key: str) -> str:
        def check(text: str) -> str:
            parts = urlsplit(text)
            if parts.scheme not in ("http", "https") or not parts.hostname or not re.fullmatch(r"[^\s<>\",]+", text):
                raise ValueError(f"{text[:80]!r} is no address such as https://papers.example.org")
            return text.rstrip("/")

        return self._checked(table, key, check)

    def _place(self, table: Table, key: str, test: Callable[[Path], bool], kind: str, *, required: str = "") -> str:
        """A file or folder that must be there, absolute; "" if none is named."""
        text = table.text(key, required=required)
        if not text:
            return ""
        place = self.folder / text
        if not test(place):
            table.problem(key, f"there is no {kind} {place}")
        return str(place)

    def _refuse_doubles(self, section: str, tables: list[Any], *keys: str) -> None:
        """No two tables of one name, be they right in other respects or not. The name is the first key there is."""
        seen: set[str] = set()
        for number, table in enumerate(tables):
            given = [table[key] for key in keys if key in table] if isinstance(table, Mapping) else []
            if not given or not isinstance(given[0], str) or not given[0]:
                continue
            name = given[0].strip().casefold()
            if name in seen:
                self.problems.append(Problem((section, number, keys[0]), f"{shown(given[0])} is there already"))
            seen.add(name)
