"""Style sheets put inline, for the many mail programs that read nothing else. Pure."""

import re
from functools import lru_cache

import css_inline

_CLASS = re.compile(r"\.([a-zA-Z_][\w-]*)")
_CLASSES = re.compile(r"""\sclass=["']?([\w -]+)""")


class Styles:
    """One style sheet. Its @-rules (dark mode, narrow screens) cannot stand inline; `at_rules` go to the head."""

    def __init__(self, css: str) -> None:
        rules, at_rules = split(css)
        self.at_rules = "\n".join(at_rules)
        self._rules = [(frozenset(_CLASS.findall(rule.partition("{")[0])), rule) for rule in rules]
        self._rules_for = lru_cache(maxsize=1_024)(self._find_rules)
        self._fragments = css_inline.CSSInliner(load_remote_stylesheets=False, minify_css=True)
        self._pages = css_inline.CSSInliner(
            load_remote_stylesheets=False,
            minify_css=True,
            inline_style_tags=False,  # what is in the head's <style> stays there
            keep_style_tags=True,
            extra_css="\n".join(rules),
        )

    def inline(self, fragment: str) -> str:
        """A fragment of a body that closes what it opens, with its styles inline."""
        classes = frozenset(name for names in _CLASSES.findall(fragment) for name in names.split())
        return self._fragments.inline_fragment(fragment, self._rules_for(classes))

    def _find_rules(self, classes: frozenset[str]) -> str:
        """The rules that can apply where these classes occur: reading the others is half the time of a fragment."""
        return "\n".join(rule for named, rule in self._rules if not named or named & classes)

    def inline_page(self, page: str) -> str:
        """A whole document with its styles inline."""
        return self._pages.inline(page)


def split(css: str) -> tuple[list[str], list[str]]:
    """A style sheet in plain rules and @-rules."""
    rules: list[str] = []
    at_rules: list[str] = []
    at = depth = 0
    start = 0
    while at < len(css):
        if css.startswith("/*", at):
            end = css.find("*/", at + 2)
            end = len(css) if end < 0 else end + 2
            if depth == 0 and not css[start:at].strip():
                start = end
            at = end
            continue
        if css[at] == "{":
            depth += 1
        elif css[at] in "};" and depth <= 1:
            closes = css[at] == "}" or css[start : at + 1].lstrip().startswith("@")
            depth = 0 if css[at] == "}" else depth
            if depth == 0 and closes:
                piece = css[start : at + 1].strip()
                (at_rules if piece.startswith("@") else rules).append(piece)
                start = at + 1
        elif css[at] == "}":
            depth -= 1
        at += 1
    return rules, at_rules
