"""Invented papers and queries with every construct of the language, made of words that are easy to confuse."""

import random

import pytest

from bot.core.papers import Paper
from bot.core.query import Query, QueryError, parse

Random = random.Random

WORDS = """
model models model's pre training pretraining pre-trained data set dataset data-sets gpt 4 gpt4 3.5 35 in variance
invariance box boxes movies movie news bias s x xs art ART align ALIGN Clip naïve naive rag RAG RAGs multi modal
multimodal the a of with graph graphs neural net nets network networking ﬁne-tuning finetuning e\u0301tude étude
zero\u200bshot zero shot it's don't snake_case α-helix alpha αhelix 深度 学習 深 no may not process processes
C++ C C# c++11 .NET net (.NET asp.net CD4+ CD4 CD4++ mod+ multi-modal+ 4.5 GPT-4.5 1,2-di 1,000 v1.5 C++程序 100+
언어 모델 언어모델을 모델이 언 BERT를 ライブ データ デー การเรียน เรียน virus viruses analysis analyses lens lenses
corpora corpus bases basis base Łódź lodz databases data-bases matrices sub-matrices µm mum TGFβ tgf-beta
""".split()
NAMES = [
    "Wei Zhang",
    "Wei-Li Zhang",
    "Anna Müller",
    "Lina",
    "Li Na",
    "OpenAI",
    "J. R. Smith",
    "Zhang",
    "Ana Mu\u0308ller",
    "Łukasz Kaiser",
    "김철수",
    "김 철수",
    "李 强",
    "C++ Alliance",
    "mod+",
]
CATEGORIES = ["cs.LG", "cs.CL", "stat.ML", "cs", "physics.cs", "Ｃs.lg", "math"]
SOURCES = ["hf", "hf-daily", "arXiv new", "hf.2"]
COUNTS = [None, None, 0, 1, 4, 5, 6, 10**20]


def text(rng: Random, most: int) -> str:
    return "".join(
        rng.choice(WORDS) + rng.choice([" ", " ", " ", "-", ", ", "/", ": ", "_", "  "])
        for _ in range(rng.randint(0, most))
    )


def paper(rng: Random) -> Paper:
    return Paper(
        str(rng.random()),
        text(rng, 6),
        text(rng, 25),
        authors=tuple(rng.choices(NAMES, k=rng.randint(0, 3))),
        categories=tuple(rng.sample(CATEGORIES, rng.randint(0, 3))),
        sources=tuple(rng.sample(SOURCES, rng.randint(0, 2))),
        organization=rng.choice(["", "", *NAMES]),
        upvotes=rng.choice(COUNTS),
        comments=rng.choice(COUNTS),
        stars=rng.choice(COUNTS),
    )


def term(rng: Random, words: list[str], field: str = "") -> str:
    def word() -> str:
        return rng.choice(words)

    kind = rng.randrange(12)
    if field in ("category", "source"):
        plain = rng.choice(CATEGORIES if field == "category" else SOURCES)
        spelled = rng.choice(["cs.*", "hf.*", "CS.LG"]) if kind < 4 else f'"{plain}"'
    elif kind < 4:
        spelled = word()
    elif kind < 6:
        spelled = '"' + " ".join(word() for _ in range(rng.choice([2, 2, 2, 3, 3, 4, 5, 7]))) + '"'
    elif kind == 6:
        spelled = "=" + word()
    elif kind == 7:
        spelled = '="' + word() + " " + word() + '"'
    elif kind == 8:
        stem = "".join(c for c in word() if c.isalnum())
        spelled = stem[: rng.randint(3, 8)] + "*"
    elif kind == 9:
        spelled = f'"{word()} {word()[:4]}* {word()}"' if rng.random() < 0.5 else f'"{word()}* {word()}"'
    else:
        inner = " ".join(rng.choice([word(), word(), word()[:4] + "*"]) for _ in range(rng.choice([2, 2, 2, 3, 4])))
        spelled = f'"{inner}"~{rng.choice([1, 2, 3, 4, 5, 8, 9])}'
    return spelled + rng.choice(["", "", "", "", "", "^2", "^0.5", "^1", "^30"])


def part(rng: Random, words: list[str], depth: int, field: str = "") -> str:
    kind = rng.randrange(11) if depth else 0
    if kind < 3:
        if not field and rng.random() < 0.12:
            number, comparison = rng.choice(["upvotes", "comments", "stars"]), rng.choice([">=", ">", "<=", "<", "="])
            return f"{number}{comparison}{rng.choice([0, 4, 5, 10**20])}"
        return term(rng, words, field)
    if kind < 5 and not field:
        name = rng.choice(["title", "abstract", "author", "category", "source", "org"])
        inside = NAMES if name in ("author", "org") else words
        inner = part(rng, inside, rng.choice([0, 0, 1, 2]), name)
        return f"{name}:({inner})"
    many = [part(rng, words, depth - 1, field) for _ in range(rng.randint(2, 4))]
    if kind < 7:
        return "(" + " OR ".join(many) + ")"
    if kind < 9:
        return "(" + " ".join(many) + ")"
    if kind == 9:
        return f"{rng.randint(1, len(many))} of ({', '.join(many)})"
    return f"(-{part(rng, words, depth - 1, field)} {many[0]})" if rng.random() < 0.7 else f"NOT {many[0]}"


def queries(rng: Random, count: int, words: list[str] = WORDS) -> list[Query]:
    found: list[Query] = []
    while len(found) < count:
        try:
            found.append(parse(part(rng, words, rng.choice([0, 1, 2, 3]))))
        except QueryError:
            continue  # only NOT, a star behind two letters, a distance too short
    return found


class Invented:
    """What the tests ask of this module."""

    words = WORDS
    counts = COUNTS
    paper = staticmethod(paper)
    queries = staticmethod(queries)


@pytest.fixture
def invented() -> Invented:
    return Invented()
