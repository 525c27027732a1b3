"""Plain tables (of TOML or JSON) become values by pydantic; what is wrong with one is said in a line to act on. Pure.

Every mistake of a table is reported at once, each with its path. On which line of a file a path stands, `bot.config`
knows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from annotated_types import Ge, Le
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from bot.core.subscriber.duration import duration, in_short
from bot.core.text.translatable import Translatable
from bot.errors import UserError

Path = tuple[str | int, ...]  # ("subscribers", 0, "digest")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key. A message may go on over further lines (a query with a caret under it)."""

    path: Path
    message: str


class TableError(UserError):
    """A table that cannot be used. `found` has every problem with its path, `problems` the same as lines."""

    def __init__(self, summary: str, found: Sequence[Problem], root: Any = None) -> None:
        self.found = tuple(found)
        super().__init__(summary, [said(problem, root) for problem in found])


# --- What a model of a table is made of -------------------------------------------------------------------------------


class TableModel(BaseModel):
    """A table whose keys are all known. `hints`: what to say of unknown keys that are often written by mistake."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        defer_build=True,  # of models inside another one only the other is built
    )
    hints: ClassVar[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Expected:
    """In the annotation of a field: what it should hold, for whoever gave it a value of another kind."""

    words: str


def on_one_line(text: str) -> str:
    """A text without blanks around it. Raises ValueError if it has control characters or line breaks; the joiners that
    Sinhala, Persian and emoji are written with (U+200C and U+200D) are none."""
    if not text.replace("\u200c", "").replace("\u200d", "").isprintable():
        raise ValueError(Translatable("holds control characters or line breaks: write it on one line"))
    return text.strip()


def as_tuple(value: Any) -> Any:
    """A list as a tuple: frozen values hold no lists."""
    return tuple(value) if isinstance(value, list) else value


Short = Annotated[str, Field(max_length=200), AfterValidator(on_one_line)]
Line = Annotated[str, Field(max_length=1000), AfterValidator(on_one_line)]
Long = Annotated[str, Field(max_length=4000), AfterValidator(on_one_line)]
ManyTexts = Annotated[tuple[str, ...], Field(strict=False)]  # not strict: a list will do


def span(least: timedelta, most: timedelta) -> Callable[[Any], timedelta]:
    """What reads a length of time such as "1h", if it is not out of range."""

    def read(value: Any) -> timedelta:
        if isinstance(value, timedelta):
            return value
        length = duration(text_from(value, 'a length of time such as "1h"'))
        if not least <= length <= most:
            raise ValueError(f"{as_in_file(value)} is out of range: give {in_short(least)} to {in_short(most)}")
        return length

    return read


def text_from(value: Any, expected: str = "text in quotes") -> str:
    """The value, if it is a text. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"expected {expected}, got {as_in_file(value)}")
    return value


def as_error(problems: Sequence[Problem], beside: ValidationError | None = None) -> ValidationError:
    """Problems for a validator to raise, `beside` what pydantic has found; it puts the path of the validated value
    before theirs."""
    lines = [InitErrorDetails(type=_said(problem.message), loc=problem.path, input=None) for problem in problems]
    for line in beside.errors(include_url=False) if beside else ():
        kind = _said(line["ctx"]["message"]) if line["type"] == "said" else line["type"]
        lines.append(InitErrorDetails(type=kind, loc=line["loc"], input=line["input"], ctx=line.get("ctx", {})))
    return ValidationError.from_exception_data("table", lines)


def read_beside(problems: Sequence[Problem], handler: Callable[[Any], T], table: Any) -> T:
    """What `handler` of a wrap validator makes of a table in which the validator itself has found problems, if it has:
    raises ValidationError with all of them."""
    try:
        found = handler(table)
    except ValidationError as error:
        raise as_error(problems, beside=error) from None
    if problems:
        raise as_error(problems)
    return found


def _said(message: str) -> PydanticCustomError:
    return PydanticCustomError("said", "{message}", {"message": message})


# --- What pydantic found, for people ----------------------------------------------------------------------------------

_KINDS = {
    "string_type": "text in quotes",
    **dict.fromkeys(("int_type", "int_from_float"), Translatable("a whole number")),
    "float_type": "a number",
    "bool_type": "true or false, without quotes",
    "literal_error": "text in quotes",
    "model_type": "a table of keys",
}


def problems_of(error: ValidationError, model: type[TableModel]) -> list[Problem]:
    """What pydantic found wrong when it read a table as that model."""
    return [_problem(line, model) for line in error.errors(include_url=False)]


def _problem(line: ErrorDetails, model: type[TableModel]) -> Problem:
    path, kind, value = line["loc"], line["type"], line["input"]
    if kind == "said":
        return Problem(path, line["ctx"]["message"])
    owner, field = _field(model, path)
    key = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        return Problem(path, _unknown(key, owner))
    if field is not None and field.is_required() and (kind == "missing" or value == ""):
        missing = Translatable("{key} is missing: {what}", key=key, what=field.description or "")
        return Problem(path[:-1] if kind == "missing" else path, missing)
    return Problem(path, _message(line, key, field, value))


def _message(line: ErrorDetails, key: str, field: FieldInfo | None, value: Any) -> str:
    kind, about = line["type"], line.get("ctx", {})
    metadata = field.metadata if field is not None and isinstance(line["loc"][-1], str) else []
    if kind == "value_error":
        return str(about["error"])
    if kind in ("greater_than_equal", "less_than_equal"):
        least = next(one.ge for one in metadata if isinstance(one, Ge))
        most = next(one.le for one in metadata if isinstance(one, Le))
        return Translatable(
            "{given} is out of range: give {least} to {most}", given=as_in_file(value), least=least, most=most
        )
    if kind == "string_too_long":
        return Translatable(
            "is {characters} characters long; {most} are enough", characters=len(value), most=about["max_length"]
        )
    if kind == "literal_error" and isinstance(value, str) and field is not None:
        choices = [str(choice) for choice in get_args(field.annotation)]
        return f"{as_in_file(value)} is none of {', '.join(choices)}{did_you_mean(value, choices)}"
    default = f'a list such as {key} = ["…"]' if kind in ("list_type", "tuple_type") else _KINDS.get(kind)
    expected = next((one.words for one in metadata if isinstance(one, Expected)), default)
    if not expected:
        return line["msg"]
    return Translatable("expected {what}, got {given}", what=expected, given=as_in_file(value))


def _unknown(key: str, owner: type[TableModel]) -> str:
    known = [field.alias or name for name, field in owner.model_fields.items()]
    hint = owner.hints.get(key)
    rest = f"; {hint}" if hint else did_you_mean(key, known)
    return f"unknown key{rest or '; known are ' + ', '.join(known)}"


def _field(model: type[TableModel], path: Path) -> tuple[type[TableModel], FieldInfo | None]:
    """The model and the field in it that a path leads to (in a list: the field that holds the list)."""
    owner, inner, field = model, model, None
    for part in path:
        if isinstance(part, str):
            owner = inner
            fields = ((field.alias or name, field) for name, field in owner.model_fields.items())
            field = next((field for name, field in fields if name == part), None)
            inner = _model_in(field.annotation) or owner if field is not None else owner
    return owner, field


def _model_in(annotation: Any) -> type[TableModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, TableModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)


# --- Words ------------------------------------------------------------------------------------------------------------


def said(problem: Problem, root: Any) -> str:
    """A problem as a line: the place, then the message."""
    place = spelled(problem.path, root)
    return f"{place}: {problem.message}" if place else problem.message


def spelled(path: Path, root: Any) -> str:
    """A path for people; an entry of a list goes by its name: `subscribers[ada@example.org].profiles[MoE].query`."""
    place = ""
    here = root
    for part in path:
        try:
            here = here[part]
        except (LookupError, TypeError):
            here = None
        if isinstance(part, str):
            place += f".{part}" if place else part
        else:
            names = [here.get(key) for key in ("name", "email")] if isinstance(here, Mapping) else []
            if isinstance(here, Mapping) and "email" in here:
                names.reverse()
            name = next((name for name in names if name and isinstance(name, str) and name.isprintable()), "")
            place += f"[{name[:60] or part + 1}]"
    return place


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean "digest"?', or nothing where nothing is near."""
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f'; did you mean "{folded[near[0]]}"?' if near else ""


def as_in_file(value: Any) -> str:
    """A wrong value as the file spells it, in short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = "".join(letter if letter.isprintable() else " " for letter in value[:60])
        return f'"{text}{"…" if len(value) > 60 else ""}"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:  # JSON's null
        return "nothing"
    if isinstance(value, int) and abs(value) > 10**50:  # Python refuses to write very long ones down
        return "a number of very many digits"
    return str(value)[:60]
