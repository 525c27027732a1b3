"""Silence explained: what state a source is in, and why. Pure; the pipeline asks after every collection."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from bot.core.editions import SourceStateName
from bot.core.papers import Listing

STALE_AFTER = timedelta(days=4)  # a long weekend is not yet a fault
ENOUGH = 10  # listings before their fields say anything about drift
WATCHED = ("abstract", "authors", "published", "listed", "upvotes", "url", "categories")


def judge(
    now: datetime, *, new: int, found: int, unchanged: bool, quiet: str, last_new: datetime | None
) -> tuple[SourceStateName, str]:
    """The state of a source whose documents were all read, and the reason in words ("" when fresh).

    `found` counts listings, `new` those never seen before; `unchanged` is set when nothing had to be read again;
    `quiet` is the source's own explanation for an empty list.
    """
    if new:
        return "fresh", ""
    if last_new is not None and now - last_new < STALE_AFTER:
        return ("quiet", quiet) if quiet and not found else ("fresh", "")
    if quiet:
        return "quiet", quiet
    if last_new is None:
        return ("quiet", "nothing on the list yet") if not unchanged else ("stale", "nothing new was ever found")
    return "stale", f"answers, but nothing new since {last_new:%Y-%m-%d}"


def carried(listings: Sequence[Listing]) -> str:
    """The fields every one of these listings carries, for `missing` to compare with next time: "abstract,authors"."""
    if len(listings) < ENOUGH:
        return ""
    return ",".join(name for name in WATCHED if all(_has(listing, name) for listing in listings))


def missing(before: str, listings: Sequence[Listing]) -> tuple[str, ...]:
    """Fields that were always there (`before`, from `carried`) and that no listing carries now: the format drifted."""
    if len(listings) < ENOUGH or not before:
        return ()
    return tuple(name for name in before.split(",") if not any(_has(listing, name) for listing in listings))


def _has(listing: Listing, name: str) -> bool:
    return getattr(listing, name) not in (None, "", ())


assert set(WATCHED) <= {field.name for field in fields(Listing)}
