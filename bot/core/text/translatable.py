"""Text that may be shown in another language later: English, with the template and the values it is made of. Pure.

Whoever writes a sentence for people marks it here; whoever shows it (`bot.web.page_language`) translates the template
and fills it in. The same idea as `Message` of zope.i18nmessageid. For the catalogues, templates are found as the first
text given to `Translatable`, `Lexer.fail` and `Lexer.boundary`: they are written out there, never put together.
"""

from typing import Any


class Translatable(str):
    """English text that remembers its template (`str.format`) and values, which may be translatable themselves.

    Without values the template is the text as it stands: braces mean nothing.
    """

    __slots__ = ("template", "values")

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> "Translatable":
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template = template
        made.values = values
        return made

    def __str__(self) -> str:
        """Itself: `str` of an exception that was raised with it must not lose the template."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _with_values, (self.template, self.values)


def _with_values(template: str, values: dict[str, Any]) -> Translatable:
    return Translatable(template, **values)
