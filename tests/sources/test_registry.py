"""Sources of other packages, found by their entry points."""

import sys
from pathlib import Path

import pytest

from bot import sources
from bot.errors import UserError

MODULE = """
from dataclasses import dataclass
@dataclass(frozen=True, kw_only=True)
class Settings:
    pass
def requests(settings, progress, now): return []
def parse(document, settings): return None
def quiet(settings, now): return ""
"""


def install(folder: Path, name: str, body: str) -> None:
    """A package as an installer leaves it behind."""
    (folder / f"{name}_source.py").write_text(body, encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{sources.GROUP}]\n{name} = {name}_source\n", encoding="utf-8")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    sources.every.cache_clear()
    yield tmp_path
    sources.every.cache_clear()
    for name in [name for name in sys.modules if name.endswith("_source")]:
        del sys.modules[name]


def test_another_package_adds_a_source(packages: Path) -> None:
    install(packages, "larkjournal", MODULE)
    assert set(sources.every()) == {*sources.SOURCES, "larkjournal"}


def test_a_name_of_ours_is_not_taken_over(packages: Path) -> None:
    install(packages, "feed", MODULE)
    assert sources.every()["feed"] is sources.SOURCES["feed"]


@pytest.mark.parametrize(
    ("body", "says"),
    [("import nothing_of_this_name", "cannot be loaded"), ("class Settings: pass", "lacks requests, parse, quiet")],
)
def test_a_broken_package_is_named(packages: Path, body: str, says: str) -> None:
    install(packages, "larkbroken", body)
    with pytest.raises(UserError, match=says) as caught:
        sources.every()
    assert "larkbroken" in str(caught.value)
