"""Behind a real nginx, with the site that the documents offer."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.web.conftest import Start, Web
from tests.web.test_signup import filled, mails

SITE = Path(__file__).resolve().parents[2] / "examples" / "proxy" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
MAIN = """
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@pytest.fixture
def behind(start: Start, tmp_path: Path) -> Iterator[tuple[Web, Web]]:
    """The web process as it is seen directly, and through nginx."""
    if NGINX is None:
        pytest.skip("no nginx here")
    web = start(proxies=1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = SITE.read_text(encoding="utf-8")
    for ours, here in (("listen 80;", f"listen 127.0.0.1:{port};"), ("127.0.0.1:8080", f"127.0.0.1:{web.port}")):
        assert text.count(ours) == 1
        text = text.replace(ours, here)
    (tmp_path / "site.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text(MAIN.format(folder=tmp_path))
    command = [NGINX, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "errors")]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    proxy = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield web, replace(web, port=port)
    finally:
        proxy.terminate()
        proxy.wait(10)


def test_pages_come_through_and_details_do_not(behind: tuple[Web, Web]) -> None:
    direct, through = behind

    assert "Subscribe" in through.get("/").words
    assert "ticks" in direct.get("/health").text
    assert through.get("/health").text == '{"ok": true}'
    assert through.get("/metrics").status == 403
    assert through.ask("POST", "/subscribe", "x" * 70_000).status == 413


def test_a_visitor_cannot_say_where_they_come_from(behind: tuple[Web, Web]) -> None:
    """The limit of 20 an hour is for a network, and the network is nginx's word."""
    direct, through = behind
    for number in range(24):
        forged = {"X-Forwarded-For": f"198.51.{number}.1"}
        form = filled(direct, email=f"p{number}@example.net")
        assert through.ask("POST", "/subscribe", form, forged).status == 200

    assert len(mails(direct)) == 20
