"""Papers out of an exported library: BibTeX, RIS, CSL-JSON, or the JSON of Zotero's web API.

An entry that cannot be read is a problem in words and never loses the others. Nothing here opens a file.
"""

import io
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.core.papers import Paper, identity
from bot.core.text.markup import to_text
from bot.core.text.sanitize import decode, line, web_address
from bot.core.text.tex import readable
from bot.errors import SourceError

logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what it cannot read is in our own words

MAX_BYTES = 16_000_000
BEGINNING = 10_000  # that tell the format of an export
MAX_ENTRIES = 20_000
MAX_FIELD = 20_000  # characters: no abstract is longer
MAX_PROBLEMS = 20

Fields = dict[str, Any]
# The end of a field, and the beginning of another on the next line.
_NO_COMMA = re.compile(r"""([}"])([ \t]*\r?\n[ \t]*[A-Za-z][A-Za-z_-]{0,30}[ \t]*=[ \t]*[{"\d])""")


@dataclass(frozen=True, slots=True)
class Library:
    """What an export holds: papers, the newest first, and a line for whatever could not be read."""

    papers: tuple[Paper, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ZoteroPage:
    """One answer of Zotero's web API: the keys of all items in it, and those that are papers."""

    items: frozenset[str]
    found: Library


def read_library(body: bytes) -> Library:
    """The papers of an export; its format is told from its beginning.

    An entry needs a title; `title`, `abstract`, `keywords`, identifiers and the address are read. What is too large, or
    none of the formats, has no papers and one problem that says so.
    """
    if len(body) > MAX_BYTES:
        return Library(problems=(f"the library is larger than {MAX_BYTES // 1_000_000} MB: export a part of it",))
    text = decode(body).lstrip("\ufeff")
    entries, problems = _format_of(text)(text)
    papers = []
    for number, fields in enumerate(entries, 1):
        if number > MAX_ENTRIES:
            problems.append(f"only the first {MAX_ENTRIES:,} entries are read")
            break
        paper = _paper(fields)
        if paper is None:
            problems.append(f"entry {fields.get('id') or number} has no title")
        else:
            papers.append(paper)
    if not papers and not problems:
        problems.append("no entries: an export as BibTeX, RIS or CSL-JSON is expected")
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more entries that cannot be read"]
    newest_first = sorted(papers, key=lambda paper: paper.published or date.min, reverse=True)
    return Library(tuple({paper.key: paper for paper in newest_first}.values()), tuple(problems))


def packages_for(beginning: bytes) -> tuple[str, ...]:
    """The packages that read an export, told from its first bytes; an extra brings them."""
    read = _format_of(decode(beginning).lstrip("\ufeff"))
    return () if read is _from_json else ("bibtexparser",) if read is _from_bibtex else ("rispy",)


def read_zotero(body: bytes) -> ZoteroPage:
    """A page of a library in Zotero's web API (https://www.zotero.org/support/dev/web_api/v3/basics). Raises
    SourceError."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise SourceError("Zotero's answer is no list of items: is this the address of its web API?")
    items = frozenset(str(item.get("key")) if isinstance(item, dict) else str(item) for item in found)
    return ZoteroPage(items, read_library(body) if found else Library())


def _format_of(text: str) -> Callable[[str], tuple[Iterable[Fields], list[str]]]:
    beginning = text[:1_000].lstrip()
    if beginning.startswith(("[", "{")):
        return _from_json
    if beginning.startswith("TY  -") or "\nTY  -" in text[:BEGINNING]:
        return _from_ris
    return _from_bibtex


def _from_bibtex(text: str) -> tuple[Iterable[Fields], list[str]]:
    from bibtexparser.entrypoint import parse_string  # only those who have a library need it
    from bibtexparser.model import Entry as BibtexEntry

    found = parse_string(_NO_COMMA.sub(r"\1,\2", text))
    blocks = list(found.entries)
    problems = []
    for failed in found.failed_blocks:
        inner = failed.ignore_error_block  # an entry that is fine but for a key that occurs twice
        if isinstance(inner, BibtexEntry):
            blocks.append(inner)
        else:
            problems.append(f"line {(failed.start_line or 0) + 1}: this entry is not closed or not BibTeX")
    entries = [{"id": block.key, **{field.key.lower(): str(field.value) for field in block.fields}} for block in blocks]
    return ({name: _without_tex(value) for name, value in entry.items()} for entry in entries), problems


def _without_tex(text: str) -> str:
    """Accents and formulas as Unicode; then the braces that only keep capitals go."""
    return readable(text[:MAX_FIELD]).replace("{", "").replace("}", "")


def _from_ris(text: str) -> tuple[Iterable[Fields], list[str]]:
    import rispy

    problems: list[str] = []
    entries: list[Fields] = []
    # One entry at a time, so that a broken one loses only itself.
    for number, part in enumerate(_ris_entries(text), 1):
        try:
            entries += rispy.load(io.StringIO(part), skip_unknown_tags=True)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            problems.append(f"entry {number} is not RIS")
    return entries, problems


def _ris_entries(text: str) -> Iterator[str]:
    part: list[str] = []
    for row in text.splitlines():
        if row.startswith("TY  -") and part:
            yield "\n".join([*part, "ER  - ", ""])
            part = []
        if row.startswith("ER  -"):
            continue
        if part or row.startswith("TY  -"):
            part.append(row[:MAX_FIELD])
    if part:
        yield "\n".join([*part, "ER  - ", ""])


def _from_json(text: str) -> tuple[Iterable[Fields], list[str]]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return [], ["this begins like JSON and is none: export it again as CSL-JSON"]
    if isinstance(items, dict):
        items = items.get("items", [items])
    items = items if isinstance(items, list) else []
    entries = [_json_entry(item) for item in items if isinstance(item, dict)]
    others = [f"entry {number} is no entry" for number, item in enumerate(items, 1) if not isinstance(item, dict)]
    return [entry for entry in entries if entry.get("itemtype") not in ("attachment", "note", "annotation")], others


def _json_entry(item: Fields) -> Fields:
    """CSL-JSON, or an item of Zotero's web API with its fields in `data`."""
    inner = item.get("data")
    fields = inner if isinstance(inner, dict) else item
    return {str(name).lower(): value for name, value in fields.items()}


def _paper(fields: Fields) -> Paper | None:
    title = _field(fields, "title", "primary_title", "ti", "t1")
    if not title:
        return None
    doi = identity.doi(_field(fields, "doi"))
    url = web_address(_field(fields, "url") or _first(fields.get("urls")))
    arxiv = identity.arxiv_id(_field(fields, "eprint", "arxivid", "archiveid") or url)
    key = (
        f"arxiv:{arxiv[0]}" if arxiv else f"doi:{doi}" if doi else f"url:{url}" if url else f"title:{title.casefold()}"
    )
    return Paper(
        key=key,
        title=title,
        abstract=_field(fields, "abstract", "abstractnote", "notes_abstract"),
        keywords=_keywords(fields.get("keywords") or fields.get("tags")),
        doi=doi,
        url=url,
        published=_year(fields),
    )


def _year(fields: Fields) -> date | None:
    """The first of January of the year it appeared: enough to put the newest first."""
    issued = fields.get("issued")
    parts = issued.get("date-parts") if isinstance(issued, dict) else None
    given = (fields.get(name) for name in ("year", "date", "publication_year"))
    text = " ".join(str(one)[:40] for one in (*given, parts) if one)
    found = re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", text)
    return date(int(found[0]), 1, 1) if found else None


def _field(fields: Fields, *names: str) -> str:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return line(to_text(value[:MAX_FIELD]), MAX_FIELD)
    return ""


def _first(value: object) -> str:
    return str(value[0]) if isinstance(value, list) and value else ""


def _keywords(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value[:MAX_FIELD].replace(";", ",").split(",")
    if not isinstance(value, list):
        return ()
    named = [one.get("tag") if isinstance(one, dict) else one for one in value[:50]]
    return tuple(line(one, 100) for one in named if isinstance(one, str) and one.strip())
