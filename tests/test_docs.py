"""What the documents say is what the program does: every key, every default, every verb and option, every link."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.config import Config, load
from bot.errors import UserError
from bot.sources import SOURCES
from bot.store.schema import METADATA

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "config.example.toml"
GUIDE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
OPTION = re.compile(r"^#(?=[a-z_]+ = |\[)", re.MULTILINE)  # an option that is switched off

# The least text in which a section is read, so that a key can be put under it.
SUBSCRIBER = '[[subscribers]]\nemail = "ada@example.org"\n'
NEEDED = {
    "page": 'location = "x.txt"\n',
    "arxiv": 'categories = ["cs.CL"]\n',
    "feed": 'url = "https://example.org/feed"\n',
    "pubmed": 'term = "x"\n',
}
SECTIONS = {
    "": "",
    "[mail]": "[mail]\n",
    "[mail.dkim]": "[mail.dkim]\n",
    "[web]": "[web]\n",
    "[channels]": "[channels]\n",
    "[summaries]": '[summaries]\nurl = "http://127.0.0.1:1/v1"\n',
    "[[sources]]": '[[sources]]\ntype = "huggingface"\n',
    "[[subscribers]]": SUBSCRIBER,
    "[[profiles]]": '[[profiles]]\nname = "Lab"\nquery = "rag"\n',
    "[[subscribers.profiles]]": f'{SUBSCRIBER}[[subscribers.profiles]]\nquery = "rag"\n',
    **{f'type = "{kind}"': f'[[sources]]\ntype = "{kind}"\n{NEEDED.get(kind, "")}' for kind in SOURCES},
}
COMMON = {"type", "name", "every", "private"}
TABLES = {
    "mail",
    "web",
    "channels",
    "summaries",
    "sources",
    "profiles",
    "subscribers",
}  # keys at the top that are sections of their own


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for configurations, with what the example refers to."""
    folder = tmp_path_factory.mktemp("configurations")
    (folder / "my-templates").mkdir()
    return folder


def read(folder: Path, text: str, **environ: str) -> Config:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ)


def keys_of(folder: Path, section: str) -> set[str]:
    """The keys a section knows, as the program itself lists them when it meets another."""
    with pytest.raises(UserError) as caught:
        read(folder, f"{SECTIONS[section]}qqqqqqqqqqqqqqqq = 1\n")
    (known,) = [problem.partition("known are ")[2] for problem in caught.value.problems if "known are " in problem]
    keys = set(known.split(", "))
    if section.startswith("type"):
        keys -= COMMON
    elif section == "[[sources]]":
        keys &= COMMON
    return keys - TABLES if section == "" else keys


# --- The example configuration --------------------------------------------------------------------------------------


def test_the_example_is_fine_as_it_stands() -> None:
    config = load(EXAMPLE, {})

    # The checkout itself may lie in a folder for temporary files, as CI's does.
    assert [one for one in config.warnings if "temporary files" not in one] == []
    assert config.mail.url == f"outbox:{ROOT}/outbox"
    assert all(subscriber.email.endswith("@example.org") for subscriber in config.subscribers)
    assert any(not subscriber.profiles for subscriber in config.subscribers)


def test_no_sample_is_part_of_a_first_letter() -> None:
    assert {source.type for source in load(EXAMPLE, {}).sources} == {"huggingface", "arxiv"}


def switched_on() -> str:
    """The example with every option in use."""
    return OPTION.sub("", EXAMPLE.read_text(encoding="utf-8"))


def test_the_example_is_fine_with_every_option_switched_on(folder: Path) -> None:
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as form

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    (folder / "dkim.pem").write_bytes(pem)

    config = read(
        folder,
        switched_on(),
        IMAP_PASSWORD="secret",
        METRICS_TOKEN="t",
        MODEL_KEY="k",
        PAPERLARK_SECRET="quite a long secret",
    )

    assert {source.type for source in config.sources} == set(SOURCES)
    assert config.mail.dkim is not None


def spelled_out(table: Any) -> Iterator[tuple[str, set[str]]]:
    """The keys in use by section."""
    yield "", set(table) - TABLES
    yield "[mail]", set(table["mail"])
    yield "[mail.dkim]", set(table["mail"]["dkim"])
    yield "[web]", set(table["web"])
    yield "[channels]", set(table["channels"])
    yield "[summaries]", set(table["summaries"])
    for source in table["sources"]:
        yield "[[sources]]", set(source) & COMMON
        yield f'type = "{source["type"]}"', set(source) - COMMON
    for profile in table["profiles"]:
        yield "[[profiles]]", set(profile)
    for subscriber in table["subscribers"]:
        yield "[[subscribers]]", set(subscriber)
        for profile in subscriber.get("profiles", []):
            yield "[[subscribers.profiles]]", set(profile)


def test_the_example_shows_every_key_there_is(folder: Path) -> None:
    shown: dict[str, set[str]] = {section: set() for section in SECTIONS}
    for section, keys in spelled_out(tomllib.loads(switched_on())):
        shown[section] |= keys

    assert shown == {section: keys_of(folder, section) for section in SECTIONS}


# --- docs/configuration.md -------------------------------------------------------------------------------------------


@cache
def documented() -> dict[str, dict[str, str]]:
    """Section -> key -> default as written, from the tables of the guide."""
    found: dict[str, dict[str, str]] = {}
    for part in re.split(r"^##+ ", GUIDE, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        section = "" if title == "At the top of the file" else title.strip("`")
        for table in re.findall(r"^\| key \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", body, re.MULTILINE):
            rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]
            found.setdefault(section, {}).update({row[0].strip("`| "): row[1] for row in rows})
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_the_guide_has_every_key(folder: Path, section: str) -> None:
    assert set(documented()[section]) == keys_of(folder, section)


def defaults() -> Iterator[tuple[str, str, str]]:
    for section, keys in documented().items():
        for key, default in keys.items():
            if re.fullmatch("`.+`", default):
                yield section, key, default.strip("`")


@pytest.mark.parametrize(("section", "key", "default"), list(defaults()))
def test_the_guide_s_defaults_are_the_defaults(folder: Path, section: str, key: str, default: str) -> None:
    without = read(folder, SECTIONS[section])

    assert read(folder, f"{SECTIONS[section]}{key} = {default}\n") == without


def test_the_guide_names_every_default_that_can_be_written_down() -> None:
    assert len(list(defaults())) > 30


def test_the_guide_shows_what_check_says(folder: Path) -> None:
    shown = re.search(r"config.toml: 3 problems\n(.*?)```", GUIDE, re.DOTALL)
    assert shown is not None
    text = """



[[sources]]
name = "hf"; type = "hugingface"
[[subscribers]]
email = "ada@example.org"
timezone = "London"
[[subscribers.profiles]]
name = "A"
query = "rag and llm"
""".lstrip("\n").replace("; ", "\n")
    with pytest.raises(UserError) as caught:
        read(folder, "\n\n\n" + text)
    said = "\n".join(caught.value.problems).replace("\n", "\n  ")

    assert f"  {said}\n" == shown[1].replace("capitals; …", 'capitals; the word itself is "and"')


# --- The command line ------------------------------------------------------------------------------------------------


@cache
def documents() -> str:
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@cache
def commands() -> dict[str, Any]:
    """Every command of the program by its words: "subscribers add" -> command."""
    import typer

    from bot.cli import program

    found: dict[str, Any] = {}

    def walk(command: Any, words: str) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            found[f"{words} {name}".strip()] = inner
            walk(inner, f"{words} {name}".strip())

    whole = typer.main.get_command(program())
    found[""] = whole
    walk(whole, "")
    return found


def test_every_verb_is_in_the_documents() -> None:
    missing = [name for name in commands() if name and not re.search(rf"`(?:paperlark )?{name}\b", documents())]
    missing = [name for name in missing if not re.search(rf"paperlark (?:--\S+ )*{name}\b", documents())]

    assert missing == []


def test_every_option_is_in_the_documents() -> None:
    missing = [
        f"{name} {option}"
        for name, command in commands().items()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and not re.search(rf"(?<![\w-]){option}(?![\w-])", documents())
    ]
    assert missing == []


def test_the_documents_name_no_verb_there_is_not() -> None:
    named = set(
        re.findall(
            r"(?:`|^|\$ |&& |run: )paperlark (?:--(?:config|quiet|verbose)(?: [/\w.]+)? )*([a-z-]+)", documents(), re.M
        )
    )
    verbs = {name.partition(" ")[0] for name in commands()}

    assert len(named) > 5
    assert named - verbs == set()


def test_every_source_is_in_the_documents() -> None:
    assert [kind for kind in SOURCES if f"`{kind}`" not in documents() and f'"{kind}"' not in documents()] == []


def test_the_import_law_is_told_as_it_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (floors,) = [
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["name"] == "imports point downwards"
    ]

    assert f"`{' > '.join(floors[1:])}`" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


# --- docs/architecture.md --------------------------------------------------------------------------------------------


def test_the_architecture_page_names_only_what_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+(?:\.(?:py|html|toml|txt)|/))`", page))
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in ("bot", "templates", "tests")
        for path in (ROOT / folder).rglob("*")
    }
    files |= {path.name for path in ROOT.iterdir()}

    assert len(named) > 50
    assert {name for name in named if not any(f"/{file}".endswith(f"/{name.rstrip('/')}") for file in files)} == set()


def test_the_architecture_page_knows_every_folder_and_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = {f"{path.parent.name}/" for path in (ROOT / "bot").rglob("__init__.py") if "migrations" not in path.parts}

    assert {folder for folder in folders - {"bot/", "arxiv/", "feed/", "pubmed/"} if folder not in page} == set()
    assert {table for table in METADATA.tables if f"`{table}`" not in page} == set()


# --- Links -----------------------------------------------------------------------------------------------------------


def links() -> Iterator[tuple[Path, str]]:
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")):
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if not re.match("[a-z]+:", target):
                yield path, target


@pytest.mark.parametrize(("path", "target"), [pytest.param(*link, id=f"{link[0].name}-{link[1]}") for link in links()])
def test_links_between_the_documents_lead_somewhere(path: Path, target: str) -> None:
    file, _, anchor = target.partition("#")
    place = (path.parent / file) if file else path

    assert place.exists()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", place.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
