"""The authors' own sentence that says in one line what a paper is about, chosen by words they use for it. Pure.

Each sentence of an abstract gets points: for a contribution ("we present", "this paper introduces"), a finding ("we
show that"), words of the title; against background ("existing methods"), what needs its neighbours ("specifically",
"it also"), hopes and links. The best is taken, the first of equals. Nothing is invented, nothing rewritten.

Measured on 151 abstracts labelled by hand (`tests/core/one_line`): an accepted sentence of 87 %. The first with "we
propose", "we present" or "we introduce", else the last, is one of 69 %; with "we propose" alone 23 %; the last 4 %.
"""

import re

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

# What speaks for a sentence (in lower case) and against it.
_RULES: tuple[tuple[float, re.Pattern[str]], ...] = tuple(
    (points, re.compile(pattern))
    for points, pattern in (
        (3.5, rf"{_US}[^.;:]{{0,40}}?\b(?:{_STRONG})s?\b"),
        (2.0, rf"{_US}[^.;:]{{0,60}}?\b(?:{_NEW})s?\b"),
        (1.8, rf"{_US}[^.;:]{{0,60}}?\b(?:{_FOUND})s?\b"),
        (
            1.0,
            r"\b(?:our|the) (?:key |main |central )?(?:results?|findings?|answer|contribution)s?"
            r" (?:show|reveal|is|are|indicate)",
        ),
        (0.8, r"\b(?:the first|a (?:novel|new|simple)|novel|state-of-the-art)\b"),
        (0.8, r"\b(?:framework|method|model|benchmark|dataset|system|approach|algorithm|survey|pipeline|corpus)\b"),
        (1.0, r"^(?:in conclusion|conclusions?\b|taken together)"),
        (
            0.6,
            r"^(?:to (?:address|bridge|fill|overcome|tackle|solve|alleviate)|in (?:this|response)|here\b|therefore)",
        ),
        (
            -6.0,
            r"https?://|\bgithub\b|\bproject page\b|\b(?:publicly|openly|freely) (?:available|accessible)\b"
            r"|\bopen-source (?:our|the|all)",
        ),
        (
            -3.0,
            r"\b(?:code|data|weights|checkpoints|models?|resources) (?:is|are|will be|and \w+ (?:is|are|will be))\b",
        ),
        (-3.0, r"\b(?:we (?:hope|believe|will)|paves? the way|future (?:research|work)|lays? (?:a|the) )"),
        (-2.0, rf"^(?:{_BACKGROUND})\b"),
        (-1.5, r"^(?:however|yet|nevertheless|nonetheless|but|unfortunately)\b"),
        (
            -1.5,
            r"^(?:it|they|this|these|such|he|she|its|their)\b"
            r"(?! (?:paper|work|study|report|article|survey|\w+ report))",
        ),
        (-1.5, rf"^(?:{_LINKING})\b"),
        (-1.5, r"\bwe (?:also|further|then|additionally|first|evaluate|validate|conduct|compare|release)\b"),
        (-1.0, r"\bexperiments?\b|\bevaluations?\b|\bablations?\b"),
        (-1.0, r"\b(?:remains?|challenging|suffers?|struggles?|limited|lack)\b"),
        (-1.0, r"^(?:alongside|in the (?!paper|present))"),
        (-1.5, r"^(?:the|its|their) (?:most common|former|latter|first|second|third|other|resulting|same)\b"),
        (-2.5, r"\?$"),
    )
)
_NAME = re.compile(r"^([^:–]{2,40}?)\s*(?::| – | — )")
_WORD = re.compile(r"[^\W\d_]{4,}")


def sentence(abstract: str, title: str) -> str:
    """One sentence of an abstract (a line of text), as it stands there; "" where there is none."""
    found = sentences(abstract)
    return max(found, key=lambda one: _points(one, title, found.index(one) / len(found)), default="")


def _points(one: str, title: str, place: float) -> float:
    """How much a sentence says of what a paper with that title is about; `place` is where it stands, 0 to 1."""
    one, title = one.lower(), title.lower()
    told = sum(points for points, rule in _RULES if rule.search(one))
    name = _NAME.match(title)
    if name and name[1] in one:
        told += 1.2
    if wanted := set(_WORD.findall(title)):
        told += 2.0 * len(wanted.intersection(_WORD.findall(one))) / len(wanted)
    if len(one) < SHORT:
        told -= 1.5
    elif len(one) > LONG:
        told -= 0.7
    return told - 0.5 * place
