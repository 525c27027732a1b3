"""What an edition tells, as the store keeps it: paper ids by section, small enough for a million rows. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from bot.core.edition.edition import SectionKind
from bot.core.source.health import SourceNote

NAMED = 5  # of the papers that are not shown, how many are named

ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_quoted = lru_cache(maxsize=4096)(ENCODE)  # a section's name


def _numbers(ids: Iterable[int]) -> str:
    return f"[{','.join(map(str, ids))}]"


class Like(NamedTuple):
    """What a paper is like: a paper that the subscriber keeps, and the words both hold that speak for it."""

    paper_id: int
    title: str
    words: tuple[str, ...]


class PickSection(NamedTuple):
    """One section: the papers shown, the number left over, and the first of those, to be named."""

    kind: SectionKind
    name: str
    ids: tuple[int, ...]
    more: int = 0
    more_ids: tuple[int, ...] = ()
    entered: tuple[int, ...] = ()  # of the papers shown, those known before that have come among the hottest since
    likes: tuple[Like, ...] = ()  # of a taste: why each paper is there

    def like_of(self, paper_id: int) -> Like | None:
        return next((one for one in self.likes if one.paper_id == paper_id), None)

    def to_json(self) -> str:
        text = f'{{"kind":"{self.kind}","name":{_quoted(self.name)},"ids":{_numbers(self.ids)}'
        if self.more:
            text += f',"more":{self.more}'
        if self.more_ids:
            text += f',"more_ids":{_numbers(self.more_ids)}'
        if self.entered:
            text += f',"entered":{_numbers(self.entered)}'
        if self.likes:
            text += f',"likes":{ENCODE(self.likes)}'
        return text + "}"

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "PickSection":
        return cls(
            kind=table["kind"],
            name=table.get("name", ""),
            ids=tuple(table.get("ids", ())),
            more=table.get("more", 0),
            more_ids=tuple(table.get("more_ids", ())),
            entered=tuple(table.get("entered", ())),
            likes=tuple(Like(one[0], one[1], tuple(one[2])) for one in table.get("likes", ())),
        )


class Picks(NamedTuple):
    """All that was decided for one subscriber."""

    sections: tuple[PickSection, ...] = ()
    alerted: int = 0  # left out because an alert told them
    overflow: int = 0  # more than the alert ceiling let through
    heartbeat: bool = False

    @property
    def ids(self) -> set[int]:
        """Every paper shown."""
        return {paper_id for section in self.sections for paper_id in section.ids}

    def halved(self) -> "Picks | None":
        """With half as many papers shown; the others are counted, and the first of them named. None: there is nothing
        left to leave out."""
        counts = [len(section.ids) for section in self.sections]
        if sum(counts) < 2:
            return None
        sections = [
            section._replace(
                ids=section.ids[:count],
                more=section.more + len(section.ids) - count,
                more_ids=(*section.ids[count:], *section.more_ids)[:NAMED],
            )
            for section, count in zip(self.sections, fewer_picks(counts, sum(counts) - sum(counts) // 2), strict=True)
        ]
        return self._replace(sections=tuple(sections))

    @property
    def matched(self) -> int:
        """Papers told or counted. (No paper is in two sections.)"""
        return sum(len(section.ids) + section.more for section in self.sections)

    def to_json(self) -> str:
        """The picks as text. What has its usual value is left out, and a later version may add keys. (Put together by
        hand, for a million of them: `json` takes twice as long.)"""
        text = f'{{"sections":[{",".join([section.to_json() for section in self.sections])}]'
        if self.alerted:
            text += f',"alerted":{self.alerted}'
        if self.overflow:
            text += f',"overflow":{self.overflow}'
        if self.heartbeat:
            text += ',"heartbeat":true'
        return text + "}"

    @classmethod
    def from_json(cls, text: str) -> "Picks":
        """The picks of a stored text. Unknown keys are ignored. Rows of the first versions are lists, read by their
        positions."""
        table = json.loads(text)
        if isinstance(table, list):
            table = _named_by_position(table)
        return cls(
            sections=tuple(map(PickSection.from_table, table.get("sections", ()))),
            alerted=table.get("alerted", 0),
            overflow=table.get("overflow", 0),
            heartbeat=table.get("heartbeat", False),
        )


def _named_by_position(row: list[Any]) -> dict[str, Any]:
    """A row of the first versions with the keys of today: [[[kind, name, ids, more, more ids], …], alerted, overflow,
    heartbeat]."""
    table = dict(zip(("sections", "alerted", "overflow", "heartbeat"), row, strict=False))
    names = ("kind", "name", "ids", "more", "more_ids")
    table["sections"] = [dict(zip(names, section, strict=False)) for section in table.get("sections", ())]
    return table


def fewer_picks(counts: Sequence[int], drop: int) -> list[int]:
    """How many papers each section keeps when `drop` are left out, one after the other from the longest."""
    kept = list(counts)
    for _ in range(drop):
        longest = max(range(len(kept)), key=lambda place: (kept[place], place))
        kept[longest] -= 1
    return kept


def notes_to_json(notes: Iterable[SourceNote]) -> str:
    """Source states as text, for the editions of one run to share."""
    return json.dumps([asdict(note) for note in notes], ensure_ascii=False, default=lambda moment: moment.isoformat())


def notes_from_json(text: str) -> tuple[SourceNote, ...]:
    """The inverse of `notes_to_json`. Unknown keys are ignored."""
    notes = []
    for table in json.loads(text):
        known = {field.name: table[field.name] for field in fields(SourceNote) if field.name in table}
        for name in ("since", "last_new", "next_try"):
            known[name] = datetime.fromisoformat(known[name]) if known.get(name) else None
        notes.append(SourceNote(**known))
    return tuple(notes)
