"""One test over every registered source: each reads its recorded answers as written down beside them.

`recorded/<source>/<answer>` with `<answer>.expected.json`; PAPERLARK_ACCEPT=1 writes the expectations anew."""

import json
import os
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot.core.papers import plain
from bot.core.source.document import Document, Parsed, Progress, Request
from bot.errors import SourceError
from bot.sources import SOURCES

RECORDED = Path(__file__).parent / "recorded"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ANSWERS = sorted(
    path for path in RECORDED.glob("*/*") if path.name != "settings.json" and not path.name.endswith(".expected.json")
)


def settings_of(name: str) -> object:
    table = json.loads((RECORDED / name / "settings.json").read_text(encoding="utf-8"))
    return SOURCES[name].Settings(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    )


def document(path: Path) -> Document:
    kind = "search" if path.name == "search.json" else "api" if path.name == "api.xml" else ""
    location = f"http://example.org/{path.name.replace('search.json', 'esearch.fcgi')}?start=0"
    return Document(
        request=Request(location=location, kind=kind),
        location=location,
        body=path.read_bytes(),
        fetched=NOW,
        saved=date(2026, 3, 4),
    )


def told(parsed: Parsed) -> dict[str, object]:
    """What a reading says, without what is empty."""
    listings = [
        {name: value for name, value in plain(item).items() if value not in (None, "", [], False)}
        for item in parsed.listings
    ]
    table: dict[str, object] = {
        "listings": listings,
        "quiet": parsed.quiet,
        "stale": parsed.stale,
        "warnings": list(parsed.warnings),
    }
    table["follow"] = [request.location for request in parsed.follow]
    table["poll_after"] = parsed.poll_after.total_seconds() if parsed.poll_after else None
    table["skip"] = [sorted(parsed.skip_days), sorted(parsed.skip_hours)]
    return {name: value for name, value in table.items() if value not in (None, "", [], [[], []])}


def test_every_source_has_recorded_answers() -> None:
    assert {path.parent.name for path in ANSWERS} == set(SOURCES)


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_recorded_answer(path: Path) -> None:
    name = path.parent.name
    try:
        found = told(SOURCES[name].parse(document(path), settings_of(name)))
    except SourceError as problem:
        found = {"error": str(problem)}
    expected = path.with_name(f"{path.name}.expected.json")
    if os.environ.get("PAPERLARK_ACCEPT"):
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(expected.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_module_keeps_the_contract(name: str) -> None:
    source = SOURCES[name]
    assert is_dataclass(source.Settings)
    for field in fields(source.Settings):
        assert field.metadata.get("help"), f"{name}.{field.name} has no help"
        assert field.type in {"str", "int", "bool", "float", str, int, bool, float, tuple[str, ...]}
        assert field.name not in {"name", "type", "every", "private"}
        assert field.kw_only
        assert field.name in {"location", "url"} or field.default is not MISSING
    settings = settings_of(name)
    for last in (None, datetime(2026, 2, 1, tzinfo=UTC), NOW):
        asked = source.requests(settings, Progress(last_success=last), NOW)
        assert asked
        assert len(asked) <= 40
        assert all(request.location for request in asked)
        assert len({request.location for request in asked}) == len(asked)
    assert isinstance(source.quiet(settings, NOW), str)
    assert "\n" not in source.quiet(settings, NOW)


@pytest.mark.parametrize("name", sorted(SOURCES))
@pytest.mark.parametrize(
    "body", [b"", b" \n", b"\0\1\2", b"<html><body>Log in</body></html>", b"{}", b"[]]", b"plain text\n" * 20]
)
def test_what_is_none_is_refused_in_one_line(name: str, body: bytes) -> None:
    nothing = Document(
        request=Request(location="http://example.org/x"), location="http://example.org/x", body=body, fetched=NOW
    )
    with pytest.raises(SourceError) as caught:
        SOURCES[name].parse(nothing, settings_of(name))
    assert str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"page"}))
def test_a_recording_at_a_fixed_address_is_asked_for_as_it_is(name: str) -> None:
    address = "http://127.0.0.1:8000/recording.json"
    table = json.loads((RECORDED / name / "settings.json").read_text(encoding="utf-8")) | {"url": address}
    settings = SOURCES[name].Settings(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    )
    asked = SOURCES[name].requests(settings, Progress(last_success=datetime(2026, 2, 20, tzinfo=UTC)), NOW)
    assert asked[0].location == address
    assert all(request.location.startswith("http://127.0.0.1:8000/recording.json") for request in asked)
