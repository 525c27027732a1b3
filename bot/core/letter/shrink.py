"""Making an edition smaller without hiding anything: what is not shown is counted, and the first of it named. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from bot.core.edition.edition import Edition, Section
from bot.core.edition.picks import NAMED, fewer_picks
from bot.core.papers import Paper


def smaller(edition: Edition, share: float) -> Edition | None:
    """The edition without `share` (0 to 1) of its papers, at least one, taken from the end of its longest section; then
    without names of papers not shown; then with the sections that show nothing summed up. None: it is as small as it
    gets, one paper."""
    picks = [len(section.picks) for section in edition.sections]
    if sum(picks) > 1:
        drop = max(1, min(sum(picks) - 1, round(sum(picks) * share)))
        kept = zip(edition.sections, fewer_picks(picks, drop), strict=True)
        return replace(edition, sections=tuple(_cut(section, count) for section, count in kept))
    if any(section.more_papers for section in edition.sections):
        return replace(edition, sections=tuple(replace(section, more_papers=()) for section in edition.sections))
    bare = [section for section in edition.sections if not section.picks]
    if len(bare) > 1:
        summed = Section(kind=bare[0].kind, name="", picks=(), more=sum(section.more for section in bare))
        shown = [section for section in edition.sections if section.picks]
        return replace(edition, sections=(*shown, summed))
    return None


def _cut(section: Section, count: int) -> Section:
    """The section with its first `count` papers; the others are counted, and lead those named."""
    if count == len(section.picks):
        return section
    out = [pick.paper for pick in section.picks[count:]]
    named = _once([*out, *section.more_papers])[:NAMED]
    return replace(section, picks=section.picks[:count], more=section.more + len(out), more_papers=named)


def _once(papers: Iterable[Paper]) -> tuple[Paper, ...]:
    return tuple({paper.key: paper for paper in papers}.values())
