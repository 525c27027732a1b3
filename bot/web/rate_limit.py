"""A bucket of tokens for each name, in memory. For requests that only read: those change no row, not even a counter.

Each web process counts for itself, which makes the limit a little higher where there are several. What sends mail is
limited by rows (`bot.pipeline.signup`).
"""

import threading
import time
from collections import OrderedDict

MOST_NAMES = 10_000


class TokenBucket:
    """`per_second` on average and `burst` at once, for each name; the names seen last are remembered. Thread-safe."""

    def __init__(self, per_second: float, burst: float) -> None:
        self.per_second = per_second
        self.burst = burst
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # name -> tokens, at

    def take(self, name: str) -> bool:
        """Whether one more is allowed now."""
        now = time.monotonic()
        with self._lock:
            tokens, at = self._buckets.pop(name, (self.burst, now))
            tokens = min(self.burst, tokens + (now - at) * self.per_second)
            allowed = tokens >= 1
            self._buckets[name] = (tokens - 1 if allowed else tokens, now)
            while len(self._buckets) > MOST_NAMES:
                self._buckets.popitem(last=False)
        return allowed
