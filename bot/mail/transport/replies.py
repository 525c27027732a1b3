"""What an SMTP server says, and what it means for the message. No sockets here."""

import re
from dataclasses import dataclass
from typing import Literal

from bot.errors import DeliveryError, Outcome

Phase = Literal["connect", "auth", "sender", "recipient", "data", "content"]

ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
LONGEST_WORDS = 300  # characters of a relay's answer worth keeping


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, all its lines."""

    code: int
    lines: tuple[str, ...]

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), or ""."""
        match = ENHANCED.match(self.lines[0]) if self.lines else None
        return match[1] if match and match[1][0] == str(self.code)[0] else ""

    @property
    def words(self) -> str:
        """The answer on one line, fit for a log or a table."""
        text = " ".join(f"{self.code} {' '.join(self.lines)}".split())
        return "".join(letter if letter.isprintable() else "?" for letter in text)[:LONGEST_WORDS]

    @property
    def is_fine(self) -> bool:
        return 200 <= self.code < 300


def failure(reply: Reply, phase: Phase, what: str) -> DeliveryError:
    """The error a refusing reply amounts to; `what` says what was refused."""
    outcome = classify(reply.code, reply.enhanced, phase, reply.words)
    return DeliveryError(f"{what}: {reply.words}", outcome, code=reply.enhanced or str(reply.code), said=reply.words)


def classify(code: int, enhanced: str, phase: Phase, words: str = "") -> Outcome:
    """What a refusal means. `code` is the reply code, `enhanced` the enhanced status code or "", `words` the rest.

    4xx       retry, whatever the reason
    ours      5.7.x (policy, reputation, authentication), and any other 5xx whose code or words speak of the sender,
              the relay, a list, a policy, spam, the content or the login; no subscriber suffers for it
    too big   5.3.4, 5.2.3, words that say so, or a bare 552 anywhere but at RCPT, where it means a full mailbox
    refused   any other 5xx at RCPT, and the same at DATA and after the content, for some servers look the recipient up
              only then
    unknown   after the content, an answer that is neither yes nor no
    """
    if 400 <= code < 500:
        return "retry"
    if not 500 <= code < 600:
        return "unknown" if phase == "content" else "retry"
    subject, _, detail = enhanced[2:].partition(".")
    if enhanced in ("5.3.4", "5.2.3") or (code == 552 and not enhanced and phase != "recipient"):
        return "too big"
    if phase in ("connect", "auth", "sender") or subject == "7":
        return "ours"
    if (subject, detail) in (("1", "7"), ("1", "8")):  # the sender's address
        return "ours"
    from bot.mail.refusal_words import reason  # long patterns, for what most runs never meet

    why = reason(words)
    if why == "us":
        return "ours"
    if enhanced == "5.5.0" and phase == "recipient" and why == "no such address":  # Outlook.com's "mailbox unavailable"
        return "refused"
    if subject == "5" or (subject == "6" and detail != "7"):  # protocol; content. 5.6.7: this address needs SMTPUTF8
        return "ours"
    if why == "too big" and subject in ("", "0", "2", "3"):
        return "too big"
    if not enhanced and (code in (500, 502, 503, 504, 530, 534, 535, 538, 555) or (code == 501 and phase == "content")):
        return "ours"
    return "refused"
