"""An OpenAI-compatible endpoint, asked one question and not believed."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from bot.core.letter.model_summary import cleaned_answer, request_body
from bot.core.papers import Paper
from bot.core.source.document import Request
from bot.errors import SourceError
from bot.fetch import Fetcher, Limits

BIGGEST = 256 * 1024  # bytes of an answer
MOST_TOKENS = 1_000_000  # one call can have cost
BYTES_OF_TOKEN = 3  # at least, in the languages of papers: what is thought to be spent before an answer says it


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the model is: from the configuration."""

    url: str = field(repr=False)  # of the API, as far as "/v1"; it may hold a login
    model: str
    key: str = field(default="", repr=False)
    timeout: timedelta = timedelta(seconds=60)
    private: bool = False

    @property
    def address(self) -> str:
        """Where questions are posted."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        if not path.endswith("/chat/completions"):
            path += "/chat/completions"
        return urlunsplit(parts._replace(path=path))


class Answer(NamedTuple):
    """What came back: one line, not yet judged, and the tokens that both sides cost (None: it does not say)."""

    sentence: str
    tokens: int | None


def limits(patience: float) -> Limits:
    """The rules of fetching, for one question of so many seconds: asked once, and no word until the whole answer."""
    return Limits(
        body=BIGGEST,
        seconds=patience,
        connect=min(10.0, patience),
        silence=patience,
        wait=0.0,
        redirects=0,
        attempts=1,
        gap=0.0,
    )


class Question(NamedTuple):
    """What is posted, and how many tokens it and its answer cost, on the safe side."""

    content: bytes
    most_tokens: int


def question(endpoint: Endpoint, paper: Paper, language: str, *, is_reasoning: bool = False) -> Question:
    """The question about a paper. `is_reasoning`: as OpenAI's later models want to be asked."""
    table = request_body(paper, endpoint.model, language, is_reasoning=is_reasoning)
    content = json.dumps(table).encode()
    answer = table.get("max_tokens") or table["max_completion_tokens"]
    assert isinstance(answer, int)
    return Question(content, len(content) // BYTES_OF_TOKEN + answer)


def wants_to_reason(error: SourceError) -> bool:
    """Whether a refusal is that of OpenAI's later models of how the others are asked."""
    return "max_completion_tokens" in str(error) or "temperature" in str(error)


def ask_model(endpoint: Endpoint, fetcher: Fetcher, asked: Question) -> Answer:
    """Post a question. Raises SourceError: no answer, or none in the form of the API."""
    headers = (("Content-Type", "application/json"),)
    secret = (("Authorization", f"Bearer {endpoint.key}"),) if endpoint.key else ()
    request = Request(
        location=endpoint.address,
        accept="application/json",
        headers=headers,
        secret_headers=secret,
        content=asked.content,
    )
    try:
        document = fetcher.post(request, private=endpoint.private)
        return _read(document.body)
    except SourceError as error:
        raise SourceError(without_key(endpoint, str(error)), retry_at=error.retry_at, gone=error.gone) from None


def without_key(endpoint: Endpoint, words: str) -> str:
    """The words of an endpoint, which likes to quote what it was given."""
    return words.replace(endpoint.key, "(the key)") if endpoint.key else words


def _read(body: bytes) -> Answer:
    """The answer in a body. Raises SourceError."""
    try:
        table = json.loads(body)
    except (ValueError, RecursionError):
        raise SourceError("the answer is no JSON: is this the address of an OpenAI-compatible API?") from None
    if isinstance(table, dict) and table.get("error"):
        said = table["error"]
        words = said.get("message") if isinstance(said, dict) else said
        raise SourceError(f"the model's server says: {cleaned_answer(str(words))[:200]}")
    try:
        content = table["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        content = None
    if not isinstance(content, str):
        raise SourceError("the answer has no choices[0].message.content: is this an OpenAI-compatible API?")
    usage = table.get("usage")
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
    is_number = isinstance(tokens, int) and not isinstance(tokens, bool) and 0 < tokens <= MOST_TOKENS
    return Answer(cleaned_answer(content), tokens if is_number else None)
