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

from bot.core.edition.edition import Edition, Pick  # noqa: E402
from bot.core.letter import matched_words, paper_view, renderer, samples  # noqa: E402
from bot.core.letter.fragments import FragmentCache  # noqa: E402
from bot.core.letter.letter_view import Lead, SectionView, letter_view  # noqa: E402
from bot.core.letter.partial_template import Fill  # noqa: E402
from bot.core.papers import Paper  # noqa: E402
from bot.mail.message.mailbox import Mailbox  # noqa: E402
from bot.mail.message.mime import Head, write  # noqa: E402

PAPERS, SHOWN, PROFILES = 200, 20, 3
WORDS = [
    *("attention", "sparse", "memory", "routing", "experts", "tokens", "gradient", "kernel", "diffusion", "speech"),
    *("retrieval", "graph", "proof", "agent"),
]

PAGE = """<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8"><title>Paperlark</title>
<style>{css}</style></head><body class="page"><div lang="en" dir="ltr" role="article">
<table role="presentation" class="desk" width="100%"><tr><td class="desk-cell" align="center">
<table role="presentation" class="sheet" width="600" align="center"><tr><td class="sheet-cell">
{letter}</td></tr></table></td></tr></table></div></body></html>"""


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
            samples.sample_edition(
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
    """Everything anew for every subscriber, from the same templates."""
    fragments = FragmentCache(environment, kept=64)
    words = fragments.words("en")
    names = fragments._names(words)
    css = (HERE.parents[1] / "templates" / "letter.css").read_text(encoding="utf-8")

    def build(edition: Edition) -> bytes:
        letter = letter_view(edition, words)

        def rendered(name: str, /, **values: object) -> Markup:
            text = environment.get_template(name).render({**names, **values, "say": say})
            return Markup(text)

        def say(name: str, /, **values: object) -> str:
            return " ".join(environment.get_template(name).render({**names, **values, "say": say}).split())

        def page(form: str) -> str:
            def card(pick: Pick, kind: paper_view.Form, section: SectionView | Lead) -> Markup:
                key = paper_view.card_key(pick, kind, 0, own_line=True, pictures=False)
                marks = matched_words.CardTexts(key).marks(matched_words.hits(pick.reasons))
                why = matched_words.why_shown(pick, section.name, marks.seen)
                shown = {name: _marked(fill) if form == "html" else fill.text for name, fill in marks.fills.items()}
                shown |= {"why": say("_why.txt", why=why) if why else "", "section": section.name}
                shown |= {f"{name}_url": url for name, url in paper_view.action_links(pick).items()}
                view = paper_view.paper_view(key._replace(has_why=why is not None))
                template = {"lead": "_lead", "card": "_paper", "compact": "_compact"}[kind]
                return rendered(f"{template}.{form}", paper=view, slot=shown.__getitem__)

            def papers(section: SectionView) -> Markup:
                cards = [card(pick, "card", section) for pick in section.cards]
                return Markup().join([*cards, *(card(pick, "compact", section) for pick in section.compact)])

            def more(section: SectionView) -> Markup | str:
                if not section.more:
                    return ""
                url = {"browser_url": letter.imprint.browser_url} if form == "html" else {}
                counts = {"more": section.more, "shown": section.shown, "named": len(section.named)}
                named = [rendered(f"_named.{form}", paper=paper) for paper in section.named]
                return Markup().join([rendered(f"_more.{form}", **counts, **url), *named])

            def lead() -> Markup | str:
                return card(letter.lead.pick, "lead", letter.lead) if letter.lead else ""

            return rendered(f"digest.{form}", letter=letter, part=rendered, papers=papers, lead=lead, more=more)

        html = premailer.Premailer(
            PAGE.format(css=css, letter=page("html")),
            allow_network=False,
            remove_classes=False,
            disable_validation=True,
        ).transform()
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = "Paperlark <digest@papers.example.org>", edition.subscriber.email
        message["Subject"] = say("digest.subject.txt", head=letter.head, titles=letter.titles)
        message["List-Unsubscribe"] = f"<mailto:{edition.unsubscribe_email}>"
        message.set_content(page("txt"))
        message.add_alternative(html, subtype="html")
        return message.as_bytes()

    return build


def _marked(fill: Fill) -> Markup:
    shown, at = Markup(""), 0
    for start, end in fill.hits:
        shown += escape(fill.text[at:start]) + Markup('<b class="hit">{}</b>').format(fill.text[start:end])
        at = end
    return shown + escape(fill.text[at:])


def seconds(work: Callable[[Edition], object], some: list[Edition]) -> float:
    """Seconds of one core for each of some editions, whatever else the machine does."""
    start = time.process_time()
    for edition in some:
        work(edition)
    return (time.process_time() - start) / len(some)


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
            "html": renderer.html_size(letter.html),
            "text": renderer.html_size(letter.text),
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
