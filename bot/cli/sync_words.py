"""In words, what the next run would change in the stored subscribers to make them equal to the file's, and what their
new queries would have brought."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from bot.cli.console import plural
from bot.core.papers import Paper
from bot.core.subscriber.subscriber import Profile, stored_subscriber
from bot.store.file_sync import SyncPlan

WINDOW = 30  # days of papers that profiles are tried on


def sync_in_words(planned: SyncPlan, papers: Sequence[Paper], sharing: Mapping[str, Collection[str]]) -> Iterator[str]:
    """`sharing`: by address, the names of the profiles a subscriber shares. What changes in those is said once for all
    of them."""
    counts: dict[str, int] = {}  # each query is tried once
    team = SharedChanges()
    for record in planned.new:
        yield f"{record.email}: new subscriber"
    for row in planned.unreachable:
        yield f"{row.email}: {row.status} since {row.status_since:%Y-%m-%d}, gets nothing whatever the file says"
    for row, values in planned.changed:
        if row in planned.unreachable:
            continue
        if row.status == "removed":
            yield f"{row.email}: comes back"
        elif "data" in values:
            shared = sharing.get(row.email, ())
            of_team = team.add(row.data, values["data"], shared)
            if not of_team or _but_shared(row.data, shared) != _but_shared(values["data"], shared):
                yield f"{row.email}: changed"
                asked = _new_queries(row.data, values["data"])
                yield from _would_have_brought([one for one in asked if one.name not in shared], papers, counts)
    yield from team.in_words(papers, counts)
    for row in planned.gone:
        yield f"{row.email}: removed, gets nothing more"
    if planned.removes_many:
        yield (
            f"{len(planned.gone)} of {plural(planned.subscribed, 'subscriber')} of the file would be removed: "
            "once and compose ask for --yes, run removes nobody"
        )


class SharedChanges:
    """What changes in shared profiles, and for how many subscribers."""

    def __init__(self) -> None:
        self._changed: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._asked: dict[str, Profile] = {}  # those whose query is another one

    def add(self, before: str, after: str, shared: Collection[str]) -> bool:
        """One subscriber's stored table before and after; returns whether anything shared is another."""
        if not shared:
            return False
        known = {one.get("name"): one for one in json.loads(before).get("profiles", [])}
        there = [one for one in json.loads(after).get("profiles", []) if one.get("name") in shared]
        others = [one["name"] for one in there if known.get(one["name"]) != one]
        self._changed.update(name for name in others if name in known)
        self._new.update(name for name in others if name not in known)
        self._asked |= {one.name: one for one in _new_queries(before, after) if one.name in shared}
        return bool(others)

    def in_words(self, papers: Sequence[Paper], counts: dict[str, int]) -> Iterator[str]:
        for name in dict.fromkeys((*self._changed, *self._new)):
            said = [
                f"{what} {plural(number[name], 'subscriber')}"
                for what, number in (("changed for", self._changed), ("new for", self._new))
                if number[name]
            ]
            yield f"shared profile {name}: {', '.join(said)}"
            if name in self._asked:
                yield from _would_have_brought([self._asked[name]], papers, counts)


def _but_shared(data: str, shared: Collection[str]) -> dict[str, Any]:
    table = json.loads(data)
    return {**table, "profiles": [one for one in table.get("profiles", []) if one.get("name") not in shared]}


def _new_queries(before: str, after: str) -> list[Profile]:
    """The profiles of a stored table that ask for something else than those of another."""
    known = {(one.name, str(one.query)) for one in stored_subscriber(before).profiles}
    return [one for one in stored_subscriber(after).profiles if (one.name, str(one.query)) not in known]


def _would_have_brought(profiles: Sequence[Profile], papers: Sequence[Paper], counts: dict[str, int]) -> Iterator[str]:
    """What new and changed profiles would have brought: their papers of the past are no news, and no letter tells
    them. `counts`: of the queries tried so far; it grows."""
    if not papers:
        return
    if untried := {text: one.query for one in profiles if (text := str(one.query)) not in counts}:
        from bot.core.matching import Matcher  # brings numpy

        found = Matcher(list(untried.values())).match(papers).counts().tolist()
        counts.update(zip(untried, found, strict=True))
    for profile in profiles:
        papers_brought = plural(counts[str(profile.query)], "paper")
        yield (
            f"  {profile.name}: would have brought {papers_brought} of the last {WINDOW} days; "
            "`paperlark preview` shows them, letters tell what comes from now on"
        )
