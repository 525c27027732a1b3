"""The large form of the preferences: what stands in it, and what is wished for by whoever sends it. Decisions only; no
request is seen here."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from bot.core.subscriber.subscriber import Profile, Subscriber, TasteUse, name_from
from bot.pipeline.recent_papers import RecentPapers
from bot.web import query_form

MOST_PROFILES = 20  # in the form
TASTES = get_args(TasteUse)


def wishes(form: Mapping[str, str]) -> dict[str, Any]:
    """The big form as parts of a subscriber's table. Profiles without keywords and query are gone."""
    table: dict[str, Any] = {
        "digest": form.get("digest", "").strip(),
        "timezone": form.get("timezone", "").strip(),
        "profiles": [],
    }
    if form.get("language"):
        table["language"] = form["language"]
    if form.get("taste") in TASTES:
        table["taste"] = form["taste"]
    if most := form.get("max_papers", "").strip():  # what is no number stays a text, which the table refuses in words
        table["max_papers"] = int(most) if re.fullmatch("-?[0-9]{1,9}", most) else most[:20]
    for number in range(MOST_PROFILES):
        one = {name: form.get(f"p{number}_{name}", "").strip() for name in ("name", "keywords", "exclude", "query")}
        if form.get(f"p{number}_gone") or not (one["keywords"] or one["query"]):
            continue
        profile: dict[str, Any] = {}
        if one["name"]:
            profile["name"] = one["name"]
        for name in ("keywords", "exclude"):
            if one[name]:
                profile[name] = query_form.keywords_of(one[name])
        if one["query"]:
            profile["query"] = " ".join(one["query"].split())
        if form.get(f"p{number}_alert"):
            profile["alert"] = True
        table["profiles"].append(profile)
    return table


def settings_shown(own: Subscriber, language: str, unsaved: Mapping[str, str] | None) -> dict[str, Any]:
    """The fields above the profiles: the subscriber's settings, or what was typed and could not be saved."""
    if unsaved is not None:
        shown = {name: unsaved.get(name, "").strip() for name in ("digest", "timezone", "language", "max_papers")}
        return {**shown, "taste_use": unsaved.get("taste", "")}
    return {
        "digest": str(own.schedule),
        "timezone": own.timezone,
        "language": language,
        "max_papers": own.max_papers,
        "taste_use": own.taste,
    }


def profile_fields(profile: Profile, papers: RecentPapers, now: datetime) -> dict[str, Any]:
    """One profile for the form, with what it would have brought."""
    return {
        "shown_name": profile.name,
        "name": profile.given_name,
        "keywords": "\n".join(profile.keywords),
        "exclude": "\n".join(profile.exclude),
        "text": profile.query_text,
        "alert": profile.alert,
        "gone": False,
        "preview": query_form.view(papers.try_query(profile.query, now)),
        "error": None,
    }


def typed_profiles(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same of a form that could not be saved: what was typed, and what is wrong with it."""
    rows = []
    for number in range(MOST_PROFILES):
        name, keywords, exclude, query = (
            form.get(f"p{number}_{field}", "")[: query_form.LONGEST]
            for field in ("name", "keywords", "exclude", "query")
        )
        if not (keywords.strip() or query.strip()):
            continue
        asked = query_form.read_query_form(keywords, query)
        rows.append(
            {
                "shown_name": name or name_from(query_form.keywords_of(keywords), query),
                "name": name,
                "keywords": keywords,
                "exclude": exclude,
                "text": query,
                "alert": bool(form.get(f"p{number}_alert")),
                "gone": bool(form.get(f"p{number}_gone")),
                "preview": None,
                "error": asked if isinstance(asked, query_form.FormError) else None,
            }
        )
    return rows
