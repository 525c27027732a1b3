"""JSON from outside, decoded or refused in a line that says what came instead."""

import json
from typing import Any

from bot.core.text import sanitize
from bot.errors import SourceError


def decoded(text: str) -> Any:
    """What a JSON document holds. Raises SourceError for one that is damaged, and for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if text.startswith(("{", "[")):
            raise SourceError("the answer is JSON that is damaged or cut off") from None
        raise SourceError(f"the answer is no JSON: it begins with {sanitize.line(text, 60)!r}") from None
