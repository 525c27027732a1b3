"""From a configuration file to the parts of the program, each made once."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from bot.cli.console import set_up_logging
from bot.cli.options import Clock, GlobalOptions, clock_from
from bot.config import Config, load
from bot.errors import DeliveryError, UserError
from bot.fetch import Fetcher, MemoryPoliteness
from bot.pipeline.collect.gather import ConfiguredSource
from bot.resources import shipped
from bot.sources import named
from bot.store import Database
from bot.store.database import is_absent
from bot.store.sources import DatabasePoliteness

# What only some verbs need is imported where its part is made: with mail, subscribers and templates, `collect` would
# take twice as long to start, and 20 MB more.
if TYPE_CHECKING:
    from jinja2 import Environment

    from bot.mail.message.dkim import DkimSigner
    from bot.mail.message.types import Message
    from bot.mail.transport.from_url import Transport
    from bot.pipeline.build_message import MessageBuilder, Renderer
    from bot.pipeline.deliver.build_pool import Builder
    from bot.pipeline.deliver.deliver import DeliverySettings
    from bot.pipeline.sender_identity import Identity
    from bot.pipeline.summarize.summarize import Summarizer
    from bot.pipeline.taste import TasteLearner
    from bot.store.outbox import Leased


class App:
    """The parts of the program, made when first used."""

    def __init__(self, options: GlobalOptions) -> None:
        self.options = options
        self.config: Config = load(options.config_path, os.environ)
        set_up_logging(verbose=options.verbose, quiet=options.quiet, style=self.config.log, worker=options.worker)

    @cached_property
    def database(self) -> Database:
        """The database, with its schema brought up to date."""
        database = Database(self.config.database)
        database.migrate()
        if not self.config.secret:
            from bot.store import settings

            settings.own_secret(database)  # now, so that a later look changes nothing
        return database

    def clock(self, now: str | None = None) -> Clock:
        """The clock of a run. Where the database is PostgreSQL it is the server's: claims and due times are moments in
        its rows, and the clocks of the machines that share it may be minutes apart."""
        if now is not None or self.database.sqlite:
            return clock_from(now)
        from bot.scheduler import WorkerClock  # APScheduler is memory that nobody else should pay for

        clock = WorkerClock(self.database.server_time)
        clock.set_right()
        return clock

    @cached_property
    def sources(self) -> list[ConfiguredSource]:
        return [
            ConfiguredSource(
                name=source.name,
                module=named(source.type),
                settings=source.settings,
                every=source.every,
                private=source.private,
            )
            for source in self.config.sources
        ]

    @cached_property
    def identity(self) -> "Identity":
        from bot.mail.message.mailbox import mailbox
        from bot.pipeline.sender_identity import Identity
        from bot.store import settings

        mail = self.config.mail
        secret = self.config.secret or settings.own_secret(self.database)
        return Identity(
            sender=mailbox(mail.sender),
            secret=secret,
            reply_to=mailbox(mail.reply_to) if mail.reply_to else None,
            public_url=self.config.public_url,
            archive=self.config.web.archive,
            bounces=mail.bounces,
            unsubscribe=mail.unsubscribe,
            contact=self.config.contact or self.config.operator,
            reads_answers=bool(mail.inbox),
            language=self.config.language,
        )

    @cached_property
    def templates(self) -> "Environment":
        """Our templates, and the user's in front of them, file by file."""
        from jinja2 import ChoiceLoader, FileSystemLoader

        from bot.core.letter.renderer import environment

        folders = [Path(self.config.templates_dir)] if self.config.templates_dir else []
        return environment(ChoiceLoader([FileSystemLoader(folder) for folder in (*folders, shipped("templates"))]))

    @cached_property
    def signer(self) -> "DkimSigner | None":
        """Where our own mail is signed here and not by the relay."""
        dkim = self.config.mail.dkim
        if dkim is None:
            return None
        from bot.mail.message.dkim import DkimSigner

        return DkimSigner.from_file(dkim.domain or self.identity.domain, dkim.selector, Path(dkim.key))

    @cached_property
    def builder(self) -> "MessageBuilder":
        from bot.pipeline.build_message import MessageBuilder

        def renderer() -> "Renderer":
            from bot.core.letter.renderer import LetterRenderer

            return LetterRenderer(self.templates)

        return MessageBuilder(self.database, renderer, self.identity, self.signer, summaries_in=self.summaries_in)

    @property
    def summaries_in(self) -> str:
        """The language of a model's sentences; "" where there is no model."""
        model = self.config.summaries
        return model.language or self.config.language if model else ""

    def summarizer(self, clock: Clock) -> "Summarizer | None":
        """What has sentences written, if a model is configured."""
        if (model := self.config.summaries) is None:
            return None
        from bot.pipeline.summarize.endpoint import Endpoint, limits
        from bot.pipeline.summarize.summarize import Summarizer, SummarySettings
        from bot.store.summaries import DailyBudget

        wanted = SummarySettings(
            endpoint=Endpoint(
                url=model.url, model=model.model, key=model.key, timeout=model.timeout, private=model.private
            ),
            language=self.summaries_in,
            budget=DailyBudget(calls=model.daily_calls, tokens=model.daily_tokens),
        )

        def make_fetcher(seconds: float) -> Fetcher:
            politeness = DatabasePoliteness(self.database)
            return Fetcher(politeness, contact=self.config.contact, clock=clock, limits=limits(seconds))

        return Summarizer(self.database, wanted, make_fetcher, clock)

    def build(self, leased: "Leased") -> "Message":
        """Whatever kind of row of the outbox as a message."""
        from bot.pipeline import service_mail
        from bot.store.outbox import SERVICE

        if leased.kind == SERVICE:
            return service_mail.message(leased, self.builder)
        return self.builder.build(leased)

    def load_ahead(self, batch: "Sequence[Leased]") -> None:
        """Ask the store once for what these messages show."""
        from bot.store.outbox import SERVICE

        self.builder.load_ahead([leased for leased in batch if leased.kind != SERVICE])

    @cached_property
    def transport(self) -> "Transport":
        from bot.mail.transport.from_url import transport

        return transport(self.config.mail.url)

    def sending(self) -> "DeliverySettings":
        from bot.mail.transport.from_url import transport
        from bot.pipeline.deliver.deliver import DeliverySettings

        mail = self.config.mail
        return DeliverySettings(
            transport=self.transport,
            build=self.build,
            load_ahead=self.load_ahead,
            make_builder=partial(_builder_of, self.options),
            on_crash=mail.on_crash,
            connections=mail.connections,
            per_minute=mail.rate,
            domain_per_minute=mail.domain_rate,
            warm_up=mail.warm_up,
            fallbacks=tuple(map(transport, mail.fallback)),
        )

    def posting(self, clock: Clock) -> "DeliverySettings":
        """How editions leave for channels other than mail."""
        from bot.mail.transport.channels import ChannelTransport
        from bot.pipeline.deliver import posts
        from bot.pipeline.deliver.deliver import DeliverySettings

        fetcher = Fetcher(contact=self.config.contact, clock=clock, limits=posts.REQUEST)
        ask = posts.asker(fetcher, private=self.config.channels.private)
        return DeliverySettings(
            transport=ChannelTransport(ask, partial(posts.post_to_webhook, ask, clock)),
            build=posts.PostBuilder(self.builder).build,
            lane="channels",
            on_crash=self.config.mail.on_crash,
            connections=posts.POSTS,
            domain_per_minute=posts.PER_MINUTE,
        )

    def tell_operator(self, now: datetime) -> None:
        """One mail about sources that stay broken."""
        from bot.pipeline import upkeep

        upkeep.tell_operator(self.database, self.builder, self.transport, self.config.operator, now)
        upkeep.tell_of_flood(self.database, self.builder, self.transport, self.config.operator, now)

    def tell_of_pauses(self, now: datetime) -> None:
        """One mail about ways that mail cannot go."""
        from bot.pipeline import upkeep

        mail = self.sending()
        relays = (mail.transport, *mail.fallbacks)
        upkeep.tell_of_pauses(self.database, self.builder, relays, self.config.operator, now)

    def read_inbox(self, now: datetime, place: str = "") -> list[str]:
        """Act on what has come back to the configured mailbox, or to another place."""
        place = place or self.config.mail.inbox
        if not place:
            return []
        from bot.mail.incoming import mailboxes
        from bot.pipeline import upkeep

        received = mailboxes.from_stream(sys.stdin.buffer) if place == "-" else mailboxes.from_place(place)
        try:
            return upkeep.answer(self.database, self.builder, self.transport, received, now)
        except DeliveryError as error:
            raise UserError(f"The inbox cannot be read: {error}") from error

    @contextmanager
    def learner(self, fetcher: Fetcher, now: datetime) -> "Iterator[TasteLearner]":
        """What learns tastes from libraries and thumbs."""
        from bot.pipeline.libraries import Libraries
        from bot.pipeline.parse_process import ParserPool
        from bot.pipeline.taste import TasteLearner

        with ParserPool() as parsers:
            yield TasteLearner(self.database, Libraries(self.database, fetcher, parsers, self.config.folder), now)

    @contextmanager
    def fetcher(self, clock: Clock) -> Iterator[Fetcher]:
        with Fetcher(
            DatabasePoliteness(self.database),
            contact=self.config.contact,
            clock=clock,
            base=self.config.folder,
        ) as fetcher:
            yield fetcher


def _builder_of(options: GlobalOptions) -> "Builder":
    """The builder of messages, made anew in a process of its own."""
    from bot.pipeline.deliver.build_pool import Builder

    app = App(options)
    return Builder(app.build, app.load_ahead)


@contextmanager
def bare_fetcher() -> Iterator[Fetcher]:
    """For looking at a source without any configuration or database."""
    with Fetcher(MemoryPoliteness(), clock=lambda: datetime.now(UTC), base=Path.cwd()) as fetcher:
        yield fetcher


def app_of(context: typer.Context) -> App:
    options: GlobalOptions = context.obj
    return App(options)


def app_that_looks(context: typer.Context) -> App:
    """The same for a verb that only looks: where there is no database file yet, it looks at an empty one elsewhere and
    leaves none behind, least of all in a wrong place that it was pointed to by mistake."""
    app = app_of(context)
    if is_absent(app.config.database):
        folder = context.with_resource(TemporaryDirectory(prefix="paperlark-"))
        app.config = app.config.model_copy(update={"database": f"sqlite:///{Path(folder, 'empty.db')}"})
        context.call_on_close(app.database.close)
    return app
