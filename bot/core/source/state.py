"""How a source is doing, as subscribers and operators are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

SourceStateName = Literal["fresh", "waiting", "quiet", "stale", "failing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNote:
    """The state of one source, for the subscriber and for `status`."""

    name: str
    state: SourceStateName
    since: datetime | None = None  # UTC: in this state since
    last_new: datetime | None = None  # UTC: when it last brought a new paper
    next_try: datetime | None = None
    reason: str = ""
