"""The language of a page: the visitor's, of those there is a catalogue for; on a page behind a signed link the
subscriber's, as in their letters.

Catalogues are in `templates/web/locale`, one .po file for a language, overridden like the templates. Without one a page
is in English. So are sentences of the lower floors (a query that cannot be read, a word that cannot be of a taste) for
which it has nothing: they come as `Translatable`.
"""

import logging
from datetime import date, datetime, timedelta
from functools import cached_property
from gettext import NullTranslations

import jinja2
from babel import Locale, UnknownLocaleError
from werkzeug.datastructures import LanguageAccept

from bot.core.letter.localize import LAST_EVERYWHERE, Words, tags, translations
from bot.core.subscriber.schedule import Schedule
from bot.core.text.translatable import Translatable

log = logging.getLogger(__name__)

CATALOGUES = "web/locale"  # folder, beside the letters' templates
ENGLISH = "en"
MOST_ASKED = 10  # languages of one request that are looked at
A_MONDAY = date(2024, 1, 1)


class PageLanguage:
    """One language: its sentences, and how it writes dates and numbers."""

    def __init__(self, tag: str, catalogue: str | None) -> None:
        """`catalogue` is the text of a .po file, None for English. Raises ValueError where it cannot be read."""
        self.words = Words(tag)
        found = translations(catalogue) if catalogue is not None else NullTranslations()
        self.gettext = found.gettext
        self.ngettext = found.ngettext

    @property
    def tag(self) -> str:
        """For `lang`."""
        return self.words.language

    def say(self, text: str) -> str:
        """What the lower floors made `Translatable`, in this language. Any other text, and what the catalogue has
        nothing for or with other values in it, is as it was."""
        if not isinstance(text, Translatable) or (template := self.gettext(text.template)) == text.template:
            return text
        if not text.values:
            return template
        try:
            return template.format(**{name: self._value(value) for name, value in text.values.items()})
        except (LookupError, ValueError):
            return text

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self.say(value)
        return self.words.number(value) if isinstance(value, int) else value

    def schedule(self, schedule: Schedule, timezone: str = "") -> str:
        """ "every Monday at 07:30 (Europe/London)"; without a time zone for who chooses one beside it."""
        _ = self.gettext
        sentences = {
            "daily": _("every day at {time}"),
            "weekdays": _("on weekdays at {time}"),
            "weekly": _("every {weekday} at {time}"),
            "monthly": _("on day {day} of every month at {time}"),
            "feed": _("in a feed, no mail"),
            "off": _("alerts only, no digest"),
        }
        sentence = sentences[schedule.cadence]
        if schedule.cadence == "monthly" and schedule.day > LAST_EVERYWHERE:
            sentence = _("on day {day} of every month, or its last, at {time}")
        said = sentence.format(
            time=self.words.time(datetime.combine(A_MONDAY, schedule.at)),
            weekday=self.words.weekday(A_MONDAY + timedelta(days=schedule.day % 7)),
            day=schedule.day,
        )
        if not timezone or schedule.cadence in ("feed", "off"):
            return said
        return _("{schedule} ({timezone})").format(schedule=said, timezone=timezone)


class Languages:
    """The languages there are. `default` is the house's, for a visitor who asks for none of them."""

    def __init__(self, templates: jinja2.Environment, default: str) -> None:
        self._templates = templates
        self._catalogues = [name for name in templates.list_templates(["po"]) if name.startswith(f"{CATALOGUES}/")]
        self._tags = [name.removeprefix(f"{CATALOGUES}/").removesuffix(".po") for name in self._catalogues]
        self._made: dict[str, PageLanguage] = {}
        self.default = self.known(default) or ENGLISH

    @cached_property
    def names(self) -> dict[str, str]:
        """Every language by the name it gives itself."""
        return {tag: as_sentence(str(_locale(tag).display_name)) for tag in (ENGLISH, *self._tags)}  # type: ignore[union-attr]

    def known(self, tag: str) -> str:
        """The tag of ours that serves for one: "de" for "de-AT", "zh-Hans" for "zh"; "" for none."""
        locale = _locale(tag)
        if locale is None:
            return ""
        return next((one for one in tags(locale) if one == ENGLISH or one in self._tags), "")

    def best(self, accepted: LanguageAccept) -> str:
        """The best language of Accept-Language (RFC 9110 section 12.5.4) that we have; else the house's."""
        wanted = [tag for tag, quality in accepted if quality > 0][:MOST_ASKED]
        return next((known for tag in wanted if (known := self.known(tag))), self.default)

    def of(self, tag: str) -> PageLanguage:
        """A language by its tag; English for one there is no catalogue for, or none that can be read."""
        tag = self.known(tag) or ENGLISH
        if tag not in self._made:
            self._made[tag] = self._read(tag)
        return self._made[tag]

    def _read(self, tag: str) -> PageLanguage:
        if tag == ENGLISH or self._templates.loader is None:
            return PageLanguage(ENGLISH, None)
        name = f"{CATALOGUES}/{tag}.po"
        try:
            return PageLanguage(tag, self._templates.loader.get_source(self._templates, name)[0])
        except ValueError as error:
            log.error("templates/%s cannot be read, its pages are in English: %s", name, error)
            return PageLanguage(ENGLISH, None)


def as_sentence(text: str) -> str:
    """With a capital at its beginning, the rest as it is."""
    return text[:1].upper() + text[1:]


def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        return None
