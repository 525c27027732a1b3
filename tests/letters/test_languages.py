"""Letters in other languages: complete catalogues, plurals by Babel's own data, one file for another language."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from gettext import c2py
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import Any

import jinja2
import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from bot.core.edition.edition import Edition
from bot.core.letter import notices, renderer, samples
from bot.core.letter.letter import NoticeName
from bot.core.letter.localize import Words
from bot.core.letter.renderer import BrokenTemplate, LetterRenderer
from bot.core.text.columns import width
from bot.mail.incoming.agreement import is_yes

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
LANGUAGES = ("de", "es", "fr", "ja", "zh-Hans")
COUNTS = (*range(201), 1_000, 1_000_000)
SAMPLES = ("daily", "weekdays", "weekly", "monthly", "alert", "alert_burst", "heartbeat", "heartbeat_troubled", "late")
SAMPLES += (
    "after_alerts",
    "revisions",
    "only_trending",
    "near",
    "only_near",
    "by_model",
    "twenty_linked",
    "two_hundred",
)

Message = str | tuple[str, str]


def messages() -> set[Message]:
    """Every sentence of the letter, as gettext is asked for it."""
    found: set[Message] = set()
    options = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    for file in (*TEMPLATES.iterdir(), *(TEMPLATES / "notices").iterdir()):
        if file.is_file():
            for _line, _function, message, _comments in babel_extract(
                BytesIO(file.read_bytes()), ("_", "gettext", "ngettext"), [], options
            ):
                parts = (message,) if isinstance(message, str) else tuple(part for part in message if part is not None)
                found.add(parts[0] if len(parts) == 1 else (parts[0], parts[1]))
    code = ROOT / "bot" / "core" / "letter" / "localize.py"
    for _line, message, _comments, _context in extract("python", BytesIO(code.read_bytes())):
        found.add(message if isinstance(message, str) else (message[0], message[1]))
    return found


def catalogue(language: str) -> Catalog:
    with (TEMPLATES / "locale" / f"{language}.po").open("rb") as file:
        return read_po(file, abort_invalid=True)


def fields(text: str) -> set[str]:
    """The names a sentence leaves open, in either spelling."""
    if "%(" in text:
        return {part.partition(")")[0] for part in text.split("%(")[1:]}
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def own_templates(folder: Path, language: str, catalogue: str) -> jinja2.Environment:
    (folder / "locale").mkdir()
    (folder / "locale" / f"{language}.po").write_text(catalogue, encoding="utf-8")
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder), jinja2.FileSystemLoader(TEMPLATES)])
    return renderer.environment(loader)


def spoken(edition: Edition, language: str) -> Edition:
    return replace(edition, subscriber=replace(edition.subscriber, language=language))


def test_these_languages_ship() -> None:
    assert {file.stem for file in (TEMPLATES / "locale").iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_complete_and_says_nothing_more(language: str) -> None:
    known = {(tuple(m.id) if isinstance(m.id, tuple) else m.id): m for m in catalogue(language) if m.id}
    assert set(known) == messages(), "add or remove these in templates/locale"
    for key, message in known.items():
        plural = isinstance(key, tuple)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        assert len(said) == (catalogue(language).num_plurals if plural else 1), key
        assert all(one.strip() for one in said), key
        assert "fuzzy" not in message.flags, key
        wanted = fields(key[1] if plural else key)
        for one in said:
            assert fields(one) <= wanted, (key, one)
        assert fields(said[-1]) == wanted, (key, said[-1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_follow_the_rules_babel_knows(language: str) -> None:
    """The first form is for what CLDR calls "one", the last for all else; a release of Babel may tell more kinds apart
    (French has had "many" for millions), which our sentences do not."""
    known = catalogue(language)
    which = c2py(known.plural_expr)
    kind = Locale.parse(language.replace("-", "_")).plural_form
    for count in COUNTS:
        wanted = 0 if kind(count) == "one" else known.num_plurals - 1
        assert which(count) == wanted, count


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_no_english_is_left(language: str, name: str, letters_in: Callable[[str, str], Any]) -> None:
    letter = letters_in(name, language)
    text = " ".join(letter.text_page.split())
    sentences = {one for message in messages() for one in (message if isinstance(message, tuple) else (message,))}
    for sentence in sentences:
        longest = max((part.split(")s")[-1] for part in sentence.replace("{", "%(").split("%(")), key=len).strip()
        if len(longest) > 8:
            assert longest not in text, sentence
    assert letter.language == language
    assert letter.html_page.count(f'lang="{language}" dir="ltr"') == 2
    for line in letter.text_page.splitlines():
        assert width(line) <= 72 or "://" in line or "@" in line, line


@pytest.fixture(scope="module")
def letters_in() -> Callable[[str, str], Any]:
    press = LetterRenderer(renderer.environment(jinja2.FileSystemLoader(TEMPLATES)))
    return lambda name, language: press.letter(spoken(samples.all_editions()[name], language))


def test_a_letter_in_french(letters_in: Callable[[str, str], Any]) -> None:
    letter = letters_in("daily", "fr")
    text = " ".join(letter.text_page.split())
    assert letter.text_page.startswith("PAPERLARK\nvendredi 20 novembre 2026\n")
    assert "5 nouveaux articles pour vous." in text
    assert "== Tendances 1 ==" in text
    assert "en semaine à 07:30 (Europe/London)" in text
    assert "★1\u202f212" in letter.html_page


@pytest.mark.parametrize(
    ("language", "wording"),
    [
        ("de", "5 neue Artikel für Sie."),
        ("de-CH", "5 neue Artikel für Sie."),
        ("de_AT", "5 neue Artikel für Sie."),
        ("zh", "有 5 篇与您相关的新论文。"),
        ("zh-CN", "有 5 篇与您相关的新论文。"),
        ("zh-Hans-SG", "有 5 篇与您相关的新论文。"),
        ("zh-TW", "5 new papers for you."),
        ("it", "5 new papers for you."),
        ("xx", "5 new papers for you."),
        ("", "5 new papers for you."),
        ("../../etc/passwd", "5 new papers for you."),
    ],
)
def test_the_closest_catalogue_is_taken(letters_in: Callable[[str, str], Any], language: str, wording: str) -> None:
    assert wording in " ".join(letters_in("daily", language).text_page.split())


@pytest.mark.parametrize(
    ("language", "lang", "direction"),
    [("ar", "ar", "rtl"), ("de-CH", "de-CH", "ltr"), ("xx", "en", "ltr"), ("", "en", "ltr")],
)
def test_language_and_direction(
    letters_in: Callable[[str, str], Any], language: str, lang: str, direction: str
) -> None:
    letter = letters_in("daily", language)
    assert letter.language == lang
    assert letter.html_page.count(f'lang="{lang}" dir="{direction}"') == 2


ITALIAN = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "One new paper for you."
msgid_plural "%(found)s new papers for you."
msgstr[0] "Un articolo nuovo."
msgstr[1] "%(found)s articoli nuovi."
"""


def test_every_word_of_a_letter_is_marked_for_translation() -> None:
    """Text in a template that no catalogue is asked for would stay English in every language."""
    environment = renderer.environment(jinja2.FileSystemLoader(TEMPLATES))
    own = {"Paperlark", "PAPERLARK", "UTC"}  # names are no words
    for file in (*TEMPLATES.glob("*.html"), *TEMPLATES.glob("*.txt"), *TEMPLATES.glob("notices/*.txt")):
        for line, text in unmarked(environment, file.read_text(encoding="utf-8"), html=file.suffix == ".html"):
            words = set(re.findall(r"[^\W\d_]{2,}", text)) - own
            assert not words, f"{file.name} line {line}: {words}"


def unmarked(environment: jinja2.Environment, source: str, *, html: bool) -> Iterator[tuple[int, str]]:
    """What a template shows as it stands: text outside of `trans`, and what a reader sees of tags and expressions."""
    marked, shown = 0, []
    function = ""
    for line, kind, value in environment.lex(source):
        if kind == "name" and value in ("trans", "endtrans"):
            marked += 1 if value == "trans" else -1
        elif kind == "data" and not marked:
            shown.append((line, value))
        elif kind == "string" and " " in value and function not in ("_", "gettext", "ngettext", "part", "say"):
            yield line, value
        if kind in ("name", "string"):
            function = value
    if not html:
        yield from shown
        return
    page = "".join(text for _, text in shown)
    page = re.sub(r"(?s)<style>.*?</style>|<!.*?>|&\w+;", "", page)
    for attribute in re.findall(r"""(?:alt|title|aria-label)="([^"]*)\"""", page):
        yield 0, attribute
    yield 0, re.sub(r"<[^>]*>", " ", page)


def test_unmarked_words_would_be_found() -> None:
    environment = renderer.environment(jinja2.DictLoader({}))

    def found(source: str) -> str:
        return " ".join(text for _, text in unmarked(environment, source, html=True))

    assert "Hello" in found("<p>Hello {% trans %}you{% endtrans %}</p>")
    assert "you" not in found("<p>Hello {% trans %}you{% endtrans %}</p>")
    assert "a picture" in found('<img class="x" alt="a picture">')
    assert "said here" in found("{{ 'said here' if x }}{{ _('not here') }}")
    assert "not here" not in found("{{ _('not here') }}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", notices.EXAMPLES)
def test_short_mails_speak_the_language(name: NoticeName, language: str) -> None:
    """Confirmations, links, farewells and what the operator is told."""
    press = LetterRenderer(renderer.environment(jinja2.FileSystemLoader(TEMPLATES)))
    english, letter = (press.notice(name, one, notices.EXAMPLES[name]) for one in ("en", language))
    assert letter.language == language
    assert letter.html_page.count(f'lang="{language}" dir="ltr"') == 2
    assert letter.subject != english.subject
    assert "\n" not in letter.subject
    said = set(letter.text) & set(english.text)
    assert all("https://" in paragraph for paragraph in said), said
    values = notices.EXAMPLES[name]
    assert str(values.get("link", "")) in letter.text_page
    if "link" in values:
        assert f'href="{values["link"]}"' in letter.html_page
    for line in letter.text_page.splitlines():
        assert width(line) <= 72 or "://" in line, line


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_yes_a_question_asks_for_is_understood(language: str) -> None:
    asked = 'Or answer this mail with the word "yes".'
    text = asked if language == "en" else str(catalogue(language)[asked].string)
    word = re.search('["“„«「](.+?)["”“»」]', text)
    assert word is not None
    answer = EmailMessage()
    answer["Subject"] = "Re: ?"
    answer.set_content(word[1].strip() + "\n")
    assert is_yes(answer)


def test_what_changed_of_a_paper_in_words() -> None:
    catalogue = (TEMPLATES / "locale" / "de.po").read_text(encoding="utf-8")
    german = Words("de", lambda tag: catalogue if tag == "de" else None)
    for text, english, in_german in (
        ("", "", ""),
        ("v2", "v2", "v2"),
        ("v2, title, abstract", "v2, new title, new abstract", "v2, neuer Titel, neue Zusammenfassung"),
        ("no longer withdrawn, v3", "no longer withdrawn, v3", "nicht mehr zurückgezogen, v3"),
        (
            "now published in J. A, B, title",
            "now published in J. A, B, new title",
            "jetzt erschienen in J. A, B, neuer Titel",
        ),
        ("now published as doi:10.1/x", "now published as doi:10.1/x", "jetzt erschienen als doi:10.1/x"),
    ):
        assert (Words().changes(text), german.changes(text)) == (english, in_german)


def test_another_language_is_one_file_away(tmp_path: Path) -> None:
    templates = own_templates(tmp_path, "it", ITALIAN)
    letter = LetterRenderer(templates).letter(spoken(samples.all_editions()["daily"], "it"))
    assert letter.text_page.startswith("PAPERLARK\nvenerdì 20 novembre 2026\n\n5 articoli nuovi.")
    assert "And one" in letter.text_page, "what is not in the catalogue stays English"
    assert renderer.check_templates(templates) == []


@pytest.mark.parametrize(
    "broken",
    [
        "this is no catalogue",
        ITALIAN.replace("%(found)s articoli", "%(trovati)s articoli"),
    ],
)
def test_a_broken_catalogue_is_found(tmp_path: Path, broken: str) -> None:
    found = renderer.check_templates(own_templates(tmp_path, "it", broken))
    assert found
    assert all("\n" not in one for one in found)
    assert any("it" in one for one in found)


def test_schedules_in_words() -> None:
    words = Words()
    for text, wanted in (
        ("daily 07:30", "every day at 07:30 (UTC)"),
        ("weekdays 07:30", "on weekdays at 07:30 (UTC)"),
        ("weekly mon 08:00", "every Monday at 08:00 (UTC)"),
        ("monthly 1 08:00", "on day 1 of every month at 08:00 (UTC)"),
        ("monthly 31 08:00", "on day 31 of every month, or its last, at 08:00 (UTC)"),
        ("off", ""),
        ("now and then", "now and then"),
    ):
        assert words.schedule(text, "UTC") == wanted


def test_english_alone_reads_no_catalogue() -> None:
    """What a language costs is paid by who uses one."""
    code = (
        "import sys, jinja2; from bot.core.letter import renderer, samples;"
        f"press = renderer.LetterRenderer(renderer.environment(jinja2.FileSystemLoader({str(TEMPLATES)!r})));"
        "press.letter(samples.all_editions()['daily']); assert 'babel.messages' not in sys.modules, 'read all the same'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


def test_other_languages_fit_a_phone(letters_in: Callable[[str, str], Any], look: Callable[..., Any]) -> None:
    script = "(document) => ({ width: document.documentElement.scrollWidth, height: document.body.scrollHeight })"
    pages = {language: letters_in("twenty_linked", language).html_page for language in LANGUAGES}
    for language, seen in look(pages, script, width=360).items():
        assert seen["width"] <= 360, language
        assert seen["height"] <= 7 * 800, language


def test_broken_names_the_language(tmp_path: Path) -> None:
    press = LetterRenderer(own_templates(tmp_path, "it", "this is no catalogue"))
    with pytest.raises(BrokenTemplate, match=r"^templates/locale: 'it' cannot be read: "):
        press.letter(spoken(samples.all_editions()["daily"], "it"))
