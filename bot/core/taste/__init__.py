"""What a subscriber likes, learnt from papers they chose, as a query in the profile language.

    bibliography   papers out of a .bib, RIS or CSL-JSON text   learn   from papers to weighted words, and to a query
    corrections    what subscribers change in that

A learnt taste is run by the same matcher as every other query. Where libraries lie, and where a taste is kept, does not
belong here (see `bot.pipeline.taste`).
"""

from bot.core.taste.bibliography import Library, read_library
from bot.core.taste.learn import Background, Taste, TasteWord, learn

__all__ = ["Background", "Library", "Taste", "TasteWord", "learn", "read_library"]
