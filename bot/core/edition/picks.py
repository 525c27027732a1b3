"""What an edition tells, as the store keeps it: paper ids by section, small enough for a million rows. Pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from bot.core.edition.edition import SectionKind
from bot.core.source.state import SourceNote

ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class PickSection(NamedTuple):
    """One section: the papers shown, the number left over, and the first of those, to be named."""

    kind: SectionKind
    name: str
    ids: tuple[int, ...]
    more: int = 0
    more_ids: tuple[int, ...] = ()


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

    @property
    def matched(self) -> int:
        """Papers told or counted. (No paper is in two sections.)"""
        return sum(len(section.ids) + section.more for section in self.sections)

    def to_json(self) -> str:
        return ENCODE(self)

    @classmethod
    def from_json(cls, text: str) -> "Picks":
        sections, alerted, overflow, heartbeat = json.loads(text)
        return cls(
            sections=tuple(
                PickSection(kind=kind, name=name, ids=tuple(ids), more=more, more_ids=tuple(more_ids))
                for kind, name, ids, more, more_ids in sections
            ),
            alerted=alerted,
            overflow=overflow,
            heartbeat=heartbeat,
        )


def notes_to_json(notes: Iterable[SourceNote]) -> str:
    """Source states as text, for the editions of one run to share."""
    return json.dumps([asdict(note) for note in notes], ensure_ascii=False, default=lambda moment: moment.isoformat())


def notes_from_json(text: str) -> tuple[SourceNote, ...]:
    notes = []
    for table in json.loads(text):
        for name in ("since", "last_new", "next_try"):
            table[name] = datetime.fromisoformat(table[name]) if table[name] else None
        notes.append(SourceNote(**table))
    return tuple(notes)
