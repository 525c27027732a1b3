"""Letters of all samples, a real browser to look at them, and golden files beside them."""

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest

from bot.core.letter import samples
from bot.core.letter.letter import Letter
from bot.core.letter.renderer import LetterRenderer, environment

HERE = Path(__file__).parent
TEMPLATES = HERE.parents[1] / "templates"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
FRAME = '<iframe name="{name}" style="width:{width}px;height:800px;border:0" srcdoc="{page}"></iframe>'
HARNESS = """<!doctype html><meta charset="utf-8"><title>letters</title>FRAMES<pre id="result"></pre><script>
const look = LOOK;
const library = LIBRARY;
addEventListener("load", async () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    if (library) {
      const tag = frame.contentDocument.createElement("script");
      tag.textContent = library;
      frame.contentDocument.head.append(tag);
    }
    found[frame.name] = await look(frame.contentDocument, frame.contentWindow);
  }
  for (const frame of [...document.querySelectorAll("iframe")]) frame.remove();
  document.getElementById("result").textContent = JSON.stringify(found);
});
</script>"""

Look = Callable[..., Any]


@pytest.fixture(scope="session")
def renderer() -> LetterRenderer:
    return LetterRenderer(environment(jinja2.FileSystemLoader(TEMPLATES)))


@pytest.fixture(scope="session")
def letters(renderer: LetterRenderer) -> dict[str, Letter]:
    """The letter of every sample edition."""
    return {name: renderer.letter(edition) for name, edition in samples.all_editions().items()}


@pytest.fixture(scope="session")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    """look(pages, script, dark, width): what a JavaScript function of a document returns, for every page shown in a
    frame that wide by a real browser; by name."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium here to look at letters with")

    def run(pages: dict[str, str], script: str, *, width: int, dark: bool = False, library: str = "") -> Any:
        folder = tmp_path_factory.mktemp("browser")
        frames = "".join(FRAME.format(name=name, width=width, page=html.escape(page)) for name, page in pages.items())
        quoted = json.dumps(library).replace("</", "<\\/")
        page = HARNESS.replace("FRAMES", frames).replace("LOOK", script).replace("LIBRARY", quoted)
        (folder / "page.html").write_text(page, encoding="utf-8")
        command = [
            *(browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=1000,1000"),
            *(f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--virtual-time-budget=60000"),
            *("--dump-dom", (folder / "page.html").as_uri()),
        ]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, encoding="utf-8")
        result = re.search(r'<pre id="result">(.+?)</pre>', shown.stdout, re.DOTALL)
        assert result, f"the browser showed nothing: {shown.stderr[-2000:]}"
        return json.loads(html.unescape(result[1]))

    return run


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, from $PAPERLARK_AXE or tests/letters/node_modules."""
    place = Path(os.environ.get("PAPERLARK_AXE") or HERE / "node_modules" / "axe-core" / "axe.min.js")
    if not place.is_file():
        pytest.skip("no axe-core; get it with: npm install --prefix tests/letters --no-save --no-package-lock axe-core")
    return place.read_text(encoding="utf-8")
