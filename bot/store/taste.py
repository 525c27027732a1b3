"""Tastes as they were learnt and corrected, and the libraries on the web that they were learnt from."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from bot.core.papers import Paper, paper_from, plain
from bot.store.sql import chunks, insert_or_ignore
from bot.store.subscribers import COLUMNS, StoredSubscriber
from bot.store.tables.subscriber_rows import SUBSCRIBERS, THUMBS
from bot.store.tables.taste_rows import LIBRARIES, TASTES

if TYPE_CHECKING:
    from bot.core.taste.corrections import Corrections, TasteEdit
    from bot.core.taste.learn import Taste


class StoredTaste(NamedTuple):
    """What was learnt last, and the subscriber's corrections. `learnt` is None where there was too little to learn
    from; `taste`, which is learnt and corrected, also where they have removed every word."""

    version: int
    at: datetime
    learnt_from: str
    learnt: "Taste | None"
    corrections: "Corrections"
    taste: "Taste | None"
    problems: tuple[str, ...]


class StoredLibrary(NamedTuple):
    """A library on the web as it was last read."""

    read_at: datetime
    digest: str
    papers: tuple[Paper, ...]
    problems: tuple[str, ...]


class ThumbsSoFar(NamedTuple):
    """All thumbs of a subscriber, in short: other thumbs make other numbers."""

    number: int
    newest: datetime


def with_taste(tx: Connection, after: int, limit: int) -> list[StoredSubscriber]:
    """Active subscribers who may want a taste, in the order of their numbers: their table names one or a library."""
    named = or_(SUBSCRIBERS.c.data.contains('"library"'), SUBSCRIBERS.c.data.contains('"taste"'))
    where = (SUBSCRIBERS.c.status == "active", SUBSCRIBERS.c.id > after, named)
    rows = tx.execute(select(*COLUMNS).where(*where).order_by(SUBSCRIBERS.c.id).limit(limit))
    return [StoredSubscriber._make(row) for row in rows]


def thumbs_so_far(tx: Connection, subscriber_ids: Sequence[int]) -> dict[int, ThumbsSoFar]:
    found = {}
    for part in chunks(subscriber_ids):
        counted = select(THUMBS.c.subscriber_id, func.count(), func.max(THUMBS.c.at))
        rows = tx.execute(counted.where(THUMBS.c.subscriber_id.in_(part)).group_by(THUMBS.c.subscriber_id))
        found.update({subscriber: ThumbsSoFar(count, newest) for subscriber, count, newest in rows})
    return found


def of_subscribers(tx: Connection, subscriber_ids: Sequence[int]) -> dict[int, StoredTaste]:
    """What was learnt of these subscribers."""
    found = {}
    for part in chunks(subscriber_ids):
        for row in tx.execute(select(TASTES).where(TASTES.c.subscriber_id.in_(part))):
            found[row.subscriber_id] = _stored(row)
    return found


def learnt(
    tx: Connection, subscriber_id: int, taste: "Taste | None", learnt_from: str, problems: Iterable[str], now: datetime
) -> None:
    """Keep what was learnt, as a new version."""
    values = {
        "at": now,
        "learnt_from": learnt_from,
        "data": _as_json(taste) if taste else "",
        "problems": "\n".join(problems),
    }
    tx.execute(insert_or_ignore(tx, TASTES), [{"subscriber_id": subscriber_id, "version": 0, **values}])
    mine = TASTES.c.subscriber_id == subscriber_id
    tx.execute(update(TASTES).where(mine).values(version=TASTES.c.version + 1, **values))


def correct_words(tx: Connection, subscriber_id: int, edit: "TasteEdit | None", now: datetime) -> "Taste | None":
    """Change a subscriber's corrections, None: to none at all. Other corrections make a new version; nothing is learnt
    for that. Returns the taste there is now. Raises CorrectionError."""
    from bot.core.taste.corrections import Corrections

    mine = TASTES.c.subscriber_id == subscriber_id
    first = {"subscriber_id": subscriber_id, "version": 0, "at": now}
    tx.execute(
        insert_or_ignore(tx, TASTES), [{**first, "learnt_from": "", "data": "", "problems": "", "corrections": ""}]
    )
    before = _stored(tx.execute(select(TASTES).where(mine).with_for_update()).one())
    after = before.corrections.edited(edit, before.learnt) if edit else Corrections()
    if after == before.corrections:
        return before.taste
    table = {"weights": dict(after.weights), "removed": list(after.removed)}
    text = json.dumps(table, ensure_ascii=False) if after.weights or after.removed else ""
    tx.execute(update(TASTES).where(mine).values(version=TASTES.c.version + 1, corrections=text))
    return _with_corrections(before.learnt, after)


def delete_of(tx: Connection, subscriber_ids: Iterable[int]) -> None:
    for part in chunks(list(subscriber_ids)):
        tx.execute(delete(TASTES).where(TASTES.c.subscriber_id.in_(part)))


def kept_library(tx: Connection, place: str) -> StoredLibrary | None:
    """A library by the digest of its address."""
    row = tx.execute(select(LIBRARIES).where(LIBRARIES.c.place == place)).first()
    if row is None:
        return None
    papers = tuple(paper_from(table) for table in json.loads(row.papers or "[]"))
    return StoredLibrary(row.read_at, row.digest, papers, tuple(row.problems.splitlines()))


def keep_library(tx: Connection, place: str, read: StoredLibrary) -> None:
    values = {
        "read_at": read.read_at,
        "digest": read.digest,
        "papers": json.dumps([_short(paper) for paper in read.papers], ensure_ascii=False),
        "problems": "\n".join(read.problems),
    }
    tx.execute(insert_or_ignore(tx, LIBRARIES), [{"place": place, **values}])
    tx.execute(update(LIBRARIES).where(LIBRARIES.c.place == place).values(**values))


def forget_libraries(tx: Connection, before: datetime) -> None:
    """Drop those nobody has read for long."""
    tx.execute(delete(LIBRARIES).where(LIBRARIES.c.read_at < before))


def _short(paper: Paper) -> dict[str, object]:
    return {name: value for name, value in plain(paper).items() if value not in (None, "", [], False)}


def _as_json(taste: "Taste") -> str:
    words = [[one.word, one.weight, list(one.titles), one.papers] for one in taste.words]
    table = {"words": words, "liked": taste.liked, "disliked": taste.disliked, "least": taste.least}
    return json.dumps(table, ensure_ascii=False)


def _stored(row: Row[Any]) -> StoredTaste:
    from bot.core.taste.corrections import Corrections  # time and memory for those who have a taste

    table = json.loads(row.corrections) if row.corrections else {"weights": {}, "removed": []}
    corrections = Corrections(table["weights"], tuple(table["removed"]))
    learnt = _taste(row.data) if row.data else None
    taste = _with_corrections(learnt, corrections)
    problems = tuple(row.problems.splitlines())
    return StoredTaste(row.version, row.at, row.learnt_from, learnt, corrections, taste, problems)


def _with_corrections(learnt: "Taste | None", corrections: "Corrections") -> "Taste | None":
    from bot.core.taste.corrections import corrected

    return corrected(learnt, corrections) if learnt else None


def _taste(data: str) -> "Taste":
    from bot.core.taste.learn import Taste, TasteWord

    table = json.loads(data)
    words = tuple(TasteWord(word, weight, tuple(titles), *papers) for word, weight, titles, *papers in table["words"])
    return Taste(words, table["liked"], table["disliked"], table["least"])
