"""Sources in the database: how each is doing, what to remember of its URLs, and whose turn it is at a host."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from bot.core.source.document import UrlState
from bot.core.source.health import SourceNote, SourceStateName
from bot.store.database import Database
from bot.store.sql import among, insert_or_ignore, insert_or_update
from bot.store.tables.paper_rows import LISTINGS
from bot.store.tables.rate_limit_rows import LIMITS
from bot.store.tables.source_rows import SOURCES, URLS

FURTHEST = timedelta(days=2)  # nobody holds a host for longer (a day is the most we agree to): a clock's mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What is known of a source. Times are UTC."""

    name: str
    since: datetime
    state: SourceStateName = "waiting"
    last_try: datetime | None = None
    last_success: datetime | None = None
    last_new: datetime | None = None
    next_try: datetime | None = None
    failures: int = 0
    reason: str = ""
    told_operator: datetime | None = None
    fields: str = ""
    settings: str = ""  # digest of the settings it was asked with
    read_since: datetime | None = None  # first read in whole with these settings; None: not yet
    rhythm: int | None = None  # days between its news, at their slowest
    warnings: str = ""  # of the last documents, a line each

    @property
    def stopped(self) -> bool:
        """Whether it asked us never to come back (410): only new settings make it start again."""
        return self.failures > 0 and self.next_try is None

    @property
    def note(self) -> SourceNote:
        return SourceNote(
            name=self.name,
            state=self.state,
            since=self.since,
            last_new=self.last_new,
            next_try=self.next_try,
            reason=self.reason,
        )


COLUMNS = [SOURCES.c[field.name] for field in fields(SourceRecord)]
NAMES = [field.name for field in fields(SourceRecord)]

# Asked before every request: made once.
URL_STATE = select(
    URLS.c.url, URLS.c.etag, URLS.c.last_modified, URLS.c.fresh_until, URLS.c.moved_to, URLS.c.gone
).where(URLS.c.url == bindparam("this"))
HELD_UNTIL = select(LIMITS.c.held_until).where(LIMITS.c.name == bindparam("this"))


def records(tx: Connection, names: Collection[str] | None = None) -> dict[str, SourceRecord]:
    """All sources ever asked, or those of these names, by name."""
    query = select(*COLUMNS)
    rows = tx.execute(query if names is None else query.where(among(tx, SOURCES.c.name, names)))
    return {record.name: record for record in (SourceRecord(**dict(zip(NAMES, row, strict=True))) for row in rows)}


def save(tx: Connection, changed: Sequence[SourceRecord]) -> None:
    """Write down how sources are doing."""
    if changed:
        rows = [{name: getattr(record, name) for name in NAMES} for record in changed]
        tx.execute(insert_or_update(tx, SOURCES, "name"), rows)


def mark_told(tx: Connection, names: Iterable[str], now: datetime) -> None:
    """The operator has been told of these."""
    tx.execute(update(SOURCES).where(SOURCES.c.name.in_(list(names))).values(told_operator=now))


def scope(name: str, settings: str) -> str:
    """What a source's URLs are remembered under: another source on the same URL, or the same one with new settings,
    gets the document all the same."""
    return f"{name}:{settings} "


def forget(tx: Connection, configured: Mapping[str, str]) -> None:
    """Drop the state of sources that are no longer configured (name -> digest of the settings), and what was remembered
    of URLs with other settings; what they brought stays."""
    for name, settings in tx.execute(select(SOURCES.c.name, SOURCES.c.settings)).all():
        if name not in configured:
            tx.execute(delete(SOURCES).where(SOURCES.c.name == name))
        if configured.get(name) != settings:
            tx.execute(delete(URLS).where(URLS.c.url.startswith(scope(name, settings), autoescape=True)))


def remember_urls(tx: Connection, states: Iterable[UrlState]) -> None:
    """Store validators. Call it in the transaction that stored the items, or a crash between would lose items."""
    rows = [asdict(state) for state in states]
    if rows:
        tx.execute(delete(URLS).where(URLS.c.url == bindparam("this")), [{"this": row["url"]} for row in rows])
        tx.execute(insert(URLS), list({row["url"]: row for row in rows}.values()))


class DatabasePoliteness:
    """What is remembered of URLs, and whose turn it is at a host: the `PolitenessStore` of all processes on this
    database. Rows, so that a restart forgets nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def url_state(self, url: str) -> UrlState | None:
        with self._database.read() as tx:
            row = tx.execute(URL_STATE, {"this": url}).first()
        return UrlState(**row._mapping) if row else None

    def reserve(self, host: str, gap: float, now: datetime) -> datetime:
        """Take the next free moment for a name, `gap` seconds after the last one taken; returns it (UTC)."""
        if not gap:  # nobody has to wait for who needs no distance, unless the host is held
            with self._database.read() as tx:
                held = tx.execute(HELD_UNTIL, {"this": host}).scalar()
            return held if held is not None and now < held <= now + FURTHEST else now
        with self._database.write() as tx:
            tx.execute(insert_or_ignore(tx, LIMITS), [{"name": host, "next_free": now, "reason": ""}])
            next_free, held = tx.execute(
                select(LIMITS.c.next_free, LIMITS.c.held_until).where(LIMITS.c.name == host).with_for_update()
            ).one()
            # A clock that was ahead and was put right must not block a host for the difference.
            if next_free > now + timedelta(hours=1):
                next_free = now
            if held is not None and held > now + FURTHEST:
                held = None
            turn: datetime = max(now, next_free, held or now)
            tx.execute(update(LIMITS).where(LIMITS.c.name == host).values(next_free=turn + timedelta(seconds=gap)))
        return turn

    def hold(self, host: str, until: datetime, reason: str = "") -> None:
        """Nobody uses this name before `until`."""
        with self._database.write() as tx:
            tx.execute(insert_or_ignore(tx, LIMITS), [{"name": host, "next_free": until, "reason": reason}])
            known = LIMITS.c.held_until
            longer = or_(known.is_(None), known < until, known > until + FURTHEST)
            tx.execute(update(LIMITS).where(LIMITS.c.name == host, longer).values(held_until=until, reason=reason))


def listed_by_day(tx: Connection, since: datetime) -> dict[str, dict[date, int]]:
    """How many papers each source listed for the first time, by day (UTC)."""
    found: dict[str, dict[date, int]] = {}
    rows = tx.execute(select(LISTINGS.c.source, LISTINGS.c.first_seen).where(LISTINGS.c.first_seen > since))
    for source, at in rows:
        days = found.setdefault(source, {})
        days[at.date()] = days.get(at.date(), 0) + 1
    return found
