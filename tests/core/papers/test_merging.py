"""Listings become papers: what merges, what never does, and what a change is called."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.papers import Listing, Paper, dedup, identity, merge

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
GATE = (
    "Long inputs make the memory of a model grow with every token. We study a gate that decides whether a token is "
    "worth keeping, train it with the model itself, and lose nothing a reader would miss."
)
LARKS = (
    "Flocks of paper larks were folded by hand, thrown from a tower and filmed; "
    "their headings converge unless the wind turns."
)


def listing(title: str = "Forgetting on Purpose", *identifiers: str, **fields: object) -> Listing:
    abstract = str(fields.get("abstract", ""))
    return Listing(title=title, keys=identity.keys_for(title, identifiers=identifiers, abstract=abstract), **fields)  # type: ignore[arg-type]


ARXIV = listing(
    "Forgetting on Purpose",
    "2603.00001",
    abstract=GATE,
    authors=("Ada Example", "Björn Muster"),
    categories=("cs.CL",),
    version=1,
    announce_type="new",
    listed=date(2026, 3, 3),
    url="https://arxiv.org/abs/2603.00001",
    source="arxiv",
)
HUB = listing(
    "Forgetting on purpose",
    "2603.00001",
    abstract=GATE[:60],
    authors=("Ada Example",),
    upvotes=41,
    comments=3,
    stars=7,
    published=date(2026, 2, 27),
    listed=date(2026, 3, 4),
    hf_url="https://huggingface.co/papers/2603.00001",
    summary="A gate.",
    organization="Lark Laboratory",
    source="hf",
)


def merged(*listings: Listing) -> Paper:
    paper: Paper | None = None
    for item in listings:
        paper = merge.merge(paper, item, NOW)
    assert paper is not None
    return paper


@pytest.mark.parametrize("order", [(ARXIV, HUB), (HUB, ARXIV)])
def test_one_paper_from_two_sources_in_any_order(order: tuple[Listing, Listing]) -> None:
    paper = merged(*order)
    assert paper.key == "arxiv:2603.00001"
    assert (paper.title, paper.abstract, paper.authors) == (ARXIV.title, GATE, ARXIV.authors)
    assert (paper.upvotes, paper.stars, paper.summary, paper.organization) == (41, 7, "A gate.", "Lark Laboratory")
    assert (paper.published, paper.listed) == (date(2026, 2, 27), date(2026, 3, 4))
    assert set(paper.sources) == {"arxiv", "hf"}
    assert paper.sources[0] == order[0].source


def test_a_newer_version_replaces_text_and_an_older_one_never() -> None:
    second = replace(ARXIV, title="Forgetting on Purpose, Revised", abstract=GATE + " And more.", version=2)
    paper = merged(ARXIV, HUB, second, ARXIV, HUB)
    assert (paper.title, paper.version) == (second.title, 2)
    assert paper.abstract.endswith("And more.")
    assert merge.changes(merged(ARXIV), paper) == ("v2", "title", "abstract")


def test_a_withdrawal_keeps_the_abstract_and_a_new_version_undoes_it() -> None:
    gone = replace(
        ARXIV,
        version=2,
        withdrawn=True,
        abstract="This paper has been withdrawn by the author.",
        note="Withdrawn: a gap",
    )
    paper = merged(ARXIV, gone)
    assert paper.withdrawn
    assert paper.abstract == GATE
    assert merge.changes(merged(ARXIV), paper)[:2] == ("withdrawn", "v2")
    assert merged(ARXIV, gone, HUB).withdrawn
    back = merged(ARXIV, gone, replace(ARXIV, version=3))
    assert not back.withdrawn
    assert merge.changes(paper, back) == ("no longer withdrawn", "v3")


def test_publication_is_a_change() -> None:
    published = replace(ARXIV, journal="J. Inv. Res. 9", doi="10.1000/x")
    assert merge.changes(merged(ARXIV), merged(ARXIV, published)) == ("now published in J. Inv. Res. 9",)
    by_number = replace(ARXIV, doi="10.1000/x")
    assert merge.changes(merged(ARXIV), merged(ARXIV, by_number)) == ("now published as doi:10.1000/x",)


def test_votes_are_no_change_to_tell_and_take_the_newest() -> None:
    later = replace(HUB, upvotes=30)
    assert merged(HUB, later).upvotes == 30
    assert merge.changes(merged(HUB), merged(HUB, later)) == ()
    assert merged(HUB, replace(HUB, upvotes=1, listed=date(2026, 1, 1))).upvotes == 41


def test_a_saved_page_does_not_take_numbers_back() -> None:
    page = replace(HUB, hf_url="", comments=1, upvotes=None, summary="", source="page")
    assert merged(HUB, page).comments == 3
    assert merged(page).comments == 1


def test_a_source_that_lacks_a_field_never_erases_it() -> None:
    bare = listing("Forgetting on Purpose", "2603.00001", version=2, source="arxiv")
    paper = merged(ARXIV, HUB, bare)
    for name in ("abstract", "authors", "categories", "upvotes", "summary", "url", "published"):
        assert getattr(paper, name) == getattr(merged(ARXIV, HUB), name)


def test_catching_up_marks_only_what_was_unknown() -> None:
    late = replace(ARXIV, late=True)
    assert merged(late).late
    assert not merged(ARXIV, late).late
    assert not merge.introduces(replace(ARXIV, announce_type="replace-cross"))
    assert merge.introduces(late)


def test_the_strongest_announcement_wins_across_feeds() -> None:
    other = listing("Another", "2603.00002", version=1, announce_type="replace")
    found = merge.combine([replace(ARXIV, announce_type="cross"), other, replace(ARXIV, categories=(), late=True)])
    assert [(item.key, item.announce_type) for item in found] == [
        ("arxiv:2603.00001", "new"),
        ("arxiv:2603.00002", "replace"),
    ]
    assert found[0].categories == ("cs.CL",)
    assert not found[0].late


def test_two_entries_with_one_title_stay_two() -> None:
    found = merge.combine(
        [
            listing("Re: Larks", abstract="One."),
            listing("Re: Larks", abstract="Two."),
            listing("Re: Larks", abstract="One."),
        ]
    )
    assert [item.abstract for item in found] == ["One.", "Two."]


def test_a_short_title_merges_where_the_abstracts_agree() -> None:
    paper = merged(listing("Pointer Larks", abstract=GATE))
    assert dedup.same_titled(listing("Pointer Larks", abstract=GATE), [paper]) is paper
    assert dedup.same_titled(listing("Pointer Larks", abstract=LARKS), [paper]) is None
    assert dedup.same_titled(listing("Pointer Larks"), [paper]) is None


LONG_TITLE = "A Gate That Forgets: Memory for Very Long Inputs"


def test_a_long_title_merges_unless_something_contradicts() -> None:
    paper = merged(
        listing(
            LONG_TITLE, "2603.00001", abstract=GATE, authors=("Ada Example", "B. Muster"), published=date(2026, 2, 27)
        )
    )
    assert dedup.same_paper(paper, listing(LONG_TITLE.upper()))
    assert dedup.same_paper(paper, listing(LONG_TITLE, authors=("Example, A.",)))
    assert dedup.same_paper(paper, listing(LONG_TITLE, "10.1000/x", authors=("Ada Example",)))
    assert not dedup.same_paper(paper, listing(LONG_TITLE, "2603.00002"))
    assert not dedup.same_paper(paper, listing(LONG_TITLE, authors=("Li Sample",)))
    assert not dedup.same_paper(paper, listing(LONG_TITLE, abstract=LARKS))
    assert not dedup.same_paper(paper, listing(LONG_TITLE, published=date(2016, 1, 1)))
    assert not dedup.same_paper(paper, listing("A Gate"))


def test_two_numbers_of_one_house_are_two_papers() -> None:
    paper = merged(replace(listing(LONG_TITLE, "10.1000/x", abstract=GATE), doi="10.1000/x"))
    assert not dedup.same_paper(paper, listing(LONG_TITLE, "10.1000/y", abstract=GATE))
    assert dedup.same_paper(paper, listing(LONG_TITLE, "10.2000/y", abstract=GATE))


@pytest.mark.parametrize("title", ["Introduction", "Editorial", "Correction"])
def test_a_title_that_says_nothing_never_merges(title: str) -> None:
    one = listing(title, abstract=GATE)
    assert not identity.is_weak(one.key)
    assert dedup.same_titled(one, [merged(one)]) is None
    assert one.key != listing(title, abstract=LARKS).key


def test_a_title_already_taken_gives_a_key_of_its_own() -> None:
    one, other = listing("Pointer Larks", abstract=GATE), listing("Pointer Larks", abstract=LARKS)
    assert one.key == other.key
    assert dedup.own_key(other) not in {one.key, dedup.own_key(one)}
    assert dedup.own_key(ARXIV) == ARXIV.key


def test_two_known_papers_become_one() -> None:
    by_title = replace(
        merged(listing(LONG_TITLE, abstract=GATE, source="page", listed=date(2026, 3, 1))),
        first_seen=datetime(2026, 3, 1, tzinfo=UTC),
    )
    by_number = merged(listing(LONG_TITLE, "2603.00001", source="arxiv", version=1))
    for pair in ([by_title, by_number], [by_number, by_title]):
        paper = merge.unite(pair)
        assert paper.key == "arxiv:2603.00001"
        assert paper.abstract == GATE
        assert paper.first_seen == by_title.first_seen
        assert paper.sources == ("arxiv", "page")


FIELDS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Forgetting on Purpose", "Forgetting on Purpose!", "Forgetting"]),
        "abstract": st.sampled_from(["", GATE, LARKS]),
        "authors": st.sampled_from([(), ("Ada Example",), ("Ada Example", "B. Muster")]),
        "categories": st.sampled_from([(), ("cs.CL",), ("cs.AI", "cs.CL")]),
        "version": st.sampled_from([None, 1, 2, 3]),
        "upvotes": st.sampled_from([None, 1, 50]),
        "published": st.sampled_from([None, date(2026, 1, 1), date(2026, 2, 1)]),
        "listed": st.sampled_from([None, date(2026, 3, 1), date(2026, 3, 2)]),
        "withdrawn": st.booleans(),
        "hf_url": st.sampled_from(["", "https://huggingface.co/papers/2603.00001"]),
        "source": st.sampled_from(["arxiv", "hf", "feed"]),
        "doi": st.sampled_from(["", "10.1000/x"]),
        "journal": st.sampled_from(["", "J. Inv. Res."]),
    }
)


@given(st.lists(FIELDS, min_size=1, max_size=6))
def test_merging_a_listing_again_changes_nothing(history: list[dict[str, object]]) -> None:
    paper: Paper | None = None
    for fields in history:
        item = Listing(keys=("arxiv:2603.00001",), **fields)  # type: ignore[arg-type]
        before = paper
        paper = merge.merge(paper, item, NOW)
        assert merge.merge(paper, item, datetime(2027, 1, 1, tzinfo=UTC)) == paper
        assert paper.key == "arxiv:2603.00001"
        assert paper.first_seen == NOW
        if before:
            assert (before.version or 0) <= (paper.version or 0)
            assert set(before.sources) <= set(paper.sources)
            assert set(before.categories) <= set(paper.categories)
            for name in ("abstract", "authors", "doi", "journal", "hf_url", "upvotes"):
                assert getattr(paper, name) or not getattr(before, name)
