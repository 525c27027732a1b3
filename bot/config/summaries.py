"""[summaries]: the language model that may add one sentence to a paper, and what it may cost."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator

from bot.config.fields import checked_web_address, optional
from bot.core.source.redact import redacted
from bot.core.subscriber.subscriber import language_tag
from bot.core.subscriber.validation import Line, Short, TableModel, span
from bot.fetch.ssrf import is_loopback

EXAMPLE = "http://127.0.0.1:11434/v1"


def _address(text: str) -> str:
    """The address of an API. Raises ValueError that shows no login."""
    try:
        return checked_web_address(text)
    except ValueError:
        raise ValueError(f"{redacted(text)[:80]!r} is no address such as {EXAMPLE}") from None


class SummariesConfig(TableModel):
    """[summaries]: absent, nothing is ever asked of a model."""

    hints: ClassVar = {
        **dict.fromkeys(("api_key", "token"), 'the key is called "key"'),
        **dict.fromkeys(("base_url", "api_base", "endpoint"), 'the address is called "url"'),
    }

    url: Annotated[Line, AfterValidator(_address)] = Field(
        description=f"the address of an OpenAI-compatible API, such as {EXAMPLE}", repr=False
    )
    model: Short = ""  # as its server knows it; "": none is asked
    key: Line = Field("", repr=False)
    language: Annotated[Short, optional(language_tag)] = ""  # of the sentences; "": the letters'
    daily_calls: Annotated[int, Field(ge=0, le=1_000_000)] = 200
    daily_tokens: Annotated[int, Field(ge=0, le=1_000_000_000)] = 500_000
    # Of one question, and the longest a letter waits for its sentences.
    timeout: Annotated[timedelta, PlainValidator(span(timedelta(seconds=1), timedelta(hours=1)))] = timedelta(
        seconds=60
    )
    private: bool = False  # the model may live on a private or loopback address

    def doubts(self) -> Iterator[str]:
        """What works, but hardly as meant."""
        if not self.model:
            yield "no model is named, so none is asked: set `model`"
        parts = urlsplit(self.url)
        if is_loopback(parts.hostname or "") and not self.private:
            yield "url is on this machine, and is refused without private = true"
        elif self.key and parts.scheme == "http" and not self.private:
            yield "url is not https: everybody on the way can read the key"
        if not self.daily_calls or not self.daily_tokens:
            yield "the budget is 0: nothing is ever asked"
