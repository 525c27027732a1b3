"""A message on its way, and the two faces of every way: a transport, and a session of it that one thread uses."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

# What becomes of a message while which its sender died: it may have arrived, or not.
OnCrash = Literal["resend", "skip"]


class Ready(bytes):
    """The bytes of a message that may go over the wire as they are: whole CRLF line ends, the last one included, and no
    line that begins with a dot. Only the writer, which guarantees it, makes them; others are looked through first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The bytes and the envelope around them: one recipient, always."""

    sender: str  # envelope sender: where bounces go
    recipient: str
    message_id: str
    data: bytes = field(repr=False)


class Session(Protocol):
    """One connection, used by one thread, opened when first needed and reopened when lost."""

    def send(self, message: Message, before_data: Callable[[], None] | None = None) -> str:
        """Hand the message over and return the relay's words. `before_data` is called once, when the recipient has been
        accepted and before the first byte of content leaves; what it raises ends the attempt and comes out here.

        Raises DeliveryError; its outcome says what the failure means for the message.
        """

    def close(self) -> None:
        """Say goodbye. A closed session may be used again."""


class Transport(Protocol):
    """A way to send, shared by all threads."""

    @property
    def name(self) -> str:
        """For logs and messages: no user, no password."""

    def session(self) -> Session: ...
