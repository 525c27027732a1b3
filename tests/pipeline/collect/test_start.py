"""What a collection that finds nothing new loads: importing is nearly all that such a run costs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
RUN = """
import sys
from bot.__main__ import main
sys.argv = ["paperlark", *sys.argv[1:]]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
ENTRIES = "".join(f"<entry><id>tag:x,1:{n}</id><title>Sparse attention {n}</title></entry>" for n in range(200))
FEED = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>{ENTRIES}</feed>'.encode()

# What reads a document, draws and sends letters, upgrades a schema, and what of the libraries is for none of that.
NOT_LOADED = {
    *{"feedparser", "jinja2", "babel", "css_inline", "numpy", "apscheduler", "alembic", "flask", "email_validator"},
    *{"rich", "pygments", "dns", "psycopg", "sqlalchemy.dialects.postgresql", "sqlalchemy.ext.asyncio"},
    *{"bot.sources.feed.recognize", "bot.sources.feed.entries", "bot.sources.arxiv", "bot.sources.page"},
    *{"bot.pipeline.compose", "bot.pipeline.deliver", "bot.pipeline.build_message", "bot.pipeline.upkeep"},
    *{"bot.store.editions", "bot.store.outbox", "bot.store.migrations", "bot.mail.tokens", "bot.mail.refusal_words"},
    *{"bot.core.letter", "bot.core.edition", "bot.core.matching"},
}


def run(config: Path, hour: int) -> tuple[Any, set[str]]:
    """What `paperlark collect` says at an hour of a day, and all that it imported."""
    arguments = ["--config", str(config), "collect", "--json", "--now", f"2026-11-17T{hour:02}:00Z"]
    command = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["sources"]["blog"], set(done.stderr.split())


def test_a_collection_that_finds_nothing_new_loads_only_what_asks(web: Any, tmp_path: Path) -> None:
    web.pages["/feed"] = lambda asked: (
        (304, {}, b"") if asked.headers.get("if-none-match") == '"1"' else (200, {"ETag": '"1"'}, FEED)
    )
    config = tmp_path / "config.toml"
    config.write_text(
        f'database = "sqlite:///{tmp_path / "paperlark.db"}"\n[mail]\nfrom = "Paperlark <digest@example.org>"\n'
        'url = "smtp://relay.example.org"\n'
        f'[[sources]]\nname = "blog"\ntype = "feed"\nurl = "{web.url("/feed")}"\nprivate = true\n'
        '[[subscribers]]\nemail = "ada@example.org"\n'
        '[[subscribers.profiles]]\nname = "attention"\nkeywords = ["sparse attention"]\n'
    )
    first, _ = run(config, 8)
    again, loaded = run(config, 10)
    assert (first["new"], again["new"], again["state"]) == (200, 0, "fresh")
    assert len(web.asked) == 2
    assert {"sqlmodel", "httpx", "bot.pipeline.collect.collect"} <= loaded  # else nothing is shown below
    assert NOT_LOADED & loaded == set()
