"""config.toml to Config: what is right is read, what is wrong is said with its line, and no secret is ever said."""

import types
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config import Config, DkimConfig, MailConfig, SummariesConfig, WebConfig, load, source
from bot.config.fields import Surroundings
from bot.core.subscriber.subscriber import Profile, Subscriber
from bot.core.subscriber.validation import Problem, said
from bot.core.subscriber.validation import problems_of as found_by
from bot.errors import UserError

SUBSCRIBER = '[[subscribers]]\nemail = "ada@example.org"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def read(file: Path, text: str, **environ: str) -> Config:
    file.write_text(text, encoding="utf-8")
    return load(file, environ)


def problems_of(file: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        read(file, text, **environ)
    return list(caught.value.problems)


# --- What is right ----------------------------------------------------------------------------------------------------


def test_the_configuration_of_the_contract(file: Path) -> None:
    config = read(
        file,
        """
        database = "sqlite:///paperlark.db"
        public_url = ""

        [mail]
        from = "Paperlark <digest@example.org>"
        url = "outbox:outbox"
        rate = 600

        [[sources]]
        name = "hf"
        type = "huggingface"
        every = "30m"
        url = "http://127.0.0.1:8000/daily"
        private = true

        [[sources]]
        name = "saved"
        type = "page"
        location = "examples/pages/*.txt"

        [[subscribers]]
        email = "ada@example.org"
        timezone = "Europe/London"
        digest = "weekdays 07:30"
        [[subscribers.profiles]]
        name = "Efficient attention"
        keywords = ["sparse attention"]
        alert = true
        [[subscribers.profiles]]
        name = "Hot MoE"
        query = '("mixture of experts" OR =MoE) AND upvotes>=20 NOT title:survey'

        [[subscribers]]
        email = "grace@example.org"
        """,
    )

    assert config.folder == file.parent
    assert config.database == f"sqlite:///{file.parent}/paperlark.db"
    assert (config.mail.sender, config.mail.url) == ("Paperlark <digest@example.org>", f"outbox:{file.parent}/outbox")
    assert (config.mail.rate, config.mail.connections, config.mail.on_crash) == (600, 4, "resend")
    hf, saved = config.sources
    assert (hf.name, hf.type, hf.every, hf.private) == ("hf", "huggingface", timedelta(minutes=30), True)
    assert hf.settings.url == "http://127.0.0.1:8000/daily"
    assert (saved.every, saved.private, saved.settings.location) == (timedelta(hours=1), False, "examples/pages/*.txt")
    ada, grace = config.subscribers
    assert [profile.name for profile in ada.profiles] == ["Efficient attention", "Hot MoE"]
    assert (ada.profiles[0].alert, str(ada.schedule)) == (True, "weekdays 07:30")
    assert grace.profiles == ()


def test_what_the_web_process_offers(file: Path) -> None:
    config = read(file, 'engine = "embedded"\n[web]\nsignup = "invite"\nmetrics_token = "hush-hush"\n')

    assert (config.engine, config.web.signup, config.web.archive, config.web.proxies) == (
        "embedded",
        "invite",
        True,
        0,
    )
    assert "hush" not in repr(config)
    assert (read(file, "").engine, read(file, "").web.signup) == ("embedded", "open")


def test_a_byte_order_mark_and_line_ends_of_windows_are_fine(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + SUBSCRIBER.replace("\n", "\r\n").encode())

    assert load(file, {}).subscribers[0].email == "ada@example.org"


@pytest.mark.parametrize(
    ("url", "known_as"),
    [
        ("sqlite:///a.db", "sqlite:///{folder}/a.db"),
        ("sqlite:///data/a.db?timeout=5", "sqlite:///{folder}/data/a.db?timeout=5"),
        ("sqlite:////data/a.db", "sqlite:////data/a.db"),
        ("postgres://u:p@h:5432/x?sslmode=require", "postgresql+psycopg://u:p@h:5432/x?sslmode=require"),
        ("postgresql://h/x", "postgresql+psycopg://h/x"),
        ("postgresql+psycopg:///x?host=/run/pg", "postgresql+psycopg:///x?host=/run/pg"),
    ],
)
def test_databases(file: Path, url: str, known_as: str) -> None:
    expected = known_as.format(folder=file.parent)

    assert read(file, f'database = "{url}"').database == expected
    assert read(file, "", DATABASE_URL=url).database == expected
    assert read(file, 'database = "nonsense"', DATABASE_URL=f" {url}\n").database == expected


def test_folders_begin_at_the_configuration_wherever_one_stands(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (file.parent / "my-templates").mkdir()
    elsewhere.mkdir()
    text = 'templates_dir = "my-templates"\n[mail]\nurl = "maildir:mail"\ninbox = "maildir:back"'
    read(file, text)
    monkeypatch.chdir(elsewhere)

    config = load(Path("../config.toml"), {})

    assert Path(config.templates_dir).samefile(file.parent / "my-templates")
    assert Path(config.mail.url.removeprefix("maildir:")).parent.samefile(file.parent)
    assert Path(config.mail.inbox.removeprefix("maildir:")).parent.samefile(file.parent)
    assert Path(config.database.removeprefix("sqlite:///")).parent.samefile(file.parent)


def test_the_environment_fills_in_and_overrides(file: Path) -> None:
    text = """
    secret = "${A_SECRET}"
    contact = "${WHO}, or $${WHO} as it stands"
    [mail]
    from = "${WHO} <digest@example.org>"
    url = "smtp://${USER}:${PASS}@relay.example.org"
    """
    environ = {"A_SECRET": "from a variable, long", "WHO": "Ada", "USER": "u", "PASS": "p"}

    config = read(file, text, **environ)
    assert (config.secret, config.contact) == ("from a variable, long", "Ada, or ${WHO} as it stands")
    assert (config.mail.sender, config.mail.url) == ("Ada <digest@example.org>", "smtp://u:p@relay.example.org")

    config = read(file, text, WHO="Ada", MAIL_URL="outbox:/x", PAPERLARK_SECRET="quite another secret", DATABASE_URL="")
    assert (config.secret, config.mail.url) == ("quite another secret", "outbox:/x")
    assert config.database.startswith("sqlite:///")


def test_the_environment_alone_is_enough(file: Path) -> None:
    assert read(file, "", MAIL_URL="outbox:/x").mail.url == "outbox:/x"


def test_a_key_for_signing(file: Path) -> None:
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as form

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    (file.parent / "dkim.pem").write_bytes(pem)
    text = '[mail]\nfrom = "x@papers.example.org"\n[mail.dkim]\nselector = "s"\nkey = "dkim.pem"\n'

    expected = DkimConfig(selector="s", key=str(file.parent / "dkim.pem"), domain="papers.example.org")
    assert read(file, text).mail.dkim == expected
    assert read(file, f'{text}domain = "example.org"').mail.dkim == DkimConfig(
        selector="s", key=expected.key, domain="example.org"
    )
    (file.parent / "dkim.pem").write_text("no key")
    (problem,) = problems_of(file, text)
    assert problem.startswith("line 3: mail.dkim: DKIM: the private key")


# --- What is wrong ----------------------------------------------------------------------------------------------------


def test_five_mistakes_are_five_lines(file: Path) -> None:
    text = """\
databse = "sqlite:///x.db"
[mail]
url = "smpt://relay.example.org"
[[sources]]
name = "hf"
type = "hugingface"
[[subscribers]]
email = "ada@example.org"
timezone = "London"
[[subscribers.profiles]]
name = "A"
query = "rag and llm"
"""
    assert [problem.splitlines()[0] for problem in problems_of(file, text)] == [
        'line 1: databse: unknown key; did you mean "database"?',
        "line 3: mail.url: 'smpt' is no way to send mail; "
        "use outbox:DIR, maildir:DIR, smtp://USER:PASS@HOST:587 or smtps://USER:PASS@HOST:465",
        'line 6: sources[hf].type: unknown source "hugingface"; did you mean "huggingface"?',
        'line 9: subscribers[ada@example.org].timezone: "London" is no time zone; did you mean "Europe/London"?',
        "line 12: subscribers[ada@example.org].profiles[A].query: column 5: did you mean AND? "
        'Operators are in capitals; the word itself is "and"',
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('database = "mysql://h/x"', 1, "neither sqlite:///FILE nor postgresql://"),
        ('database = "sqlite://"', 1, "neither sqlite:///FILE nor postgresql://"),
        ('database = "sqlite:///:memory:"', 1, "forgets everything"),
        ('database = "postgresql+psycopg2://h/x"', 1, "leave the driver out"),
        ('public_url = "papers.example.org"', 1, "no address such as https://"),
        ('public_url = "javascript:alert(1)"', 1, "no address such as https://"),
        ("public_url = 'https://x.example/<b>'", 1, "no address such as https://"),
        ('operator = "nobody"', 1, "not a mail address"),
        ('log = "xml"', 1, "is none of text, json"),
        ('templates_dir = "nowhere"', 1, "there is no folder"),
        ('contact = "a\\u0007b"', 1, "control characters"),
        ("mail = 5", 1, "a table headed [mail]"),
        ("sources = {}", 1, "each headed [[sources]]"),
        ("subscribers = [5]", 1, "expected a table of keys, got 5"),
        ('[email]\nx = "y"', 1, "write [mail]"),
        ("[[source]]", 1, "write [[sources]]"),
        ("[[subscriber]]", 1, "write [[subscribers]]"),
        ('from = "x@example.org"', 1, "belongs into [mail]"),
        ('[mail]\nfrom = "x"', 2, "not a mail address"),
        ('[mail]\nfrom = "a@example.org\\r\\nBcc: b@example.org"', 2, "control character"),
        ('[mail]\nurl = "smtp://127.0.0.1"', 1, "from is missing"),
        ('[mail]\nurl = "outbox:"', 2, "outbox: wants a folder"),
        ("[mail]\nrate = -1", 2, "out of range"),
        ('[mail]\nrate = "600"', 2, 'expected messages a minute, got "600"'),
        ("[mail]\nrate = nan", 2, "out of range"),
        ("[mail]\nconnections = 0", 2, "give 1 to 100"),
        ('[mail]\non_crash = "ignore"', 2, "is none of resend, skip"),
        ('[mail]\nreply_to = "me"', 2, "not a mail address"),
        ('[mail]\nbounces = "b@example.org"', 2, "{token} before the @"),
        ('[mail]\nbounces = "b@{token}.example.org"', 2, "{token} before the @"),
        ('[mail]\nunsubscribe = "much-too-long-in-front-{token}@example.org"', 2, "64 is the limit"),
        ('[mail]\ninbox = "pop3://u:p@h/"', 2, "neither imaps://"),
        ('[mail]\ninbox = "imaps://h:99999999"', 2, "neither imaps://"),
        ("[mail]\ndkim = true", 2, "a table headed [mail.dkim]"),
        ('[mail.dkim]\nkey = "x.pem"\nselector="s"', 2, "there is no file"),
        ("[[sources]]", 1, "type is missing: one of page, huggingface"),
        ('[[sources]]\nname = "hf"\ntpye = "huggingface"', 3, 'sources[hf].tpye: unknown key; did you mean "type"?'),
        ('[[sources]]\ntype = "page"', 1, "location is missing: a file, a glob"),
        ('[[sources]]\ntype = "page"\nlocation = ""', 3, "is empty: give a file"),
        ('[[sources]]\ntype = "feed"\nurl = "file:///etc/passwd"', 3, "no http(s) address"),
        ('[[sources]]\ntype = "huggingface"\nurl = "example.org/x"', 3, "no http(s) address"),
        ('[[sources]]\ntype = "huggingface"\ncatch_up = "smtp"', 3, 'expected a whole number, got "smtp"'),
        ('[[sources]]\ntype = "huggingface"\ncatch_up = 1000', 3, "give 0 to 60"),
        ('[[sources]]\ntype = "huggingface"\nevery = 60', 3, 'a length of time such as "1h"'),
        ('[[sources]]\ntype = "huggingface"\nevery = "0s"', 3, "out of range"),
        ('[[sources]]\ntype = "huggingface"\ncategories = ["cs.CL"]', 3, "unknown key; known are"),
        ('[[sources]]\ntype = "huggingface"\nprivate = "yes"', 3, "true or false"),
        ('[[sources]]\ntype = "arxiv"\ncategories = "cs.CL"', 3, 'categories = ["…"]'),
        ('[[sources]]\ntype = "arxiv"\ncategories = ["cs.CL",\n "x.y.z"]', 4, "no category of arXiv"),
        ('[[sources]]\ntype = "huggingface"\n[[sources]]\ntype = "huggingface"', 3, "is there already"),
        (f"{SUBSCRIBER}{SUBSCRIBER.replace('ada', ' ADA')}", 4, "is there already"),
        (
            f"{SUBSCRIBER.replace('example', 'bücher')}{SUBSCRIBER.replace('example', 'xn--bcher-kva')}",
            4,
            "there already",
        ),
        ('[[sources]]\ntype = "rss"', 2, 'did you mean "feed"?'),
        ('[[sources]]\ntype = "Atom"', 2, 'did you mean "feed"?'),
        ('[[sources]]\ntype = "arXiv"', 2, 'did you mean "arxiv"?'),
        ('[[sources]]\ntype = "hf"', 2, 'did you mean "huggingface"?'),
        ("[[sources]]\ntype = 5", 2, "expected text in quotes, got 5"),
        ('engine = "embed"', 1, 'did you mean "embedded"?'),
        (
            'engine = "procrastinate"',
            1,
            "the database is a SQLite file: set `database` (or DATABASE_URL) to postgresql",
        ),
        ("summaries = true", 1, "a table headed [summaries]"),
        ('[summaries]\nurl = "ftp://me:secret@h"\nmodel = "m"', 2, "is no address such as http://127.0.0.1"),
        ('[summaries]\nurl = "http://h"\nmodel = "m"\napi_key = "k"', 4, 'the key is called "key"'),
        ('[summaries]\nurl = "http://h"\nmodel = "m"\ntimeout = "2h"', 4, "give 1s to 1h"),
        ("web = true", 1, "a table headed [web]"),
        ('[web]\nsignup = "opne"', 2, 'did you mean "open"?'),
        ("[web]\nproxies = 11", 2, "give 0 to 10"),
        ("archive = true", 1, "belongs into [web]"),
        ('operator = "${NOBODY}"', 1, "no variable NOBODY"),
        ('contact = "${NOBODY}"', 1, "no variable NOBODY"),
        ('contact = "${}"', 1, "names no variable"),
    ],
)
def test_each_mistake_is_said_with_its_line(file: Path, text: str, line: int, said: str) -> None:
    problems = problems_of(file, text)

    assert len(problems) == 1, problems
    assert problems[0].startswith(f"line {line}: ")
    assert said in problems[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = 1\nb = True\n", "line 2, column 5: Invalid value: texts stand in quotes"),
        (b"a = 1\n[x\n", "line 2, column 3: "),
        (
            b'a = "b\nc = 1\n',
            "column 7: Illegal character '\\n': a text begins here and has no quote at its end",
        ),
        (b'a = ["b" "c"]\n', "a comma is missing in it"),
        ("a = “b”\n".encode(), "line 1, column 5: Invalid value: a word processor's quotes; write straight ones"),
        (b"a = 5 remark\n", "is a quote missing, or a # before a remark?"),
        (b"a = 1\na = 2\n", "it is there already"),
        (b'a = """\n', "line 2: "),
        (b'a = 1\nb = "\xff"\n', "line 2: save the file as UTF-8"),
        (b"a = " + b"[" * 20_000, "nested too deeply"),
        (b"\x00", "line 1, column 1: "),
        (b"b = 1\na = " + b"9" * 5_000, "line 2: a number with thousands of digits"),
    ],
)
def test_what_is_no_toml(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)

    with pytest.raises(UserError) as caught:
        load(file, {})
    assert said in str(caught.value)


def test_no_file_at_all(file: Path) -> None:
    with pytest.raises(UserError, match="paperlark init"):
        load(file, {})
    with pytest.raises(UserError, match="cannot be read"):
        load(file.parent, {})


@given(st.binary(max_size=60) | st.text(alphabet="[]{}=\"'.#\n a1,$", max_size=60).map(str.encode))
def test_any_file_is_a_configuration_or_a_clear_refusal(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(content)
    with suppress(UserError):
        load(file, {})


KEYS = sorted(
    {
        field.alias or name
        for model in (Config, MailConfig, DkimConfig, WebConfig, SummariesConfig, Subscriber, Profile)
        for name, field in model.model_fields.items()
    }
    | {"shared", "type", "every", "private", "url", "location", "categories", "catch_up", "year", "term", "nonsense"}
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.dates()
    | st.datetimes()
    | st.sampled_from(["feed", "page", "arxiv", "1h", "rag", "a@example.org", "smtp://h", "outbox:x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
def test_any_table_is_a_configuration_or_is_refused_with_places(table: dict[str, Any]) -> None:
    try:
        Config.model_validate(table, context=Surroundings(Path("/srv"), {}))
    except ValidationError as error:
        for problem in found_by(error, Config):
            assert problem.message.strip()
            assert "Input should" not in problem.message, "pydantic's own words"
            assert said(problem, table)


# --- Secrets ----------------------------------------------------------------------------------------------------------


def test_no_repr_shows_a_secret(file: Path) -> None:
    text = """
    secret = "hush-hush-hush-hush"
    database = "postgres://u:hush@h/x"
    [mail]
    from = "x@example.org"
    url = "smtp://u:hush@h"
    inbox = "imaps://u:hush@h/INBOX"
    """
    assert "hush" not in repr(read(file, text))


def test_no_message_shows_what_came_from_the_environment(file: Path) -> None:
    text = """
    database = "${URL}"
    public_url = "${URL}"
    operator = "${URL}"
    log = "${URL}"
    [mail]
    from = "${URL}"
    url = "${URL}"
    inbox = "${URL}"
    [[sources]]
    type = "${URL}"
    [[subscribers]]
    email = "${URL}"
    digest = "${URL}"
    """
    problems = problems_of(file, text, URL="ftp://u:hush@hush")

    assert len(problems) == 10
    assert "hush" not in "".join(problems)
    assert problems_of(file, "", MAIL_URL="ftp://u:hush@h", DATABASE_URL="ftp://u:hush@h")[0].startswith(
        "DATABASE_URL in the environment: database: "
    )
    assert "hush" not in "".join(problems_of(file, "", MAIL_URL="smtp://u:hush@h:x", DATABASE_URL="ftp://u:hush@h"))


def test_no_message_shows_a_password_of_the_file(file: Path) -> None:
    text = """
    database = "mysql://u:hush@h/x"
    [mail]
    from = "x@example.org"
    url = "smtp://u:hush@h:99999999"
    inbox = "imap2://u:hush@h/INBOX"
    """
    assert "hush" not in "".join(problems_of(file, text))


# --- Places that forget -----------------------------------------------------------------------------------------------


def test_a_dyno_has_no_disk(file: Path) -> None:
    (problem,) = problems_of(file, "", DYNO="worker.1")
    assert "heroku addons:create heroku-postgresql" in problem
    (problem,) = problems_of(file, "", DYNO="worker.1", DATABASE_URL="sqlite:////data/x.db")
    assert problem.startswith("DATABASE_URL in the environment: database: Heroku wipes")

    config = read(file, "", DYNO="worker.1", DATABASE_URL="postgres://u:p@h/x")
    assert config.database == "postgresql+psycopg://u:p@h/x"
    assert any("MAIL_URL" in warning for warning in config.warnings)


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ('database = "sqlite:////var/tmp/x.db"', {}, "may be swept away"),
        ("", {"GITHUB_ACTIONS": "true"}, "throws the disk away"),
        ('database = "sqlite:////srv/nowhere/x.db"', {"FLY_MACHINE_ID": "1"}, "on no volume"),
        ('public_url = "http://papers.example.org/"', {}, "not https"),
        ('secret = "short"', {}, "secret is short"),
        ('[summaries]\nurl = "https://api.example.org/v1"', {}, "no model is named"),
        ("", {}, "no [[sources]]"),
        ('[[sources]]\ntype = "arxiv"\ncategories = ["cs.XX"]', {}, 'no category "cs.XX" that we know; cs has AI, AR'),
        ('[[sources]]\ntype = "arxiv"\ncategories = ["astro-ph.CoO"]', {}, 'did you mean "astro-ph.CO"?'),
        (f'{SUBSCRIBER}timezone = "EST"', {}, 'write "America/New_York"'),
        (f"{SUBSCRIBER}trending = 0", {}, "will never get a letter: trending = 0"),
        (f'{SUBSCRIBER}digest = "off"', {}, 'will never get a letter: digest = "off"'),
        (f'{SUBSCRIBER}[[subscribers.profiles]]\nname = "A"\nquery = "rag source:hgg"', {}, "asks for source:hgg"),
    ],
)
def test_what_works_but_hardly_as_meant_is_a_warning(file: Path, text: str, environ: dict[str, str], said: str) -> None:
    assert any(said in warning for warning in read(file, text, **environ).warnings)


def test_what_is_as_it_should_be_is_no_warning(file: Path) -> None:
    text = f"""
    database = "sqlite:////srv/paperlark/x.db"
    [[sources]]
    name = "HF-daily"
    type = "huggingface"
    {SUBSCRIBER}
    trending = 0
    [[subscribers.profiles]]
    query = "rag source:hf-daily"
    [[subscribers]]
    email = "alerts@example.org"
    digest = "off"
    [[subscribers.profiles]]
    keywords = ["rag"]
    alert = true
    """
    assert read(file, text).warnings == ()


# --- Settings of sources that are not written yet ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Everything:
    text: str = "t"
    number: int = 1
    ratio: float = 0.5
    flag: bool = False
    day: date = date(2026, 1, 1)
    day_or_none: date | None = None
    wait: timedelta = timedelta(hours=1)
    words: tuple[str, ...] = ()
    side: Literal["left", "right"] = "left"

    def __post_init__(self) -> None:
        if self.number == 13:
            raise ValueError("number is 13: give another")
        if self.ratio > 1:
            raise ValueError("more than all")


def settings(monkeypatch: pytest.MonkeyPatch, **values: Any) -> tuple[Any, list[Problem]]:
    monkeypatch.setattr("bot.sources.every", lambda: {"everything": types.SimpleNamespace(Settings=Everything)})
    try:
        return source.source_from({"type": "everything", **values}).settings, []
    except ValidationError as error:
        return None, found_by(error, source.SourceTable)


def test_settings_of_every_type(monkeypatch: pytest.MonkeyPatch) -> None:
    given_values = {
        "text": "x",
        "number": 2,
        "ratio": 1,
        "flag": True,
        "day": "2026-02-28",
        "day_or_none": date(2026, 3, 1),
        "wait": "30m",
        "words": ["a", "b"],
        "side": "right",
    }
    found, problems = settings(monkeypatch, **given_values)

    assert problems == []
    assert found == Everything(
        text="x",
        number=2,
        ratio=1.0,
        flag=True,
        day=date(2026, 2, 28),
        day_or_none=date(2026, 3, 1),
        wait=timedelta(minutes=30),
        words=("a", "b"),
        side="right",
    )
    assert settings(monkeypatch) == (Everything(), [])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("text", 1, "text in quotes"),
        ("number", 1.5, "whole number"),
        ("number", True, "whole number"),
        ("ratio", "1", "a number"),
        ("flag", 1, "true or false"),
        ("day", "2026-02-30", "write it like 2026-11-21"),
        ("day", 5, "a day such as"),
        ("wait", "soon", "length of time"),
        ("words", "a", "a list"),
        ("words", [1], "text in quotes"),
        ("side", "up", "none of left, right"),
        ("number", 13, "is 13: give another"),
        ("nmber", 13, 'did you mean "number"'),
    ],
)
def test_settings_that_are_wrong(monkeypatch: pytest.MonkeyPatch, key: str, value: Any, said: str) -> None:
    found, (problem,) = settings(monkeypatch, **{key: value})

    assert found is None
    assert problem.path[:1] == (key,)
    assert said in problem.message


def test_a_complaint_about_no_key_in_particular(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, ratio=1.5) == (None, [Problem((), "more than all")])
