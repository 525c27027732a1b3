"""Small plots as SVG, drawn without styles of their own or script. Pure."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, GAP = 6, 40, 1


def bars(values: Sequence[int], words: str) -> str:
    """One bar for each value, oldest first; `words` say the same to who cannot see it."""
    most = max(values, default=0)
    columns = []
    for number, value in enumerate(values):
        height = round(HEIGHT * value / most) if most else 0
        height = max(height, 1) if value else 0
        columns.append(
            f'<rect x="{number * (WIDTH + GAP)}" y="{HEIGHT - height}" width="{WIDTH}" height="{height}"></rect>'
        )
    width = len(values) * (WIDTH + GAP)
    return (
        f'<svg class="plot" role="img" aria-label="{escape(words)}" width="{width}" height="{HEIGHT}" '
        f'viewBox="0 0 {width} {HEIGHT}"><title>{escape(words)}</title>{"".join(columns)}</svg>'
    )
