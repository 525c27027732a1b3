"""What config.toml may hold: frozen values once read, paths absolute, secrets out of every repr."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from bot.config.fields import checked_web_address, doubles, existing, is_there, optional, surroundings
from bot.config.mail import MailConfig
from bot.config.shared import SubscriberConfig, problems_of_sharing, with_shared
from bot.config.source import SourceConfig, source_from
from bot.config.summaries import SummariesConfig
from bot.core.query import Term
from bot.core.query.words import fold_value
from bot.core.subscriber.address import normal_address, one_spelling
from bot.core.subscriber.subscriber import Profile, language_tag
from bot.core.subscriber.timezone import timezone_doubt
from bot.core.subscriber.validation import (
    Expected,
    Line,
    Long,
    Short,
    TableModel,
    as_in_file,
    as_tuple,
    did_you_mean,
    read_beside,
)

LogStyle = Literal["text", "json"]
Engine = Literal["embedded", "procrastinate"]  # the steps run in this program, or as jobs shared by many machines
SignUp = Literal["open", "invite", "off"]
SHORT_SECRET = 16
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108


def _database(url: str, info: ValidationInfo) -> str:
    """The address as SQLAlchemy reads it. Raises ValueError; warns of places that forget."""
    scheme, _, rest = url.partition("://")
    dialect, _, driver = scheme.partition("+")
    if dialect in ("postgres", "postgresql") and rest:
        if driver not in ("", "psycopg"):
            raise ValueError(f'leave the driver out: "postgresql://…", not "{scheme}://…"')
        return f"postgresql+psycopg://{rest}"
    if scheme != "sqlite" or not rest.startswith("/"):
        raise ValueError("is neither sqlite:///FILE nor postgresql://USER:PASSWORD@HOST/NAME")
    name, mark, options = rest[1:].partition("?")
    if name in ("", ":memory:"):
        raise ValueError("a database in memory forgets everything at exit: write sqlite:///paperlark.db")
    around = surroundings(info)
    file = around.folder / name
    if around.environ.get("DYNO"):
        raise ValueError(
            "Heroku wipes a dyno's disk at every restart, at least once a day, and a SQLite file with it: "
            "add a database with `heroku addons:create heroku-postgresql`, which sets DATABASE_URL"
        )
    if around.environ.get("GITHUB_ACTIONS") == "true":
        around.warnings.append(f"GitHub throws the disk away after a run, and {file} with it: set DATABASE_URL")
    elif str(file).startswith(tuple(f"{folder}/" for folder in TEMPORARY)):
        around.warnings.append(f"the database {file} is in a folder for temporary files: it may be swept away")
    elif around.environ.get("FLY_MACHINE_ID") and not any(map(os.path.ismount, file.parents[:-1])):
        around.warnings.append(f"the database {file} is on no volume: Fly wipes it at the next deploy (docs/deploy.md)")
    return f"sqlite:///{file}{mark}{options}"


def _engine(engine: Engine, info: ValidationInfo) -> Engine:
    if engine == "procrastinate" and info.data.get("database", "").startswith("sqlite:"):
        raise ValueError(
            "many machines share a queue in PostgreSQL, and the database is a SQLite file: "
            'set `database` (or DATABASE_URL) to postgresql://…, or leave it at "embedded"'
        )
    return engine


def _distinct(spelled: Callable[[str], str], *keys: str) -> WrapValidator:
    """Tables of which no two bear one name; said beside whatever else is wrong with them."""

    def read(values: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        return read_beside(doubles(values, spelled, *keys), handler, values)

    return WrapValidator(read)


class WebConfig(TableModel):
    """[web]: what the web process offers. It needs `public_url`."""

    signup: SignUp = "open"  # who may subscribe by the form
    archive: bool = True  # the trending letter is public at /archive
    proxies: Annotated[int, Field(ge=0, le=10)] = 0  # how many in front are believed about who asks
    metrics_token: Long = Field("", repr=False)  # opens the details of /health and /metrics to others than loopback


class ChannelsConfig(TableModel):
    """[channels]: services that letters go to beside or instead of mail, by `to` of a subscriber."""

    private: bool = False  # they may live at private or loopback addresses


class Config(TableModel):
    """A whole configuration."""

    hints: ClassVar = {
        **dict.fromkeys(("source", "feeds", "feed"), "write [[sources]]"),
        **dict.fromkeys(("subscriber", "readers", "users"), "write [[subscribers]]"),
        "profile": "write [[subscribers.profiles]] below the [[subscribers]] it belongs to, or [[profiles]] for many",
        "shared": "it belongs below the [[subscribers]] who share the profiles",
        **dict.fromkeys(("smtp", "email"), "write [mail]"),
        **dict.fromkeys(("from", "rate", "connections", "on_crash"), "it belongs into [mail]"),
        **dict.fromkeys(("summary", "llm", "ai", "model", "openai"), "write [summaries]"),
        **dict.fromkeys(("signup", "archive", "proxies", "metrics_token"), "it belongs into [web]"),
    }

    database: Annotated[Long, AfterValidator(_database)] = Field(
        "sqlite:///paperlark.db", repr=False, validate_default=True
    )
    public_url: Annotated[Line, optional(checked_web_address)] = ""
    operator: Annotated[Line, optional(normal_address)] = ""
    contact: Short = ""
    language: Annotated[Short, AfterValidator(language_tag)] = "en"  # of letters to whoever chose none
    log: LogStyle = "text"
    engine: Annotated[Engine, AfterValidator(_engine)] = "embedded"
    templates_dir: Annotated[Line, existing(Path.is_dir, "folder")] = ""
    secret: Line = Field("", repr=False)  # "": the installation makes its own
    mail: Annotated[MailConfig, Expected("a table headed [mail]")] = Field(default_factory=dict, validate_default=True)
    web: Annotated[WebConfig, Expected("a table headed [web]")] = WebConfig()
    channels: Annotated[ChannelsConfig, Expected("a table headed [channels]")] = ChannelsConfig()
    summaries_table: Annotated[SummariesConfig | None, Expected("a table headed [summaries]")] = Field(
        None, alias="summaries"
    )
    sources: Annotated[
        tuple[Annotated[SourceConfig, PlainValidator(source_from)], ...],
        Expected("tables, each headed [[sources]]"),
        BeforeValidator(as_tuple),
        _distinct(lambda name: name.strip().casefold(), "name", "type"),
    ] = ()
    # For whoever names them in `shared`.
    profiles: Annotated[
        tuple[Profile, ...],
        Expected("tables, each headed [[profiles]]"),
        BeforeValidator(as_tuple),
        _distinct(str.strip, "name"),
    ] = ()
    subscribers: Annotated[
        tuple[SubscriberConfig, ...],
        Expected("tables, each headed [[subscribers]]"),
        BeforeValidator(as_tuple),
        _distinct(one_spelling, "email"),
    ] = ()

    _folder: Path = PrivateAttr(Path())
    _warnings: tuple[str, ...] = PrivateAttr(())

    @property
    def folder(self) -> Path:
        """Of the file: relative paths in it begin here."""
        return self._folder

    @property
    def summaries(self) -> SummariesConfig | None:
        """None also where no model is named."""
        return self.summaries_table if self.summaries_table is not None and self.summaries_table.model else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What works, but hardly as meant."""
        return self._warnings

    @property
    def every_profile(self) -> list[tuple[str, Profile]]:
        """Each profile once, with whose it is, for messages: subscribers' own, then the shared ones."""
        own = [(subscriber.email, profile) for subscriber in self.subscribers for profile in subscriber.own_profiles]
        return own + [("[[profiles]]", profile) for profile in self.profiles]

    @model_validator(mode="wrap")
    @classmethod
    def _sharing(cls, table: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Subscribers with the profiles they share; names that are wrong are said beside whatever else is."""
        given = table if isinstance(table, Mapping) else {}
        problems = list(problems_of_sharing(given.get("profiles"), given.get("subscribers")))
        config = read_beside(problems, handler, table)
        shared = {profile.name: profile for profile in config.profiles}
        people = tuple(with_shared(subscriber, shared) for subscriber in config.subscribers)
        return config.model_copy(update={"subscribers": people}) if shared else config

    @model_validator(mode="after")
    def _doubts(self, info: ValidationInfo) -> Self:
        around = surroundings(info)
        self._folder = around.folder
        self._warnings = (*around.warnings, *self._unlikely())
        return self

    def _unlikely(self) -> Iterator[str]:
        if self.secret and len(self.secret) < SHORT_SECRET:
            yield f"secret is short: give {SHORT_SECRET} characters or more that nobody can guess"
        if self.public_url.startswith("http://"):
            yield "public_url is not https: letters will offer unsubscribing by mail only"
        if not self.sources:
            yield "there are no [[sources]]: nothing will ever be found"
        if self.summaries_table is not None:
            yield from (f"summaries: {doubt}" for doubt in self.summaries_table.doubts())
        for source in self.sources:
            doubts = getattr(source.settings, "doubts", list)
            yield from (f"{source.name}: {doubt}" for doubt in doubts())
        for subscriber in self.subscribers:
            yield from self._unlikely_of(subscriber)
        yield from self._unshared()
        yield from self._strange_sources()

    def _unlikely_of(self, subscriber: SubscriberConfig) -> Iterator[str]:
        for place in subscriber.libraries:
            if not place.startswith(("http://", "https://")) and not is_there(place, self._folder):
                yield f"{subscriber.email}: there is no library {self._folder / place}"
        if doubt := timezone_doubt(subscriber.timezone):
            yield f"{subscriber.email}: timezone {doubt}"
        if never := _why_never(subscriber):
            yield f"{subscriber.email} will never get a letter: {never}"

    def _unshared(self) -> Iterator[str]:
        shared = {name.strip() for subscriber in self.subscribers for name in subscriber.shared}
        for profile in self.profiles:
            if profile.name not in shared:
                name = as_in_file(profile.name)
                how = f"write shared = [{name}] below a [[subscribers]]"
                yield f"nobody shares the profile {name} of [[profiles]]: {how}"

    def _strange_sources(self) -> Iterator[str]:
        """A profile that asks for a source there is not would be silent for ever."""
        known = {fold_value(source.name) for source in self.sources}
        for whose, profile in self.every_profile:
            for leaf in profile.query.leaves():
                if isinstance(leaf, Term) and leaf.field == "source":
                    value = leaf.words[0]
                    starts = value.endswith("*") and any(name.startswith(value[:-1]) for name in known)
                    if value not in known and not starts:
                        yield (
                            f"{whose}, {as_in_file(profile.name)} asks for source:{value}, "
                            f"and no source is called that{did_you_mean(value, known)}"
                        )


def _why_never(subscriber: SubscriberConfig) -> str:
    """Why nothing can ever come for somebody, as their settings are; "" where something can."""
    if subscriber.schedule.cadence == "off" and not any(profile.alert for profile in subscriber.profiles):
        return 'digest = "off", and no profile has alert = true'
    if not (subscriber.profiles or subscriber.trending or subscriber.libraries or subscriber.heartbeat):
        return "trending = 0, and there is no profile"
    return ""
