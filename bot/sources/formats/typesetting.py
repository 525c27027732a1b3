"""What a journal's typesetting leaves in an abstract that is handed on as plain text: marks, names of letters in
braces, headings run into the text."""

import re

from bot.core.text.tex_tables import SYMBOLS

_HEADINGS = (
    "Abstract", "Aim", "Aims", "Aims and Objectives", "Author Summary", "Background", "Background and Aims",
    "Background and Objective", "Background and Objectives", "Background and Purpose", "Clinical Trial Registration",
    "Conclusion", "Conclusions", "Conclusions and Relevance", "Conclusion and Relevance", "Context", "Data Sources",
    "Design", "Design, Setting and Participants", "Design, Setting, and Participants", "Discussion", "Eligibility",
    "Ethics", "Ethics and Dissemination", "Evidence", "Exposure", "Exposures", "Findings", "Funding",
    "Graphical Abstract", "Highlights", "Hypothesis", "Impact", "Implications", "Importance", "Intervention",
    "Interventions", "Interpretation", "Introduction", "Key Message", "Key Messages", "Key Points", "Lay Summary",
    "Limitations", "Main Outcome", "Main Outcome Measures", "Main Outcomes", "Main Outcomes and Measures",
    "Main Results", "Materials and Methods", "Material and Methods", "Measurements", "Measures", "Method", "Methods",
    "Methods and Analysis", "Methods and Findings", "Methods and Materials", "Methods and Results", "Motivation",
    "Objective", "Objectives", "Outcomes", "Participants", "Patients", "Patients and Methods", "Primary Outcome",
    "Principal Findings", "Purpose", "Rationale", "Registration", "Relevance", "Research Design and Methods", "Result",
    "Results", "Results and Discussion", "Setting", "Significance", "Significance Statement",
    "Statement of Significance", "Study Design", "Study Population", "Summary", "Trial Registration",
    "Translational Impact", "What This Study Adds", "Why Was This Study Done?",
)  # fmt: skip
_FORMS = sorted({form for name in _HEADINGS for form in (name, name.upper(), name.capitalize())}, key=len, reverse=True)
_ANY_FORM = "|".join(re.escape(form).replace(r"\ and\ ", r"\ (?:and|AND|&)\ ") for form in _FORMS)
# A heading stands at the beginning or behind a sentence, and a capital, a number or a quote follows without a blank.
# But METHODS is no METHOD with an S behind it, and METHODOLOGY neither.
_RUN_IN = re.compile(
    rf"(?:^|(?<=[.!?:;)\]%] )|(?<=[.!?)\]%]))({_ANY_FORM})"
    r"(?=[A-Z0-9“\"'(\[≤≥<>])(?!(?<=[A-Z])(?:S\b|[A-Z]{2}))"
)
# Or it only runs on from the sentence before it: "Larks sing.Methods We listened".
_RUN_ON = re.compile(rf"(?<=[a-z)\]%][.!?])(?=(?:{_ANY_FORM})(?::| [A-Z]))")
_NO_BLANK = re.compile(r"[a-z)\]%][.!?][A-Z]")
# Else no heading can be run in, and most texts need not be looked through for eighty of them.
_RUN_TOGETHER = re.compile(r"[A-Z0-9“\"'(\[≤≥<>](?:(?<=[a-z?].)|(?<=[A-Z])[A-Z]{2})")
_FIRST = re.compile(r"\A\s*(?:Abstract|ABSTRACT|Summary|SUMMARY)(?:[:.]\s*|\s*(?=[A-Z0-9“\"(]))")
_MARKS = re.compile(r"[OC]_(?:ST_ABS|SCP?LOW|SCP?CAP|INLINEFIG|TEXTBOX|FIG|TBL|LI|QD|BOX)")
_BOXED = re.compile(r"\[([^\w\s\[\]!-~])\]")  # "[≤]"
_NAMED = re.compile(r"\{([A-Za-z]{2,10})\}")


def without_typesetting(text: str) -> str:
    """A title or an abstract without the typesetter's marks: "O_SCPLOWlarkC_SCPLOW" is "lark", "[≤]" ≤, "{beta}" β."""
    if _MARKS.search(text):
        text = " ".join(_MARKS.sub("", _without_figures(text)).split())
    return _BOXED.sub(r"\1", _NAMED.sub(_letter, text))


def _without_figures(text: str) -> str:
    """The text without figures and tables, which come with the address and the frame of their pictures."""
    for kind in ("FIG", "TBL"):
        if f"O_{kind}" in text:
            *closed, rest = text.split(f"C_{kind}")
            text = " ".join([part.partition(f"O_{kind}")[0] for part in closed] + [rest])
    return text


def cleaned_abstract(text: str) -> str:
    """The same with a blank behind headings that run into the text ("BackgroundLarks sing.MethodsWe listened"), and
    without the heading "Abstract"."""
    text = _FIRST.sub("", without_typesetting(text), count=1)

    if _NO_BLANK.search(text):
        text = _RUN_ON.sub(" ", text)
    if not _RUN_TOGETHER.search(text):
        return text.strip()

    def apart(found: re.Match[str]) -> str:
        at = found.start()
        return f"{'' if at == 0 or text[at - 1].isspace() else ' '}{found[1]} "

    return _RUN_IN.sub(apart, text).strip()


def _letter(found: re.Match[str]) -> str:
    return SYMBOLS.get(found[1], found[0])
