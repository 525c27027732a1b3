"""The authors' own sentence that says in one line what a paper is about, chosen by words they use for it. Pure.

Each sentence of an abstract gets points: for a contribution ("we present", "this paper introduces"), a finding ("we
show that"), words of the title; against background ("existing methods"), what needs its neighbours ("specifically",
"it also"), hopes and links. The best is taken, the first of equals. Nothing is invented, nothing rewritten.

Measured on 151 abstracts labelled by hand (`tests/core/letter/one_line`): an accepted sentence of 87 %. The first with
"we propose", "we present" or "we introduce", else the last, is one of 69 %; with "we propose" alone 23 %; the last 4 %.
"""

import re
from functools import lru_cache

from bot.core.letter.excerpts import sentences

SHORT, LONG = 45, 330  # characters: shorter says little, longer is cut

_US = (
    r"\b(?:we|this (?:\w+ )?(?:paper|work|article|study|survey|report|thesis)|the (?:paper|report)"
    r"|our (?:work|paper|study))\b"
)
_STRONG = "propose|present|introduce"
_NEW = (
    "develop|design|describe|construct|build|release|create|establish|formulate|provide|offer|contribute|explore|study"
    "|investigate|analy[sz]e|examine|reformulate|revisit|report|evaluate|unveil|devise|catalogue|trace"
)
_FOUND = "show|find|found|demonstrate|reveal|discover|prove|observe|establish|identify|conclude"
_LINKING = (
    "specifically|furthermore|moreover|additionally|in addition|also|besides|meanwhile|first|second|third|then|next"
    "|finally|lastly|notably|in particular|for example|for instance|similarly|as a result|here, we further"
)
_BACKGROUND = (
    "existing|recent(?:ly)?|previous|prior|current|traditional|conventional|despite|although|while|notable|most"
)

# What speaks for a sentence (in lower case) and against it: what we did, its beginning, what stands anywhere in it (one
# of the words first: looking for them is much quicker), and words alone.
_OF_US: tuple[tuple[float, re.Pattern[str]], ...] = tuple(
    (points, re.compile(pattern))
    for points, pattern in (
        (3.5, rf"{_US}[^.;:]{{0,40}}?\b(?:{_STRONG})s?\b"),
        (2.0, rf"{_US}[^.;:]{{0,60}}?\b(?:{_NEW})s?\b"),
        (1.8, rf"{_US}[^.;:]{{0,60}}?\b(?:{_FOUND})s?\b"),
    )
)
_BEGINNINGS: tuple[tuple[float, re.Pattern[str]], ...] = tuple(
    (points, re.compile(pattern))
    for points, pattern in (
        (1.0, r"(?:in conclusion|conclusions?\b|taken together)"),
        (
            0.6,
            r"(?:to (?:address|bridge|fill|overcome|tackle|solve|alleviate)|in (?:this|response)|here\b|therefore)",
        ),
        (-2.0, rf"(?:{_BACKGROUND})\b"),
        (-1.5, r"(?:however|yet|nevertheless|nonetheless|but|unfortunately)\b"),
        (
            -1.5,
            r"(?:it|they|this|these|such|he|she|its|their)\b"
            r"(?! (?:paper|work|study|report|article|survey|\w+ report))",
        ),
        (-1.5, rf"(?:{_LINKING})\b"),
        (-1.0, r"(?:alongside|in the (?!paper|present))"),
        (-1.5, r"(?:the|its|their) (?:most common|former|latter|first|second|third|other|resulting|same)\b"),
    )
)
_ANYWHERE: tuple[tuple[float, frozenset[str], re.Pattern[str]], ...] = tuple(
    (points, frozenset(words.split()), re.compile(pattern))
    for points, words, pattern in (
        (
            1.0,
            "result results finding findings answer answers contribution contributions",
            r"\b(?:our|the) (?:key |main |central )?(?:results?|findings?|answers?|contributions?)"
            r" (?:show|reveal|is|are|indicate)",
        ),
        (0.8, "first novel new simple art", r"\b(?:the first|a (?:novel|new|simple)|novel|state-of-the-art)\b"),
        (
            -6.0,
            "http https github project publicly openly freely open",
            r"https?://|\bgithub\b|\bproject page\b|\b(?:publicly|openly|freely) (?:available|accessible)\b"
            r"|\bopen-source (?:our|the|all)",
        ),
        (
            -3.0,
            "code data weights checkpoints model models resources",
            r"\b(?:code|data|weights|checkpoints|models?|resources) (?:is|are|will be|and \w+ (?:is|are|will be))\b",
        ),
        (
            -3.0,
            "we pave paves future lay lays",
            r"\b(?:we (?:hope|believe|will)|paves? the way|future (?:research|work)|lays? (?:a|the) )",
        ),
        (
            -1.5,
            "we",
            r"\bwe (?:also|further|then|additionally|first|evaluate|validate|conduct|compare|release)\b",
        ),
    )
)
_WORDS: tuple[tuple[float, frozenset[str]], ...] = tuple(
    (points, frozenset(words.split()))
    for points, words in (
        (0.8, "framework method model benchmark dataset system approach algorithm survey pipeline corpus"),
        (-1.0, "experiment experiments evaluation evaluations ablation ablations"),
        (-1.0, "remain remains challenging suffer suffers struggle struggles limited lack"),
    )
)
_SPEAKERS = frozenset("we paper work article study survey report thesis".split())
_RUN = re.compile(r"\w+")
_NAME = re.compile(r"^([^:–]{2,40}?)\s*(?::| – | — )")
_WORD = re.compile(r"[^\W\d_]{4,}")


@lru_cache(maxsize=1_024)  # every form of a paper's card asks for it
def sentence(abstract: str, title: str) -> str:
    """One sentence of an abstract (a line of text), as it stands there; "" where there is none."""
    found = sentences(abstract)
    title = title.lower()
    name, wanted = _NAME.match(title), frozenset(_WORD.findall(title))
    return max(
        found, key=lambda one: _points(one, name[1] if name else "", wanted, found.index(one) / len(found)), default=""
    )


def _points(one: str, name: str, wanted: frozenset[str], place: float) -> float:
    """How much a sentence says of what a paper is about whose title begins with that name ("" for none) and has these
    words; `place` is where it stands, 0 to 1."""
    one = one.lower()
    words = frozenset(_RUN.findall(one))
    rules = [(points, rule.match(one)) for points, rule in _BEGINNINGS]
    rules += [(points, rule.search(one)) for points, some, rule in _ANYWHERE if not words.isdisjoint(some)]
    if not words.isdisjoint(_SPEAKERS):
        rules += [(points, rule.search(one)) for points, rule in _OF_US]
    told = sum(points for points, is_true in rules if is_true)
    told += sum(points for points, some in _WORDS if not words.isdisjoint(some))
    if one.endswith("?"):
        told -= 2.5
    if name and name in one:
        told += 1.2
    if wanted:
        told += 2.0 * len(wanted.intersection(_WORD.findall(one))) / len(wanted)
    if len(one) < SHORT:
        told -= 1.5
    elif len(one) > LONG:
        told -= 0.7
    return told - 0.5 * place
