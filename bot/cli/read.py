"""The verb that tries a source: read. Nothing is stored."""

from dataclasses import MISSING, fields
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import urlsplit

import typer

from bot.cli.console import out, plural, print_json, remark
from bot.cli.options import Json
from bot.cli.wiring import app_of, bare_fetcher
from bot.config.source import type_meant
from bot.core.papers import Listing, plain
from bot.core.source.document import Document, Request
from bot.core.source.redact import redacted
from bot.errors import SourceError, UserError
from bot.fetch.ssrf import is_loopback
from bot.sources import Source, every
from bot.store import unparsed

MOST_PAGES = 20


def register(app: typer.Typer) -> None:
    app.command("read")(read)


def read(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="The type of source, e.g. page, arxiv, feed.")],
    location: Annotated[str, typer.Argument(help="A URL, a file, a glob, or recording:N from `status`.")],
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", metavar="KEY=VALUE", help="A key of the source's settings.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try a source: what listings would it bring? Nothing is stored."""
    module = every().get(kind)
    if module is None:
        raise UserError(f"There is no source of type {kind!r}{type_meant(kind, every())}")
    settings = _settings_for(module.Settings, location, option or [])
    try:
        listings, warnings, quiet = _read_all(context, module, settings, location)
    except SourceError as error:
        raise UserError(f"{_shown(location)} cannot be read as {kind}: {error}") from error
    for warning in warnings:
        remark(f"note: {warning}")
    if as_json:
        print_json([plain(listing) for listing in listings])
        return
    for listing in listings:
        out.print(listing.title, style="bold")
        out.print(f"  {_facts(listing)}")
    out.print(plural(len(listings), "listing") + (f" ({quiet})" if quiet else ""))


def _shown(location: str) -> str:
    """A location without the secrets an address may hold."""
    return redacted(location) if "://" in location else location


def _facts(listing: Listing) -> str:
    authors = ", ".join(listing.authors[:3]) + (f" +{len(listing.authors) - 3}" if len(listing.authors) > 3 else "")
    if not authors and listing.author_count:
        authors = plural(listing.author_count, "author")
    facts = [
        authors,
        listing.organization,
        f"published {listing.published}" if listing.published else "",
        f"listed {listing.listed}" if listing.listed else "",
        f"{listing.upvotes} upvotes" if listing.upvotes is not None else "",
        " ".join(listing.categories),
        listing.announce_type,
        listing.kind,
        listing.key,
    ]
    return "; ".join(fact for fact in facts if fact)


def _settings_for(kind: type, location: str, options: list[str]) -> Any:
    """A source's settings for one document: the location, `--option`s, and something for what else it demands."""
    names = {field.name: field for field in fields(kind)}
    is_url = "://" in location
    values: dict[str, Any] = {}
    if "location" in names:
        values["location"] = location
    if "url" in names:  # an address of ours for a file: what a source wants to know for its own service does not matter
        values["url"] = location if is_url else "http://localhost/"
    for item in options:
        name, equals, value = item.partition("=")
        if not equals or name not in names:
            raise UserError(f"--option {item!r}: not KEY=VALUE with a known key.", [f"known keys: {', '.join(names)}"])
        values[name] = _typed(names[name].type, value)
    for name, field in names.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            values[name] = ("any",) if get_origin(field.type) is tuple else "http://localhost/"
    # What it needs only for asking (a search, say) may be anything.
    askings = {name: "any" for name, field in names.items() if name not in values and field.default == ""}
    try:
        try:
            return kind(**values)
        except ValueError:
            if not askings:
                raise
            return kind(**askings, **values)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"These settings do not work: {error}", ["give what is missing as --option KEY=VALUE"]
        ) from error


def _typed(kind: Any, value: str) -> Any:
    try:
        if get_origin(kind) is tuple:
            return tuple(part.strip() for part in value.split(","))
        options = [option for option in (get_args(kind) or (kind,)) if option is not type(None)]
        if bool in options:
            return value.lower() in ("true", "yes", "1")
        for number in (int, float):
            if number in options:
                return number(value)
        return value
    except ValueError as error:
        raise UserError(f"{value!r} is not a number.") from error


def _read_all(
    context: typer.Context, module: Source, settings: Any, location: str
) -> tuple[list[Listing], list[str], str]:
    listings: list[Listing] = []
    warnings: list[str] = []
    quiet = ""
    private = is_loopback(urlsplit(location).hostname or "") if "://" in location else False
    with bare_fetcher() as fetcher:
        if location.startswith("recording:"):
            documents: list[Document] = [_recording(context, location)]
        else:
            documents = list(fetcher.fetch(Request(location=location), private=private).documents)
        read_so_far = 0
        while documents and read_so_far < MOST_PAGES:
            document = documents.pop(0)
            read_so_far += 1
            try:
                parsed = module.parse(document, settings)
                if not (parsed.listings or parsed.quiet or parsed.stale or parsed.follow):
                    raise SourceError("no paper was found in it")
            except SourceError as error:
                if document.location == location:
                    raise
                raise SourceError(f"{_shown(document.location)}: {error}") from error
            listings += parsed.listings
            warnings += parsed.warnings
            quiet = quiet or parsed.quiet or parsed.stale
            if "://" in location:
                for request in parsed.follow:
                    documents += fetcher.fetch(request, private=private).documents
    return listings, warnings, quiet


def _recording(context: typer.Context, location: str) -> Document:
    app = app_of(context)
    number = location.removeprefix("recording:")
    with app.database.read() as tx:
        document = unparsed.replay(tx, int(number)) if number.isdigit() else None
    if document is None:
        raise UserError(f"There is no {location}.", ["`paperlark status` lists what is kept"])
    return document
