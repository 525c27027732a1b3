"""What a subscriber of the file chose of their profiles on the preferences page; the file goes on to decide the rest.

The page sends every profile. One that stays as it was is no choice, so that the file can change it for all who share
it, and give them further ones. What was chosen is a plain table:

    {"own": [{"name": "Mine", "keywords": [...]}, ...],    new ones, and those that take the place of the file's
     "gone": ["Course", ...]}                              names of the file's that they do not want

Older versions of this program stored every profile in a list.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bot.core.subscriber.subscriber import Profile, Subscriber

Chosen = Mapping[str, Any]
NONE: Chosen = {"own": [], "gone": []}
OWN, GONE = "own", "gone"


def profiles_chosen(before: Subscriber, after: Subscriber, earlier: object) -> dict[str, Any] | None:
    """What was chosen once the profiles were saved that way; None where that is nothing. `earlier`: what had been
    chosen until then."""
    known = earlier if isinstance(earlier, Mapping) else NONE
    chosen_before = {_name(table) for table in known[OWN]}
    as_before = {same: one for one in before.profiles if (same := _meaning(one)) and one.name not in chosen_before}
    own = [table for one, table in _tables(after) if _meaning(one) not in as_before]
    there = {one.name for one in after.profiles}
    gone = dict.fromkeys((*known[GONE], *(one.name for one in before.profiles)))
    return _plain(own, [name for name in gone if name not in there])


def with_profiles_chosen(subscriber: Subscriber, chosen: object) -> list[dict[str, Any]]:
    """The tables of the profiles of a subscriber of the file, with what they chose."""
    if not isinstance(chosen, Mapping):
        return [table for _, table in _tables(subscriber)]
    own = {_name(table): table for table in chosen[OWN]}
    gone = set(chosen[GONE]) - own.keys()
    of_file = [own.pop(one.name, table) for one, table in _tables(subscriber) if one.name not in gone]
    return [*of_file, *own.values()]


def chosen_beside_file(chosen: object, subscriber: Subscriber, shared: Collection[str]) -> dict[str, Any] | None:
    """The same choice without what the file says by itself; None where nothing is left.

    `shared`: the names of profiles that the subscriber shares. In a list of an older version, where each profile stood
    whether it had been changed or not, those are the team's.
    """
    of_file = {one.name: _meaning(one) for one in subscriber.profiles}
    if isinstance(chosen, Mapping):
        own, gone = list(chosen[OWN]), [name for name in chosen[GONE] if name in of_file]
    else:
        tables = chosen if isinstance(chosen, list) else []
        own = [table for table in tables if _name(table) not in shared]
        listed = {_name(table) for table in tables}
        gone = [name for name in of_file if name not in listed and name not in shared]
    return _plain([table for table in own if _meaning_of(table) != of_file.get(_name(table))], gone)


def _plain(own: Sequence[Mapping[str, Any]], gone: Sequence[str]) -> dict[str, Any] | None:
    return {OWN: [dict(table) for table in own], GONE: list(gone)} if own or gone else None


def _tables(subscriber: Subscriber) -> list[tuple[Profile, dict[str, Any]]]:
    return list(zip(subscriber.profiles, subscriber.table.get("profiles", ()), strict=True))


def _meaning(profile: Profile) -> tuple[str, str, bool]:
    return profile.name, str(profile.query), profile.alert


def _meaning_of(table: Mapping[str, Any]) -> tuple[str, str, bool] | None:
    profile = _profile(table)
    return _meaning(profile) if profile else None


def _name(table: Mapping[str, Any]) -> str:
    profile = _profile(table)
    return profile.name if profile else ""


def _profile(table: Mapping[str, Any]) -> Profile | None:
    """None for a table of another version that this one does not understand."""
    try:
        return Profile.model_validate(table)
    except ValueError:
        return None
