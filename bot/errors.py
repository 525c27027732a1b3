"""What can go wrong, sorted by who reacts. Nothing else belongs here.

PaperlarkError
 ├ UserError       the person at the keyboard: shown without traceback, exit 2
 ├ SourceError     the pipeline: this source waits, the others go on
 └ DeliveryError   the outbox: this message waits, is parked, or is given up
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

Outcome = Literal["retry", "refused", "ours", "too big", "unknown"]


class PaperlarkError(Exception):
    """Root of everything Paperlark raises on purpose."""


class UserError(PaperlarkError):
    """Something only the user can put right. Carries every problem found, not just the first."""

    def __init__(self, summary: str, problems: Iterable[str] = ()) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"  {problem}" for problem in self.problems)]))


class BrokenTemplate(PaperlarkError):
    """A template cannot be rendered. The message names file and line; the operator has to mend it."""


class SourceError(PaperlarkError):
    """A source could not be asked or its answer not be read; one clear line that says what to do.

    `retry_at` is the moment (UTC) the other side asked us to wait for; `gone` that it asked us never to come back;
    `may_have_arrived`, of what we posted, that no answer says whether it did.
    """

    def __init__(
        self, message: str, *, retry_at: datetime | None = None, gone: bool = False, may_have_arrived: bool = False
    ) -> None:
        self.retry_at = retry_at
        self.gone = gone
        self.may_have_arrived = may_have_arrived
        super().__init__(message)


class DeliveryError(PaperlarkError):
    """A message was not accepted. `outcome` says what that means for it:

    retry     refused for now, or never reached the relay: later, same message
    refused   this recipient is refused for good: the subscriber's affair
    ours      5.7.x, authentication, TLS: our fault or the relay's; sending pauses, no subscriber suffers
    too big   552 / 5.3.4
    unknown   the connection died between DATA and the answer: it may or may not have arrived
    """

    def __init__(
        self, message: str, outcome: Outcome, *, code: str = "", said: str = "", retry_at: datetime | None = None
    ) -> None:
        self.outcome = outcome
        self.retry_at = retry_at  # the moment (UTC) the other side asked us to wait for
        self.said = said  # the relay's own words, where it gave an answer
        self.code = code  # the enhanced status code ("5.1.1") or the bare reply code ("550")
        super().__init__(message)
