"""Letters as a real browser shows them: contrast, width, accessibility, in light and dark."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.edition.edition import Edition
from bot.core.letter import sample_papers, samples
from bot.core.letter.letter import Letter
from bot.core.letter.renderer import LetterRenderer
from bot.core.papers import Paper, merge
from bot.core.source.document import Document, Request
from bot.sources import huggingface

NAMES = ("daily", "daily_linked", "twenty", "weekdays", "alert", "late", "revisions", "heartbeat_troubled", "nothing")
NARROW = ("long_word", "links", "right_to_left", "east_asian", "hostile_everywhere", "crowd", "emoji")

# Contrast as WCAG 2 computes it, of every piece of text with what is painted behind it.
MEASURE = """(document, window) => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(window.getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  let least = 99, smallest = 99, where = "", texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement, style = window.getComputedStyle(element);
    if (!node.textContent.trim() || !element.getClientRects().length) continue;
    texts += 1;
    const [a, b] = [luminance(parse(style.color)), luminance(behind(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < least) { least = contrast; where = `${element.className}: ${node.textContent.slice(0, 40)}`; }
    smallest = Math.min(smallest, parseFloat(style.fontSize));
  }
  const links = [...document.querySelectorAll("a")].map((a) => window.getComputedStyle(a).textDecorationLine);
  return {
    least, where, smallest, texts, links: [...new Set(links)], width: document.documentElement.scrollWidth,
    paper: luminance(behind(document.querySelector("h1"))), images: document.images.length,
    height: document.documentElement.scrollHeight,
  };
}"""

# A letter is shown inside the page of a mail program, which has the one <main> and the other landmarks.
AXE = """async (document, window) => {
  const rules = { "landmark-one-main": { enabled: false }, region: { enabled: false } };
  const found = await window.axe.run(document, { resultTypes: ["violations"], rules });
  return found.violations.map((fault) => ({
    id: fault.id, impact: fault.impact, where: fault.nodes.map((node) => node.html).slice(0, 3),
  }));
}"""


def without_style(page: str) -> str:
    """What is left where a mail program drops style sheets."""
    return re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize(("dark", "width"), [(False, 360), (False, 700), (True, 360), (True, 700)])
def test_text_is_readable(letters: dict[str, Letter], look: Callable[..., Any], dark: bool, width: int) -> None:
    pages = {name: letters[name].html_page for name in (*NAMES, *NARROW)}
    for name, seen in look(pages, MEASURE, dark=dark, width=width).items():
        assert seen["least"] >= 4.5, (name, seen["where"])
        assert seen["smallest"] >= 14, name
        assert seen["width"] <= width, f"{name} has to be scrolled sideways"
        assert seen["links"] in ([], ["underline"]), name
        assert seen["images"] == ("linked" in name)
        assert seen["texts"] > 2
        assert (seen["paper"] < 0.1) is dark, "dark mode is dark"


def test_without_style_sheets_it_is_the_light_letter(letters: dict[str, Letter], look: Callable[..., Any]) -> None:
    pages = {name: without_style(letters[name].html_page) for name in (*NAMES, *NARROW)}
    for name, seen in look(pages, MEASURE, width=360).items():
        assert seen["least"] >= 4.5, (name, seen["where"])
        assert seen["smallest"] >= 14, name
        assert seen["width"] <= 360, name
        assert seen["paper"] > 0.8, name


SCREENS = 7 * 800  # pixels of a phone 360 wide


def test_twenty_papers_are_at_most_seven_phone_screens(
    letters: dict[str, Letter], renderer: LetterRenderer, look: Callable[..., Any]
) -> None:
    pages = {name: letters[name].html_page for name in ("twenty", "twenty_linked")}
    for sections in (1, 2, 5, 7):
        pages[f"{sections} sections"] = renderer.letter(shared_out(sample_papers.twenty(), sections)).html_page
    for name, seen in look(pages, MEASURE, width=360).items():
        assert seen["height"] <= SCREENS, name


def test_twenty_real_papers_are_at_most_seven_phone_screens(
    renderer: LetterRenderer, look: Callable[..., Any], fixtures: Path
) -> None:
    body = (fixtures / "hf_daily_papers_api" / "2026-08-06.json").read_bytes()
    document = Document(request=Request(location="x"), location="x", body=body, fetched=samples.NOW)
    listings = huggingface.parse(document, huggingface.Settings()).listings
    papers = [merge.merge(None, listing, samples.NOW) for listing in listings][:20]
    pages = {str(count): renderer.letter(shared_out(papers, count)).html_page for count in (1, 3, 4, 6)}
    for count in (1, 3, 4, 5, 7):  # with a picture and all links, as a public instance sends it
        full = samples.linked(shared_out(papers, count))
        full = replace(full, subscriber=replace(full.subscriber, pictures=True))
        pages[f"{count} linked"] = renderer.letter(full).html_page
    for name, seen in look(pages, MEASURE, width=360).items():
        assert seen["height"] <= SCREENS, name


def shared_out(papers: Sequence[Paper], sections: int) -> Edition:
    """A digest of these papers in so many sections, each with more; every paper has to say why it is here."""
    shares = [papers[number::sections] for number in range(sections)]
    return samples.sample_edition(
        *(
            samples.section(
                f"Profile number {number}",
                *(
                    samples.picked(paper, f"Profile number {number}", "elsewhere", "abstract", rise=9)
                    for paper in share
                ),
                more=9,
                named=papers[:5],
            )
            for number, share in enumerate(shares)
        )
    )


def test_no_accessibility_faults(letters: dict[str, Letter], look: Callable[..., Any], axe: str) -> None:
    pages = {name: letters[name].html_page for name in (*NAMES, "right_to_left", "hostile_everywhere")}
    for dark in (False, True):
        for name, faults in look(pages, AXE, width=700, dark=dark, library=axe).items():
            assert faults == [], (name, dark)
