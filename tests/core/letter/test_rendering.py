"""Templates: overridden file by file, checked before they are needed, in any language."""

import threading
import time
from pathlib import Path

import jinja2
import pytest

from bot.core.edition.edition import Edition
from bot.core.letter import renderer, samples
from bot.core.letter.letter import Letter
from bot.core.letter.renderer import BrokenTemplate, LetterRenderer

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"


def environment(own: Path | None = None) -> jinja2.Environment:
    """The shipped templates, with a subscriber's own in front."""
    shipped = jinja2.FileSystemLoader(TEMPLATES)
    return renderer.environment(jinja2.ChoiceLoader([jinja2.FileSystemLoader(own), shipped]) if own else shipped)


@pytest.fixture(scope="module")
def press() -> LetterRenderer:
    return LetterRenderer(environment())


def test_the_shipped_templates_have_no_problem() -> None:
    assert renderer.check_templates(environment()) == []


def test_one_file_is_overridden_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "_why.txt").write_text("{% for profile in why.others %}{{ profile }}!{% endfor %}")
    (tmp_path / "digest.subject.txt").write_text("[papers] {{ titles|first|default('nothing new') }}\n")
    letter = LetterRenderer(environment(tmp_path)).letter(samples.ordinary()["daily"])
    assert "Hot papers!" in letter.html_page
    assert letter.subject == "[papers] Larkspur: Sparse Attention That Remembers Where It Looked"
    assert "Small Routers" in letter.html_page
    assert renderer.check_templates(environment(tmp_path)) == []


def test_a_part_is_given_what_does_not_change(tmp_path: Path) -> None:
    (tmp_path / "_list.html").write_text('<p class="fine">{% for item in items %}{{ item }};{% endfor %}</p>')
    digest = '{{ part("_list.html", items=ITEMS) }}{{ part("_imprint.html", imprint=letter.imprint) }}'
    (tmp_path / "digest.html").write_text(digest.replace("ITEMS", '("a", "<")'))
    page = LetterRenderer(environment(tmp_path)).letter(samples.ordinary()["daily"]).html_page
    assert '<p class="fine" style="margin:0 0 4px">a;&lt;;</p>' in page
    (tmp_path / "digest.html").write_text(digest.replace("ITEMS", '["a", "<"]'))
    told = renderer.check_templates(environment(tmp_path))
    assert told[0].startswith("templates/_list.html: it is given what may change (unhashable type: 'list')")


def test_own_styles_are_put_inline(tmp_path: Path) -> None:
    (tmp_path / "letter.css").write_text(".h1 { color: #010203 } p { margin: 7px } @media print { .h1 { color: red } }")
    page = LetterRenderer(environment(tmp_path)).letter(samples.ordinary()["daily"]).html_page
    assert '<h1 class="h1" style="color:#010203">' in page
    assert '<p class="intro" style="margin:7px">' in page
    assert "@media print { .h1 { color: red } }" in page


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        (
            "_paper.html",
            "<h3>\n{{ paper.subtitle }}</h3>",
            "templates/_paper.html line 2: a PaperView has no attribute 'subtitle'",
        ),
        ("_paper.txt", "\n\n{{ papre.title }}\n", "templates/_paper.txt line 3: 'papre' is undefined"),
        (
            "digest.html",
            "a\n{% if %}\n",
            "templates/digest.html line 2: Expected an expression, got 'end of statement block'",
        ),
        ("_why.txt", "{% for one in why.words %}\n", "templates/_why.txt line 1: Unexpected end of template."),
        ("_intro.txt", "\n{{ 1 / 0 }}", "templates/_intro.txt line 2: ZeroDivisionError: division by zero"),
        ("alert.html", '{{ part("_nix.html") }}', "templates/alert.html line 1: there is no template _nix.html"),
        ("_frame.html", "<p>no letter in it</p>", "templates/_frame.html: {{ content }} is missing"),
        ("alert.subject.txt", "\n", "templates/alert.subject.txt: gives an empty subject"),
        ("digest.txt", "only this", "templates/digest.txt: does not say how to unsubscribe (letter.imprint)"),
        (
            "_imprint.html",
            '<p><a href="javascript:x">x</a></p>',
            "templates/digest.html: a link that mail programs refuse: javascript:x",
        ),
        ("_masthead.html", "<p>" + "x" * 90_000 + "</p>", "templates/digest.html: "),
    ],
)
def test_a_broken_template_is_found_with_file_and_line(tmp_path: Path, file: str, content: str, problem: str) -> None:
    (tmp_path / file).write_text(content)
    found = renderer.check_templates(environment(tmp_path))
    assert any(one.startswith(problem) for one in found), found
    assert all("\n" not in one for one in found)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "_late.txt").write_text("{{ nix }}")
    (tmp_path / "alert.txt").write_text("{{ letter.nix }}")
    (tmp_path / "unused.html").write_text("{% endif %}")
    found = renderer.check_templates(environment(tmp_path))
    assert {one.split(":")[0] for one in found} == {
        "templates/unused.html line 1",
        "templates/_late.txt line 1",
        "templates/alert.txt line 1",
    }


def test_a_missing_style_sheet_is_told() -> None:
    bare = renderer.environment(jinja2.DictLoader({}))
    assert renderer.check_templates(bare) == ["templates/letter.css: this template is missing"]


def test_a_broken_template_in_use_names_its_place(tmp_path: Path) -> None:
    (tmp_path / "_paper.html").write_text("{{ paper.subtitle }}")
    with pytest.raises(
        BrokenTemplate, match=r"^templates/_paper.html line 1: a PaperView has no attribute 'subtitle'$"
    ):
        LetterRenderer(environment(tmp_path)).letter(samples.ordinary()["daily"])


def test_text_from_outside_is_no_template(press: LetterRenderer) -> None:
    letter = press.letter(samples.titled("{{ 7 * 7 }} {% raw %} \x000-1\x00"))
    assert "{{ 7 * 7 }} {% raw %} 0-1" in letter.text_page


# -- many at once ------------------------------------------------------------------------------------------------------


def test_threads_share_a_press() -> None:
    press = LetterRenderer(environment())
    editions = list(samples.ordinary().values()) * 3
    one_at_a_time = LetterRenderer(environment())
    alone = {edition: one_at_a_time.letter(edition) for edition in samples.ordinary().values()}
    found: list[tuple[Letter, Letter]] = []

    def work() -> None:
        found.extend((press.letter(edition), alone[edition]) for edition in editions)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 * len(editions)
    assert all(one == other for one, other in found)


def test_a_small_press_forgets_and_still_prints_the_same() -> None:
    small, large = LetterRenderer(environment(), kept=3), LetterRenderer(environment())
    for edition in samples.ordinary().values():
        assert small.letter(edition) == large.letter(edition)


def test_what_is_asked_for_again_and_again_is_not_pushed_out_by_what_few_letters_have() -> None:
    """Of very many letters each says something of its own; the cards and the language they share stay drawn."""
    small = LetterRenderer(environment(), kept=200)
    shared = samples.sample_edition(samples.section("Efficient attention", *samples.many(4)))
    first = small.letter(shared)
    for number in range(150):
        small.letter(samples.titled(f"Paper number {number} of very many"))
        again = small.letter(shared)
    kept = sum(one is other for one, other in zip(first.html, again.html, strict=True))
    assert kept > len(first.html) / 3, "chunks without words of one subscriber are the same objects"


def test_a_letter_of_known_cards_is_quick(press: LetterRenderer) -> None:
    """The papers of a letter are not rendered again for the next subscriber: five times quicker than the first
    letter."""
    edition = samples.sample_edition(samples.section("Efficient attention", *samples.many(25)))
    start = time.perf_counter()
    LetterRenderer(environment()).letter(edition)
    first = time.perf_counter() - start
    best = min(_seconds(press, edition) for _ in range(20))
    assert best * 5 < first


def _seconds(press: LetterRenderer, edition: Edition) -> float:
    start = time.perf_counter()
    press.letter(edition)
    return time.perf_counter() - start
