"""Personal letters, 20 papers of 200 each: ours beside the usual way, in one run.

    pip install -r benchmarks/requirements.txt
    python benchmarks/letters.py [--subscribers 2000] [--rounds 3] [--json]

The usual way renders the whole mail with Jinja2, puts the styles inline with premailer and builds an EmailMessage, for
every subscriber. Ours renders a paper once, and per subscriber joins and frames. Both say the same, from the same
templates, and both end in bytes ready for SMTP. The rounds alternate; of each the fastest counts. `cold` is the first
letters of a renderer that has rendered nothing yet, `html` the letter without its text part and MIME form.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import jinja2
import premailer
from markupsafe import Markup, escape

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from bot.core.edition.edition import Edition  # noqa: E402
from bot.core.letter import paper_view, renderer, samples  # noqa: E402
from bot.core.letter.fragments import FragmentCache  # noqa: E402
from bot.core.letter.letter_view import letter_view  # noqa: E402
from bot.core.papers import Paper  # noqa: E402
from bot.mail.message.mailbox import Mailbox  # noqa: E402
from bot.mail.message.mime import Head, write  # noqa: E402

PAPERS, SHOWN, PROFILES = 200, 20, 3
WORDS = [
    *("attention", "sparse", "memory", "routing", "experts", "tokens", "gradient", "kernel", "diffusion", "speech"),
    *("retrieval", "graph", "proof", "agent"),
]

HTML = """<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8"><title>Paperlark</title>
<style>{{ css|safe }}</style></head><body class="page"><div lang="en" dir="ltr" role="article">
<table role="presentation" class="desk" width="100%"><tr><td class="desk-cell" align="center">
<table role="presentation" class="sheet" width="600" align="center"><tr><td class="sheet-cell">
{% set head = letter.head %}{% set titles = letter.titles[1:4] %}{% include "_preheader.html" %}
{% include "_masthead.html" %}
{% for section in sections %}{% set kind = section.kind %}{% set name = section.name %}{% include "_section.html" %}
{% for paper, reasons, slot in section.cards %}{% set section = name %}
{% include "_paper.html" %}{% include "_why.html" %}
{% endfor %}{% set more = section.more %}{% set named = section.named %}{% set shown = section.shown %}
{% if more %}{% include "_more.html" %}{% endif %}{% endfor %}
{% set sources = letter.sources %}{% set more = 0 %}{% include "_sources.html" %}
{% set imprint = letter.imprint %}{% include "_imprint.html" %}
</td></tr></table></td></tr></table></div></body></html>"""
TEXT = """{% set head = letter.head %}{% include "_masthead.txt" %}
{% for section in sections %}{% set kind = section.kind %}{% set name = section.name %}{% include "_section.txt" %}
{% for paper, reasons, slot in section.cards %}{% set section = name %}
{% include "_paper.txt" %}{% include "_why.txt" %}
{% endfor %}{% set more = section.more %}{% set named = section.named %}{% set shown = section.shown %}
{% if more %}{% include "_more.txt" %}{% endif %}{% endfor %}
{% set sources = letter.sources %}{% set more = 0 %}{% include "_sources.txt" %}
{% set imprint = letter.imprint %}{% include "_imprint.txt" %}"""


def papers(rng: random.Random) -> list[Paper]:
    """Papers that differ in every field a card shows."""

    def sentence(count: int) -> str:
        return " ".join(rng.choices(WORDS, k=count)).capitalize() + "."

    return [
        replace(
            samples.LARKSPUR,
            key=f"arxiv:2611.{number:05}",
            title=sentence(9).title(),
            abstract=" ".join(sentence(rng.randrange(12, 25)) for _ in range(8)),
            authors=tuple(
                f"{rng.choice(WORDS).title()} {rng.choice(WORDS).title()}" for _ in range(rng.randrange(1, 9))
            ),
            upvotes=rng.randrange(300),
            summary=sentence(14),
            note="",
            url=f"https://arxiv.org/abs/2611.{number:05}",
            pdf_url=f"https://arxiv.org/pdf/2611.{number:05}",
            hf_url=f"https://huggingface.co/papers/2611.{number:05}",
        )
        for number in range(PAPERS)
    ]


def editions(subscribers: int) -> list[Edition]:
    """A personal edition for each subscriber: other papers, other words, other profiles, other addresses."""
    rng = random.Random(5)
    known = papers(rng)
    made = []
    for number in range(subscribers):
        chosen = rng.sample(known, SHOWN)
        sections = []
        for profile in range(PROFILES):
            name = f"{rng.choice(WORDS).title()} {profile + 1}"
            own = chosen[profile::PROFILES]
            picks = [
                samples.picked(paper, name, rng.choice(_words(paper)), "abstract", rise=rng.choice((None, 7)))
                for paper in own
            ]
            sections.append(samples.section(name, *picks, more=rng.randrange(9), named=rng.sample(known, 2)))
        made.append(
            samples.edition(
                *sections,
                subscriber=replace(samples.SUBSCRIBER, email=f"subscriber{number}@example.net"),
                unsubscribe_email=f"unsub+{rng.randbytes(16).hex()}@papers.example.org",
            )
        )
    return made


def _words(paper: Paper) -> list[str]:
    """The few words subscribers ask for that lead to this paper."""
    return paper.abstract.rstrip(".").split()[-3:]


def head(edition: Edition) -> Head:
    return Head(
        date=datetime(2026, 11, 20, 7, 30, tzinfo=UTC),
        sender=Mailbox("Paperlark", "digest@papers.example.org"),
        to=Mailbox("", edition.subscriber.email),
        message_id=f"<{edition.subscriber.email.partition('@')[0]}@papers.example.org>",
        list_id="digest.papers.example.org",
        unsubscribe_email=edition.unsubscribe_email,
    )


def usual(environment: jinja2.Environment) -> Callable[[Edition], bytes]:
    """Everything anew for every subscriber."""
    fragments = FragmentCache(environment, None, kept=1)
    words = fragments.words("en")
    html = environment.from_string(HTML)  # escaped, as every template without a name
    text = environment.overlay(autoescape=False).from_string(TEXT)
    css = (HERE.parents[1] / "templates" / "letter.css").read_text(encoding="utf-8")

    def build(edition: Edition) -> bytes:
        letter = letter_view(edition, words)
        sections = []
        for section in letter.sections:
            looks = []
            for pick in section.picks:
                found = paper_view.highlights(pick.reasons)
                key = paper_view.CardKey(pick.paper, pick.rise, pick.rise_over, False, "")
                looks.append((paper_view.paper_view(key, paper_view.SHORT), found.whys, _slots(pick.paper, found)))
            sections.append(
                {
                    "kind": section.kind,
                    "name": section.name,
                    "cards": looks,
                    "more": section.more,
                    "named": section.named,
                    "shown": section.shown,
                }
            )
        values = {"letter": letter, "sections": sections, "css": css, **fragments._names(words)}
        page = premailer.Premailer(
            html.render(values), allow_network=False, remove_classes=False, disable_validation=True
        ).transform()
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = "Paperlark <digest@papers.example.org>", edition.subscriber.email
        message["Subject"] = fragments.say("digest.subject.txt", words, head=letter.head, titles=letter.titles)
        message["List-Unsubscribe"] = f"<mailto:{edition.unsubscribe_email}>"
        message.set_content(text.render(values))
        message.add_alternative(page, subtype="html")
        return message.as_bytes()

    return build


def _slots(paper: Paper, found: paper_view.Highlights) -> Callable[[str], str]:
    """The title and abstract with the matched words marked."""
    texts = paper_view.Extracts(paper, paper_view.SHORT)
    assert texts.abstract
    marked = {
        "title": (texts.title.text, texts.title.spans(found.title_hits)),
        "abstract": texts.abstract.showing(found.abstract_hits),
    }

    def slot(name: str) -> str:
        text, spans = marked[name]
        shown, at = Markup(""), 0
        for start, end in spans:
            shown += escape(text[at:start]) + Markup('<b class="hit">{}</b>').format(text[start:end])
            at = end
        return shown + escape(text[at:])

    return slot


def seconds(work: Callable[[Edition], object], some: list[Edition]) -> float:
    """Seconds for each of some editions."""
    start = time.perf_counter()
    for edition in some:
        work(edition)
    return (time.perf_counter() - start) / len(some)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--subscribers", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    environment = renderer.environment(jinja2.FileSystemLoader(HERE.parents[1] / "templates"))
    everyone = editions(chosen.subscribers)
    ours = renderer.LetterRenderer(environment)
    anew = usual(environment)
    cold = seconds(ours.letter, everyone[:20])
    for edition in everyone[: len(everyone) // 4]:
        ours.letter(edition)
    anew(everyone[0])

    ways: dict[str, tuple[Callable[[Edition], object], list[Edition]]] = {
        "ours": (lambda edition: write(ours.letter(edition), head(edition)), everyone),
        "letter": (ours.letter, everyone),
        "usual": (anew, everyone[:30]),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(chosen.rounds):
        for name, (work, some) in ways.items():
            best[name] = min(best[name], seconds(work, some))
    letter = ours.letter(everyone[0])
    result = {
        "letters_per_second": {name: round(1 / value, 1) for name, value in best.items()}
        | {"cold": round(1 / cold, 1)},
        "ratio": round(best["usual"] / best["ours"], 1),
        "bytes": {
            "html": renderer.size(letter.html),
            "text": renderer.size(letter.text),
            "message": len(write(letter, head(everyone[0]))),
            "usual_message": len(anew(everyone[0])),
        },
    }
    if chosen.json:
        print(json.dumps(result))
        return
    rates, sizes = result["letters_per_second"], result["bytes"]
    print(f"{chosen.subscribers} subscribers, {SHOWN} of {PAPERS} papers each, one core")
    print(f"  the usual way, whole message   {rates['usual']:>9,} a second   {sizes['usual_message']:>7,} bytes")
    print(f"  ours, whole message            {rates['ours']:>9,} a second   {sizes['message']:>7,} bytes")
    print(f"  ours, letter without MIME      {rates['letter']:>9,} a second   {sizes['html']:>7,} bytes of HTML")
    print(f"                                                            {sizes['text']:>7,} bytes of text")
    print(f"  ours, the first 20 letters     {rates['cold']:>9,} a second")
    print(f"  ratio                          {result['ratio']:>9}x")


if __name__ == "__main__":
    main()
