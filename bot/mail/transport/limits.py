"""How long to wait for what, and how much to listen to. Seconds and bytes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Each is the whole time a step may take, however slowly the other side drips. RFC 5321 4.5.3.2 is the model; a
    relay that takes its full five minutes for a HELO has better be asked again later."""

    connect: float = 30
    greeting: float = 60
    command: float = 60
    data: float = 120  # the answer to DATA
    content: float = 300  # handing over the content
    after_dot: float = 600  # giving up earlier doubles messages
    goodbye: float = 2
    idle: float = 60  # a connection unused for longer is not trusted any more


MAX_LINE = 4096
MAX_LINES = 100
