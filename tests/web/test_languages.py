"""Pages in the visitor's language, and behind a signed link in the subscriber's: complete catalogues, the closest
taken, and no language that tells a stranger whose link it was."""

import ast
import json
import re
from io import BytesIO
from pathlib import Path
from typing import get_args

import jinja2
import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from bot.core.edition.edition import SectionKind
from bot.core.letter.localize import translations
from bot.core.text.translatable import Translatable
from bot.mail import tokens
from bot.pipeline.compose.compose import compose
from bot.web.editions import heading
from bot.web.page_language import PageLanguage
from tests.letters.test_languages import LANGUAGES, Message, fields
from tests.web.conftest import CONFIG, NOW, SECRET, Start, Web
from tests.web.test_reading import PROFILE, edition_id, link
from tests.web.test_signup import collect_papers, filled, link_in, mails

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates" / "web"
ENGLISH_ONLY = "admin.html"  # the operator's, in the language of the command line
ROOMS = ("query", "subscriber", "taste")  # of the core that refuse what a visitor typed
MARKERS = {"Translatable": None, "fail": None, "boundary": (2,)}  # what is given the template of such a refusal


def messages() -> set[Message]:
    """Every sentence of the pages, as gettext is asked for it."""
    found: set[Message] = set()
    options = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    for file in TEMPLATES.glob("*.html"):
        if file.name == ENGLISH_ONLY:
            continue
        for _line, _function, message, _comments in babel_extract(
            BytesIO(file.read_bytes()), ("_", "gettext", "ngettext"), [], options
        ):
            parts = (message,) if isinstance(message, str) else tuple(part for part in message if part is not None)
            found.add(parts[0] if len(parts) == 1 else (parts[0], parts[1]))
    for code in (ROOT / "bot" / "web").glob("*.py"):
        for _line, message, _comments, _context in extract("python", BytesIO(code.read_bytes())):
            found.add(message if isinstance(message, str) else (message[0], message[1]))
    return found | refusals()


def refusals() -> set[str]:
    """What the lower floors say of a query, a taste or settings that cannot be."""
    return {
        str(message)
        for code in lower_floors()
        for _line, message, _comments, _context in extract("python", BytesIO(code.read_bytes()), keywords=MARKERS)
    }


def lower_floors() -> list[Path]:
    return [code for room in ROOMS for code in (ROOT / "bot" / "core" / room).glob("*.py")]


def test_these_languages_ship() -> None:
    assert {file.stem for file in (TEMPLATES / "locale").iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_section_is_called_what_it_is_called_in_the_letter(language: str) -> None:
    letters = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    catalogue = translations((ROOT / "templates" / "locale" / f"{language}.po").read_text())
    letters.install_gettext_translations(catalogue)  # type: ignore[attr-defined]
    name = letters.from_string((ROOT / "templates" / "_section_name.txt").read_text())
    page = PageLanguage(language, (TEMPLATES / "locale" / f"{language}.po").read_text())
    kinds = set(get_args(SectionKind)) - {"profile"}  # which bears its profile's own name
    assert {kind: heading(kind, "", page) for kind in kinds} == {kind: name.render(kind=kind) for kind in kinds}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_complete_and_says_nothing_more(language: str) -> None:
    with (TEMPLATES / "locale" / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    known = {(tuple(m.id) if isinstance(m.id, tuple) else m.id): m for m in catalogue if m.id}
    assert set(known) == messages(), "add or remove these in templates/web/locale"
    for key, message in known.items():
        plural = isinstance(key, tuple)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        assert len(said) == (catalogue.num_plurals if plural else 1), key
        assert all(one.strip() for one in said), key
        assert "fuzzy" not in message.flags, key
        wanted = fields(key[1] if plural else key)
        for one in said:
            assert fields(one) <= wanted, (key, one)
            assert "<" not in one, key
        assert fields(said[-1]) == wanted, (key, said[-1])


def test_no_refusal_is_put_together_before_it_can_be_translated() -> None:
    nodes = [node for code in lower_floors() for node in ast.walk(ast.parse(code.read_text()))]
    said = []
    for call in nodes:
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in MARKERS:
            said.append(call.args[1 if name == "boundary" else 0])
        elif name in ("QueryError", "CorrectionError"):
            assert not isinstance(call.args[0], ast.Constant | ast.JoinedStr), ast.unparse(call)
    literal = [one for one in said if isinstance(one, ast.Constant)]
    # `fail` hands on what `boundary` and itself were given, and a hint that is marked where it is written.
    assert {ast.unparse(one) for one in said if one not in literal} == {"template", "_HINTS[kind]"}
    assert {one.value for one in literal} == refusals()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_is_said_in_every_language_with_its_values(language: str) -> None:
    page = PageLanguage(language, (TEMPLATES / "locale" / f"{language}.po").read_text())
    for template in refusals():
        values = dict.fromkeys(fields(template), 1.5 if ":g}" in template else 7 if ":," in template else "§")
        english = Translatable(template, **values)
        assert page.say(english) != english, template
        assert page.say(english).count("§") >= min(english.count("§"), len(values)), template


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "diese Klammer wird nie geschlossen; ergänzen Sie „)“"),
        ("ja", "このかっこが閉じられていません。「)」を補ってください"),
    ],
)
def test_a_broken_query_is_told_in_the_language_of_the_page(web: Web, language: str, said: str) -> None:
    for address in ("/preview?query=a+AND+(b", "/?query=a+AND+(b"):
        piece = web.get(address, Accept_Language=language)
        assert said in piece.words
        assert "never closed" not in piece.text
        assert 'lang="en"' not in piece.text.replace('lang="en" hreflang', "")
    told = web.get("/preview?query=a+AND+(b", Accept_Language=language, Accept="application/json")
    assert json.loads(told.text)["error"] == {"column": 7, "message": "this parenthesis is never closed; add “)”"}


def test_no_refusal_of_a_form_is_english(web: Web) -> None:
    wrong = {
        "query": "2 of (a, b) AND {",
        "timezone": "CEST",
        "digest": "weekly moonday 08:00",
        "email": "ada＠example",
    }
    page = web.post("/subscribe", filled(web, language="de", **wrong))
    assert page.status == 422
    for said in (
        "Spalte 17: „{“ kann keinen Begriff beginnen; lassen Sie es weg",
        '"CEST" ist keine Zeitzone; meinten Sie "Europe/Berlin"? Sonst schreiben Sie die Stadt',
        "'moonday' ist kein Wochentag: Verwenden Sie mon, tue",
        "'ada＠example' ist keine E-Mail-Adresse: In der E-Mail-Adresse steht ein vollbreites @",
    ):
        assert said in page.words


def test_a_refusal_outlives_a_broken_translation_of_it() -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    page = PageLanguage("it", head + 'msgid "at most {most}"\nmsgstr "al massimo {tanti}"\n')
    assert page.say(Translatable("at most {most}", most=3)) == "at most 3"
    assert page.say(Translatable("a {brace")) == "a {brace"
    assert page.say("at most {most}") == "at most {most}", "only what was marked"


@pytest.mark.parametrize("page", sorted(file.name for file in TEMPLATES.glob("*.html") if file.name != ENGLISH_ONLY))
def test_no_sentence_is_left_outside_the_catalogues(page: str) -> None:
    text = (TEMPLATES / page).read_text()
    text = re.sub(r"{% trans.*?{% endtrans %}|{%.*?%}|{{.*?}}|{#.*?#}", " ", text, flags=re.DOTALL)
    text = re.sub(r'placeholder="[^"]*"|<!doctype html>|<code>.*?</code>', " ", text)
    text = re.sub(r"""("mixture of experts" OR =MoE) AND upvotes&gt;=20 NOT title:survey""", " ", text)
    for kind in ("title", "aria-label", "content"):
        attributes = re.findall(rf'\s{kind}="([^"]*)"', text)
        assert all(
            re.fullmatch(r"[\s·:]*|width=.*|light dark|noindex, nofollow|no-referrer", one) for one in attributes
        )
    said = re.sub(r"<[^>]*>", " ", text)
    known = {"Paperlark", "BibTeX", "RIS", "Markdown", "OR", "AND", "NOT"}
    words = set(re.findall(r"[A-Za-z]{2,}", re.sub(r"&\w+;|\(\"mixture.*", " ", said))) - known
    assert words == set()


@pytest.mark.parametrize(
    ("accepted", "lang", "said"),
    [
        ("", "en", "The papers you care about"),
        ("de", "de", "Die Artikel, die Sie angehen"),
        ("de-AT,en;q=0.5", "de", "Die Artikel, die Sie angehen"),
        ("en-US,en;q=0.9,de;q=0.8", "en", "The papers you care about"),
        ("it,fr;q=0.8,en;q=0.7", "fr", "Les articles qui vous intéressent"),
        ("zh-CN", "zh-Hans", "您关心的论文"),
        ("zh", "zh-Hans", "您关心的论文"),
        ("zh-TW,ja;q=0.5", "ja", "関心のある論文"),
        ("xx,de;q=0", "en", "The papers you care about"),
        ("*", "en", "The papers you care about"),
        ("../../etc/passwd;q=1,\\x00,xx-" + "x" * 500, "en", "The papers you care about"),
    ],
)
def test_the_visitors_language(web: Web, accepted: str, lang: str, said: str) -> None:
    page = web.get("/", Accept_Language=accepted)
    assert f'<html lang="{lang}" dir="ltr">' in page.text
    assert said in page.words
    assert page.headers["vary"] == "Accept-Language"
    assert f'name="language" value="{lang}"' in page.text


def test_a_visitor_may_choose(web: Web) -> None:
    page = web.get("/?language=ja", Accept_Language="de")
    assert '<html lang="ja"' in page.text
    assert '<a href="/?language=de" lang="de" hreflang="de">Deutsch</a>' in page.text
    assert '<html lang="en"' in web.get("/?language=klingon").text


def test_the_preview_and_a_mistake_on_the_same_page_speak_it(start: Start) -> None:
    web = start(CONFIG)
    collect_papers(web, 12)
    piece = web.get("/preview?keywords=sparse+attention&language=de", Accept_Language="fr")
    assert "12 von 12 Artikeln" in piece.words
    assert piece.headers["vary"] == "Accept, Accept-Language"
    wrong = web.post("/subscribe", filled(web, language="de", query="a AND (b"), Accept_Language="fr")
    assert '<html lang="de"' in wrong.text
    assert "diese Klammer wird nie geschlossen; ergänzen Sie „)“" in wrong.words


def test_from_the_form_on_everything_is_in_the_language_chosen(start: Start) -> None:
    web = start(CONFIG)
    collect_papers(web, 3)
    asked = web.post("/subscribe", filled(web, language="de", digest="weekly mon 08:00", keywords="sparse attention"))
    assert "Sehen Sie in Ihr Postfach" in asked.words
    path = link_in(next(iter(mails(web))), "confirm")
    page = web.get(path, Accept_Language="fr")
    assert "Jeden Montag um 08:00 (Europe/Paris)" in page.words
    assert "vary" not in page.headers
    assert "Sie sind angemeldet" in web.post(path, Accept_Language="fr").words
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    assert json.loads(eve.data)["language"] == "de"
    web.clock.move(seconds=1)
    compose(web.database, web.clock(), web.app.identity.message_id)
    (letter,) = mails(web)
    assert letter["Content-Language"] == "de"
    assert "Lieber weniger E-Mails" in web.get("/u/" + tokens.seal(SECRET, "unsubscribe digest", eve.id)).words
    manage = "/manage/" + tokens.seal_renewable(SECRET, "manage", eve.id, epoch=0, now=web.clock())
    assert "Ihre Einstellungen" in web.get(manage).words
    form = {"do": "save", "language": "es", "digest": "daily 07:30", "timezone": "UTC", "max_papers": "20"}
    assert "Sus preferencias" in web.post(manage, form).words


def test_every_page_of_every_language_is_made(start: Start) -> None:
    web = start(CONFIG + PROFILE)
    collect_papers(web, 12)
    compose(web.database, web.clock(), web.app.identity.message_id, force=True)
    from bot.pipeline import preferences

    for language in ("en", *LANGUAGES):
        preferences.change(web.database, 1, {"language": language}, NOW)
        for path in (
            "/manage/" + link(web, "manage"),
            "/manage/" + link(web, "letter"),
            "/manage/" + link(web, "delete"),
            "/e/" + link(web, "edition", edition_id(web)),
            "/e/" + link(web, "edition", edition_id(web)) + ".md",
            "/u/" + tokens.seal(SECRET, "unsubscribe digest", 1),
            "/u/" + tokens.seal(SECRET, "unsubscribe alert", 1),
            "/t/" + tokens.seal(SECRET, "more", 1, 1),
        ):
            page = web.get(path, Accept_Language="pt")
            assert page.status == 200, (language, path)
            assert "%(" not in page.text
            if not path.endswith(".md"):
                assert f'<html lang="{language}"' in page.text, path
        for path in ("/archive", "/archive/2026-11-20", "/nowhere", "/subscribe", "/confirm/x"):
            page = web.get(path, Accept_Language=language)
            assert f'<html lang="{language}"' in page.text
            assert page.headers["vary"] == "Accept-Language"


def test_a_dead_link_does_not_tell_the_language_of_its_owner(start: Start) -> None:
    web = start(CONFIG.replace('email = "ada@example.org"', 'email = "ada@example.org"\nlanguage = "de"'))
    missing = web.get("/nowhere").text
    assert '<html lang="en"' in missing
    for path in ("/e/" + link(web, "edition", 99), "/t/" + tokens.seal(SECRET, "more", 1, 99)):
        assert web.get(path).text == missing  # good tokens of nothing


def test_another_language_is_one_file_away_and_a_broken_one_is_english(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine" / "web" / "locale"
    folder.mkdir(parents=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (folder / "it.po").write_text(head + 'msgid "Keywords"\nmsgstr "Parole chiave"\n', encoding="utf-8")
    (folder / "pl.po").write_text("this is no catalogue")
    web = start(f'templates_dir = "{tmp_path / "mine"}"\n' + CONFIG)
    page = web.get("/", Accept_Language="it")
    assert '<html lang="it"' in page.text
    assert "Parole chiave" in page.words
    assert "Subscribe" in page.words
    assert ">Italiano<" in page.text
    broken = web.get("/", Accept_Language="pl")
    assert broken.status == 200
    assert '<html lang="en"' in broken.text
    assert "web/locale/pl.po cannot be read" in capsys.readouterr().err
