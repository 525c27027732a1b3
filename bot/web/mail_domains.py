"""Whether a domain takes mail, asked of the DNS in bounds: a flood of sign-ups with slow name servers must not keep
every thread of the web process waiting. Who cannot be asked is not refused."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

AT_ONCE = 3  # look-ups, of the server's eight threads
KNOWN_FOR = 600.0  # seconds
MOST_KNOWN = 2_000


class MailDomains:
    """Remembers what the DNS said. Thread-safe."""

    def __init__(self, lookup: Callable[[str], bool]) -> None:
        self._lookup = lookup
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[bool, float]] = OrderedDict()

    def takes_mail(self, domain: str) -> bool:
        """What the DNS says; yes where as many as may are asking it already."""
        now = time.monotonic()
        with self._lock:
            known = self._known.get(domain)
        if known is not None and now - known[1] < KNOWN_FOR:
            return known[0]
        if not self._free.acquire(blocking=False):
            return True
        try:
            answer = self._lookup(domain)
        finally:
            self._free.release()
        with self._lock:
            self._known[domain] = answer, now
            self._known.move_to_end(domain)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return answer
