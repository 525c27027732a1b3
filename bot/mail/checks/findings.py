"""What a check found, each with the way to put it right. The shape `doctor` prints."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """`fine`: as it should be; `advice`: works, could be better; `problem`: mail is lost or refused for it."""

    level: Literal["fine", "advice", "problem"]
    what: str
    fix: str = ""


def fine(what: str) -> Finding:
    return Finding("fine", what)


def advice(what: str, fix: str) -> Finding:
    return Finding("advice", what, fix)


def problem(what: str, fix: str) -> Finding:
    return Finding("problem", what, fix)
