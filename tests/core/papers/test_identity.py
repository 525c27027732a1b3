"""Canonical keys: every spelling of one identifier is one key, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.papers import identity

SPELLINGS = [
    "{}",
    "arXiv:{}",
    "ARXIV:{}v3",
    "oai:arXiv.org:{}v3",
    "https://arxiv.org/abs/{}",
    "http://www.arxiv.org/pdf/{}v2.pdf#page=3",
    "export.arxiv.org/abs/{}v1",
    "https://arxiv.org/html/{}v1?context=cs.LG",
    "10.48550/arXiv.{}",
    "doi:10.48550/arxiv.{}",
    "https://doi.org/10.48550/arXiv.{}",
    "https://huggingface.co/papers/{}#community",
    "https://hf.co/papers/{}.md",
    "https://www.alphaxiv.org/abs/{}v1",
    "https://papers.cool/arxiv/{}",
    "https://scirate.com/arxiv/{}",
    "arXiv:{}v2 [cs.CL]",
    "https://ar5iv.labs.arxiv.org/html/{}",
    " {} \n",
    "//arxiv.org/abs/{}/",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("number", "canonical"),
    [
        ("2401.12345", "2401.12345"),
        ("0704.0001", "0704.0001"),
        ("math.CA/0611800", "math/0611800"),
        ("hep-th/9901001",) * 2,
        ("astro-ph/0601001",) * 2,
    ],
)
def test_every_spelling_of_an_arxiv_identifier(spelling: str, number: str, canonical: str) -> None:
    found = identity.arxiv_id(spelling.format(number))
    assert found is not None
    assert found[0] == canonical
    assert identity.keys_for("T", identifiers=[spelling.format(number)])[0] == f"arxiv:{canonical}"


def test_the_version_is_kept_apart() -> None:
    assert identity.arxiv_id("arXiv:math.CA/0611800v12") == ("math/0611800", 12)
    assert identity.arxiv_id("2401.12345") == ("2401.12345", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0808.05394",
        "1501.1234",
        "2413.12345",
        "2401.1234567",
        "cs.CL",
        "10.1145/1234.56789",
        "see arXiv:2401.12345 and more",
        "https://example.org/abs/2401.12345",
        "https://arxiv.org/list/cs.CL/new",
        "https://huggingface.co/papers/date/2026-01-01",
        "2401.12345v0",
    ],
)
def test_what_is_no_arxiv_identifier(text: str) -> None:
    assert identity.arxiv_id(text) is None


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("10.1016/S0140-6736(24)00001-2", "10.1016/s0140-6736(24)00001-2"),
        ("doi: 10.1000/ABC.", "10.1000/abc"),
        (
            "https://www.medrxiv.org/content/10.64898/2026.03.01.26300001v3.supplementary-material",
            "10.64898/2026.03.01.26300001",
        ),
        ("10.64898/2026.03.01.000001v1.full", "10.64898/2026.03.01.000001"),
        ("urn:doi:10.1000/abc", "10.1000/abc"),
        ("DOI 10.1000/abc", "10.1000/abc"),
        ("https://dx.doi.org/10.1000%2Fabc", "10.1000/abc"),
        ("https://doi.org/10.1000/xyz).", "10.1000/xyz"),
        ("https://www.biorxiv.org/content/10.1101/2026.01.01.573800v2.full.pdf", "10.1101/2026.01.01.573800"),
        ("https://www.biorxiv.org/content/10.64898/2026.05.29.700001v1", "10.64898/2026.05.29.700001"),
        ("https://www.medrxiv.org/content/10.64898/2026.05.29.26300001v2.full", "10.64898/2026.05.29.26300001"),
        (
            "10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661::AID-SIM968>3.0.CO;2-2",
            "10.1002/(sici)1097-0258(19980815/30)17:15/16<1661::aid-sim968>3.0.co;2-2",
        ),
        (
            "https://doi.org/10.1175/1520-0469(1963)020%3C0130:DNF%3E2.0.CO;2",
            "10.1175/1520-0469(1963)020<0130:dnf>2.0.co;2",
        ),
        ("https://doi.org/10.1000/abc<br>", "10.1000/abc"),
        ("https://publisher.example/doi/abs/10.1111/a.12345?af=R", "10.1111/a.12345"),
        ("https://journals.example/article?id=10.1371/journal.x.0261234", "10.1371/journal.x.0261234"),
        ("no doi", ""),
        ("10.1000/", ""),
    ],
)
def test_doi(text: str, bare: str) -> None:
    assert identity.doi(text) == bare


@pytest.mark.parametrize(
    "text",
    [
        "http://Example.org/a/b?x=1&y=2",
        "https://www.example.org:443/a/b/?y=2&x=1&utm_source=mail#top",
        "https://example.org./a/b?fbclid=7&x=1&y=2",
    ],
)
def test_one_spelling_for_every_address_of_a_page(text: str) -> None:
    assert identity.canonical_url(text) == "https://example.org/a/b?x=1&y=2"


@pytest.mark.parametrize(
    "text", ["mailto:x@example.org", "javascript:alert(1)", "http://[bad", "ftp://example.org/", "/path"]
)
def test_what_is_no_address(text: str) -> None:
    assert identity.canonical_url(text) == ""


def test_keys_come_strongest_first_and_the_title_last() -> None:
    keys = identity.keys_for(
        "A Title", identifiers=["pmid:12", "doi:10.1000/x", "2401.12345v2"], url="https://example.org/p"
    )
    assert keys == ("arxiv:2401.12345", "doi:10.1000/x", "pmid:12", "url:https://example.org/p", "title:atitle")


def test_titles_fold_what_retyping_changes() -> None:
    assert identity.title_key("Pre-Training “Ünder” Fire") == identity.title_key("PRETRAINING Under fire")
    assert identity.title_key("Łukasiewicz Logic of Ørsted") == identity.title_key("Lukasiewicz logic of Orsted")
    assert identity.title_key("α-Synuclein in Þórr") == identity.title_key("Alpha-synuclein in Thorr")
    assert identity.title_key("Hawaiʻi and ĐỒNG") == identity.title_key("Hawaii and dong")
    assert identity.title_key("???") == ""
    assert len(identity.title_key("long " * 500)) <= identity.MAX_KEY
    assert identity.title_key("long " * 500) != identity.title_key("long " * 499)


@pytest.mark.parametrize(
    "title",
    ["Introduction", "Editorial", "Correction", "Author Correction", "Table of Contents", "In this issue", "Erratum 2"],
)
def test_a_title_that_says_nothing_makes_a_key_of_its_own(title: str) -> None:
    assert identity.generic(title)
    one, other = (identity.keys_for(title, abstract=text) for text in ("of one", "of another"))
    assert one != other
    assert one == identity.keys_for(title, abstract="of one")


@pytest.mark.parametrize(
    "title", ["Pointer Networks", "Introduction to Larks", "A Survey on Mixture of Experts", "Attention"]
)
def test_titles_that_say_something(title: str) -> None:
    assert not identity.generic(title)


@given(st.text(max_size=300))
def test_any_text_gives_keys_or_none(text: str) -> None:
    identity.arxiv_id(text)
    identity.doi(text)
    once = identity.canonical_url(text)
    assert identity.canonical_url(once) == once
    keys = identity.keys_for(text, identifiers=[text], url=text)
    assert keys
    assert all(len(key) <= identity.MAX_KEY and ":" in key for key in keys)


@pytest.mark.parametrize(
    ("doi", "work"),
    [
        ("10.21203/rs.3.rs-1234567/v2", "10.21203/rs.3.rs-1234567"),
        ("10.20944/preprints202603.0001.v1", "10.20944/preprints202603.0001"),
        ("10.26434/chemrxiv-2026-abcde-v3", "10.26434/chemrxiv-2026-abcde"),
        ("10.31234/osf.io/abcde_v2", "10.31234/osf.io/abcde"),
        ("10.22541/au.170000000.00000001/v1", "10.22541/au.170000000.00000001"),
        ("10.12688/f1000research.12345.2", "10.12688/f1000research.12345"),
        ("10.5555/lark.v2", "10.5555/lark.v2"),
        ("10.1371/journal.pone.0000001", "10.1371/journal.pone.0000001"),
    ],
)
def test_versions_of_a_preprint_are_one_work(doi: str, work: str) -> None:
    assert identity.unversioned(doi) == work
    keys = identity.keys_for("Larks", identifiers=[doi])
    assert keys[0] == f"doi:{work}"
    assert f"doi:{doi}" in keys, "what is stored under it is found"
