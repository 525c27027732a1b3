"""/e/TOKEN: an edition in the browser, whole, and as .bib, .ris and .md for other programs."""

from flask import Blueprint, Response, abort

from bot.core.edition.edition import Edition, SectionKind
from bot.core.papers import Paper
from bot.core.papers.citation import to_bibtex, to_ris
from bot.pipeline import reading
from bot.web.page_language import PageLanguage
from bot.web.shown_paper import clean, shown_paper
from bot.web.site import Site

FORMS = ("bib", "ris", "md")
TYPES = {
    "bib": "application/x-bibtex; charset=utf-8",
    "ris": "application/x-research-info-systems; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}


def blueprint(site: Site) -> Blueprint:
    pages = Blueprint("editions", __name__)

    def told(token: str) -> Edition:
        opened, subscriber = site.opened(token, "edition")
        found = reading.edition(site.database, site.builder, subscriber.id, opened.item_id)
        if found is None:
            abort(404)
        return found

    @pages.get("/e/<token>")
    def page(token: str) -> Response:
        edition = told(token)
        sections = [
            (
                heading(section.kind, section.name, site.language),
                [shown_paper(pick.paper, pick) for pick in section.picks]
                + [shown_paper(paper) for paper in section.more_papers],
                section.more - len(section.more_papers),
            )
            for section in edition.sections
        ]
        return site.page(
            "edition.html", title=title(edition, site.language), sections=sections, token=token.lower(), private=True
        )

    @pages.get("/e/<token>.<any(bib, ris, md):form>")
    def citations(token: str, form: str) -> Response:
        edition = told(token)
        return cited(reading.papers_of(edition), form, f"paperlark-{edition.day}", markdown(edition, site.language))

    return pages


def cited(papers: list[Paper], form: str, name: str, as_markdown: str) -> Response:
    """Papers as a file of one of the forms."""
    text = {"bib": to_bibtex, "ris": to_ris}[form](papers, clean) if form != "md" else as_markdown
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(text, content_type=TYPES[form], headers=headers)


def heading(kind: SectionKind, name: str, language: PageLanguage) -> str:
    _ = language.gettext
    known: dict[SectionKind, str] = {
        "taste": _("Like the papers you keep"),
        "near": _("Near your profiles"),
        "trending": _("Trending"),
        "revisions": _("News of papers you know"),
    }
    return known.get(kind) or clean(name) or _("Papers")


def title(edition: Edition, language: PageLanguage) -> str:
    _ = language.gettext
    form = _("Alert of {day}") if edition.kind == "alert" else _("Papers of {day}")
    return form.format(day=language.words.full_date(edition.day))


def markdown(edition: Edition, language: PageLanguage) -> str:
    """The edition for a note-taking program."""
    parts = [f"# {title(edition, language)}\n"]
    for section in edition.sections:
        papers = [*(pick.paper for pick in section.picks), *section.more_papers]
        parts.append(f"## {_plain(heading(section.kind, section.name, language))}\n")
        parts.append("\n".join(_markdown_line(paper) for paper in papers) + "\n")
    return "\n".join(parts)


def _markdown_line(paper: Paper) -> str:
    view = shown_paper(paper)
    name = _plain(view.title)
    if view.url:
        name = f"[{name}](<{view.url.replace('<', '%3C').replace('>', '%3E')}>)"
    facts = [fact for fact in (_plain(view.authors), view.day.isoformat() if view.day else "") if fact]
    return f"- {name}" + (f" · {' · '.join(facts)}" if facts else "")


def _plain(text: str) -> str:
    """Text that no reader of Markdown takes for more."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|!~" else letter for letter in text)
