"""Invented papers: a few that the samples are made of, and twenty, as many as a full letter has. Pure.

Nobody wrote them: names, results and numbers are made up.
"""

from dataclasses import replace
from datetime import date

from bot.core.papers import Paper

LARKSPUR = Paper(
    key="arxiv:2611.90001",
    title="Larkspur: Sparse Attention That Remembers Where It Looked",
    abstract=(
        "Sparse attention saves memory by looking at few tokens, and loses what it did not look at. We introduce"
        " Larkspur, a sparse attention layer that keeps a compact record of the positions each head has visited and"
        " lets later layers return to them. On synthetic retrieval tasks of up to 256k tokens it matches dense"
        " attention while reading 6% of the KV cache. The record itself is a useful diagnostic: heads"
        " that never return are heads that can be removed."
    ),
    authors=("Ines Marrow", "Tomasz Wilk", "Adaeze Obi", "Yuki Hanabusa", "Søren Kjærgård"),
    categories=("cs.LG", "cs.CL"),
    sources=("hf", "arxiv"),
    organization="Meadow Institute",
    upvotes=141,
    comments=12,
    stars=1_212,
    thumbnail_url="https://thumbnails.example.org/2611.90001.png",
    published=date(2026, 11, 17),
    listed=date(2026, 11, 20),
    url="https://arxiv.org/abs/2611.90001",
    summary="A sparse attention layer keeps a record of where it looked, and later layers go back there.",
    note="18 pages, 6 figures; code and records of all runs included",
    doi="10.48550/arXiv.2611.90001",
    pdf_url="https://arxiv.org/pdf/2611.90001",
    hf_url="https://huggingface.co/papers/2611.90001",
    code_url="https://github.com/example/larkspur",
    project_url="https://example.org/larkspur/",
)
ROUTERS = Paper(
    key="arxiv:2611.90002",
    title="Small Routers, Large Mixtures: Where Mixture-of-Experts Models Waste Their Tokens",
    abstract=(
        "We follow every token of a mixture-of-experts model through training and count what it costs to send it to"
        " the wrong expert. Most of the waste is early, small, and caused by ties. A router with 0.1% of the parameters"
        " that breaks ties by recency recovers nearly all of it."
    ),
    authors=("Gaël Le Brun", "Mei Tanaka"),
    categories=("cs.LG",),
    sources=("arxiv",),
    upvotes=38,
    comments=1,
    published=date(2026, 11, 19),
    listed=date(2026, 11, 20),
    url="https://arxiv.org/abs/2611.90002",
    pdf_url="https://arxiv.org/pdf/2611.90002",
)
LINEAR = Paper(
    key="doi:10.5555/lark.2026.3",
    title="Linear Attention Is Enough for Timetables",
    abstract="Timetables are long, regular, and full of exceptions. Linear attention reads them as well as any other.",
    authors=("Olga Brandt",),
    sources=("journal",),
    published=date(2026, 11, 12),
    listed=date(2026, 11, 20),
    url="https://journal.example.org/timetables",
    doi="10.5555/lark.2026.3",
    journal="Journal of Invented Results 4 (2026)",
)
BIRDSONG = Paper(
    key="title:birdsong at scale",
    title="Birdsong at Scale: One Encoder for Four Thousand Species",
    author_count=23,
    organization="Fen & Field Laboratory",
    upvotes=212,
    comments=31,
    stars=4_080,
    listed=date(2026, 11, 19),
    url="https://huggingface.co/papers/2611.90004",
    code_url="https://github.com/example/birdsong",
    sources=("hf",),
)
TINY = Paper(key="title:tiny", title="Tiny", sources=("saved",))

# (title, authors, votes, category, institution, the source's summary or "", the authors' abstract)
_ROWS: tuple[tuple[str, str, int | None, str, str, str, str], ...] = (
    (
        "Heron: Planning With Models That Admit What They Do Not Know",
        "Amara Lindqvist, Teo Castellanos, Priya Raman, Jonas Weidel, Hana Sato",
        318,
        "cs.AI",
        "Estuary AI",
        "Heron lets an agent ask before it acts, and spends a question only where the answer would change the plan; on"
        " forty household tasks it fails half as often with one question a task.",
        "",
    ),
    (
        "Long Conversations Drift: Measuring What Assistants Forget After a Hundred Turns",
        "Miriam Okafor, Luca Benedetti",
        146,
        "cs.CL",
        "",
        "",
        "Assistants are tested on short exchanges and used in long ones. We follow 1,200 conversations of a hundred"
        " turns each. We find that a stated preference survives for 31 turns on average, and that repeating it once in"
        " the middle nearly doubles that. We release the conversations.",
    ),
    (
        "Tide Tables for Tokens: Scheduling Inference by Predicted Length",
        "Noor el Amrani, Bjarne Holt, Xu Meiling, Carla Pinto, Dov Stern, Ewa Zielinska",
        97,
        "cs.DC",
        "Harbour Labs",
        "A scheduler that guesses how long each answer will be, and is right within a fifth, cuts the 99th percentile"
        " of waiting time to a third on a shared cluster.",
        "",
    ),
    (
        "A Field Guide to Tool Errors: What Agents Do When an Interface Lies",
        "Sunniva Berg, Kofi Mensah",
        64,
        "cs.SE",
        "",
        "",
        "Agents call tools that fail, time out, or answer wrongly. We catalogue 2,400 failures from open logs in nine"
        " kinds. Our results show that agents repeat a failing call unchanged in 58 % of cases, and that one sentence"
        " in the error message halves it.",
    ),
    (
        "Moorland: An Open World Model of Weather, Trained on Farm Diaries",
        "Iseult Byrne, Ramon Vidal, Chiyo Mori",
        203,
        "physics.ao-ph",
        "Fen & Field Laboratory",
        "Handwritten farm diaries of two centuries, read by machine, improve local forecasts of frost by a tenth where"
        " no station stands.",
        "",
    ),
    (
        "Which Way Is Down? World Models Learn Gravity Late",
        "Paolo Renner, Adisa Nwosu, Lin Yating",
        88,
        "cs.LG",
        "Estuary AI",
        "",
        "Video world models look right and fall wrong. We test eleven models on drops, slides and throws. Only models"
        " trained past two million hours place the landing within a hand's breadth, and all of them learn gravity after"
        " they learn faces.",
    ),
    (
        "Dream Less: Short Imagined Futures Suffice for Quadruped Control",
        "Katrin Vogt, Samuel Adeyemi",
        41,
        "cs.RO",
        "",
        "A four-legged robot that imagines 0.4 seconds ahead walks as well as one that imagines three, at a ninth of"
        " the cost.",
        "",
    ),
    (
        "Stitching Simulators: One World Model From Many Half-Right Ones",
        "Olga Brandt, Ines Marrow, Victor Hale, Tomasz Wilk",
        27,
        "cs.LG",
        "Meadow Institute",
        "",
        "Every simulator is wrong somewhere. We learn where, and hand over between four simulators within one rollout."
        " The stitched model beats the best of the four on 17 of 20 tasks.",
    ),
    (
        "Reading the Fine Print: Retrieval That Cites the Exception, Not the Rule",
        "Farah Haddad, Benoit Lemaire, Mei Tanaka",
        72,
        "cs.IR",
        "",
        "Legal and medical texts bury their exceptions; a retriever trained to find the sentence that would overturn an"
        " answer cuts confident mistakes by 44 %.",
        "",
    ),
    (
        "Seventy Small Models in a Trench Coat: When Ensembles Beat Scale",
        "Dagny Solheim, Arjun Pillai, Rosa Ferreira, Yuki Hanabusa, Piotr Nowak",
        131,
        "cs.LG",
        "Harbour Labs",
        "Seventy models of half a billion parameters, each an expert for one kind of question, match a model forty"
        " times the size on the questions people ask most.",
        "",
    ),
    (
        "The Cost of Being Polite: Tokens Spent on Courtesy in Deployed Assistants",
        "Helle Madsen",
        19,
        "cs.CY",
        "",
        "",
        "We count courtesy. In 40,000 answers, 11 % of all tokens thank, praise or apologise. Removing them changes no"
        " measured rating but one: people write shorter questions afterwards.",
    ),
    (
        "Lichen: Slow Optimisers for Very Long Runs",
        "Gael Le Brun, Adaeze Obi",
        54,
        "cs.LG",
        "Meadow Institute",
        "An optimiser with a memory of a million steps lowers the final loss of long runs by what a fifth more data"
        " would, and costs one byte a parameter.",
        "",
    ),
    (
        "Do Captions See? Auditing Image Models With Questions Nobody Wrote Down",
        "Santiago Rios, Emi Kuroda",
        33,
        "cs.CV",
        "",
        "",
        "Captions name what people notice. We ask image models about what people leave out: shadows, edges, the far"
        " wall. Accuracy falls from 91 % to 46 %.",
    ),
    (
        "Whistle: Speech Recognition for the Mountain Languages That Carry Four Kilometres",
        "Nerea Etxeberria, Tariku Bekele",
        112,
        "eess.AS",
        "Fen & Field Laboratory",
        "Whistled speech, which crosses valleys, is recognised with 12 % errors from nine hours of recordings.",
        "",
    ),
    (
        "Benchmarks Rust: How Fast Test Sets Lose Their Meaning",
        "Wiebke Arndt, Diego Salas, Nils Ekholm",
        176,
        "cs.LG",
        "",
        "Of 84 benchmarks, half no longer order models as fresh questions of the same kind do, on average 19 months"
        " after they were published.",
        "",
    ),
    (
        "Gardens of Proof: Growing Lemmas That Other Provers Can Use",
        "Aroha Tamati, Felix Brunner",
        48,
        "cs.LO",
        "",
        "",
        "Provers prove and forget. We keep a garden of lemmas, water those that were used, and let the rest die. After"
        " a month, 62 % of new proofs use a lemma another prover grew.",
    ),
    (
        "Half a Sensor Is Enough: Self-Calibrating Tactile Skin",
        "Beatriz Moura, Henrik Lund, Zofia Kania, Omar Haddad",
        22,
        "cs.RO",
        "",
        "Tactile skin with half its sensors dead recalibrates itself within twenty touches and loses 3 % of accuracy.",
        "",
    ),
    (
        "Quiet Updates: Changing One Fact Without Moving Its Neighbours",
        "Ji-woo Han, Lars Petersen",
        83,
        "cs.CL",
        "Estuary AI",
        "A change of one fact in a language model leaves 99.2 % of neighbouring facts as they were, three times better"
        " than editing weights directly.",
        "",
    ),
    (
        "An Atlas of Failed Runs",
        "The Open Training Collective",
        259,
        "cs.LG",
        "Open Training Collective",
        "Four hundred training runs that failed, with logs, causes and the day somebody noticed; a warning from the"
        " gradient comes a median of 900 steps before the loss shows it.",
        "",
    ),
    (
        "Counting Sheep From Orbit",
        "Morag Sinclair, Rhys Vaughan",
        None,
        "cs.CV",
        "",
        "",
        "Flocks are counted by hand, once a year. We count them weekly from satellite images. The error is 4 %, lower"
        " than that of two people who count from the same hill.",
    ),
)


def twenty() -> tuple[Paper, ...]:
    """The papers, from three days of lists."""
    return tuple(_paper(number, *row) for number, row in enumerate(_ROWS, 1))


def _paper(
    number: int,
    title: str,
    authors: str,
    votes: int | None,
    category: str,
    institution: str,
    summary: str,
    abstract: str,
) -> Paper:
    name = f"2611.8{number:04}"
    paper = Paper(
        key=f"arxiv:{name}",
        title=title,
        abstract=abstract or f"{summary} This is an invented paper.",
        authors=tuple(authors.split(", ")),
        categories=(category,),
        sources=("hf", "arxiv"),
        organization=institution,
        upvotes=votes,
        published=date(2026, 11, 16 + number % 3),
        listed=date(2026, 11, 18 + number % 3),
        url=f"https://arxiv.org/abs/{name}",
        pdf_url=f"https://arxiv.org/pdf/{name}",
        hf_url=f"https://huggingface.co/papers/{name}",
        summary=summary,
    )
    if votes and votes > 100:
        return replace(
            paper, stars=votes * 9, code_url=f"https://github.com/example/{title.split(':')[0].split()[0].lower()}"
        )
    return paper if votes is not None else replace(paper, hf_url="", sources=("arxiv",))
