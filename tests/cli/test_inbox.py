"""What comes back, end to end: a real letter goes out, its own addresses bring the answers in, and the subscriber is or
is not reached any more."""

import mailbox
import re
import sys
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from bot.cli import main
from bot.cli.options import GlobalOptions
from bot.cli.wiring import App
from bot.store import subscribers
from bot.store.subscribers import StoredSubscriber

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
secret = "a secret nobody can guess"
[mail]
from = "Paperlark <digest@papers.example.org>"
url = "maildir:mail"
bounces = "b+{token}@papers.example.org"
unsubscribe = "unsub+{token}@papers.example.org"
inbox = "maildir:returned"
[[sources]]
name = "saved"
type = "page"
location = "pages/*.txt"
[[subscribers]]
email = "ada@example.net"
digest = "daily 07:30"
[[subscribers.profiles]]
name = "P"
keywords = ["sparse attention"]
alert = true
"""

DSN = """\
Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@mx.example.net
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

Sorry.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; ada@example.net
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} no

--b1--
"""
ABUSE = """\
From: fbl@mail.example.com
To: {to}
Delivered-To: {to}
Subject: FW: your letter
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

A user complained.

--b1
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1.0
Version: 1

--b1--
"""
PLAIN = "From: Ada <ada@example.net>\nTo: {to}\nDelivered-To: {to}\nSubject: {subject}\n{more}\n{body}\n"


MORE = """
[[subscribers]]
email = "{email}"
digest = "daily 07:30"
"""


class Post:
    """A household with one subscriber, whose letters can be answered."""

    def __init__(self, place: Path, run: Callable[..., int]) -> None:
        self.place = place
        self.run = run

    def letters(self) -> list[Message]:
        box = mailbox.Maildir(self.place / "mail", create=False)
        return [message_from_bytes(box.get_bytes(key)) for key in box.keys()]  # noqa: SIM118

    def letter(self, list_id: str = "digest") -> Message:
        return next(one for one in self.letters() if list_id in str(one["List-Id"]).partition("<")[2].partition(".")[0])

    def verp(self) -> str:
        return str(self.letter()["Return-Path"]).strip("<>")

    def goodbye(self, list_id: str = "digest") -> str:
        found = re.search(r"mailto:([^?>]+)", str(self.letter(list_id)["List-Unsubscribe"]))
        assert found
        return found[1]

    def comes_back(self, raw: str, day: int = 20) -> None:
        mailbox.Maildir(self.place / "returned", create=True).add(raw.encode())
        assert self.run("inbox", "--now", f"2026-11-{day}T12:00Z") == 0

    def everybody(self) -> list[StoredSubscriber]:
        app = App(GlobalOptions(config_path=self.place / "config.toml"))
        with app.database.read() as tx:
            found = list(subscribers.everyone(tx))
        app.database.close()
        return found

    def ada(self) -> StoredSubscriber:
        (ada,) = self.everybody()
        return ada

    def gets_mail(self) -> bool:
        before = len(self.letters())
        (self.place / "pages" / "2.txt").write_bytes((ROOT / "examples/pages/2026-11-21.txt").read_bytes())
        self.run("once", "--force", "--now", "2026-11-22T08:00Z")
        return len(self.letters()) > before


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Post:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "1.txt").write_bytes((ROOT / "examples/pages/2026-11-20.txt").read_bytes())
    (tmp_path / "config.toml").write_text(CONFIG)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["paperlark", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    assert run("once", "--force", "--now", "2026-11-20T08:00Z") == 0
    return Post(tmp_path, run)


def test_any_mail_to_the_letters_address_unsubscribes_for_good(post: Post) -> None:
    post.comes_back(PLAIN.format(to=post.goodbye(), subject="", more="", body=""))

    assert post.ada().status == "unsubscribed"
    farewell = next(one for one in post.letters() if one["List-Id"] is None)
    assert "no more mail" in str(farewell["Subject"])
    assert not post.gets_mail()  # though the configuration still has her
    before = len(post.letters())
    post.comes_back(PLAIN.format(to=post.goodbye(), subject="again", more="", body=""))
    assert len(post.letters()) == before


def test_leaving_alerts_leaves_the_digest(post: Post) -> None:
    (post.place / "pages" / "2.txt").write_bytes((ROOT / "examples/pages/2026-11-21.txt").read_bytes())
    assert post.run("once", "--now", "2026-11-20T09:00Z") == 0
    post.comes_back(PLAIN.format(to=post.goodbye("alerts"), subject="stop", more="", body="please"))

    assert (post.ada().status, post.ada().left_alerts) == ("active", True)


def test_an_address_that_is_not_there_ends_it(post: Post) -> None:
    post.comes_back(DSN.format(to=post.verp(), status="5.1.1"))

    assert post.ada().status == "bounced"
    assert "5.1.1" in post.ada().status_reason
    assert not post.gets_mail()
    assert post.run("subscribers", "resume", "ada@example.net") == 0
    assert post.ada().status == "active"


def test_a_full_mailbox_has_patience(post: Post) -> None:
    """Five days of it end the subscriber, however many letters come back on each."""
    for day in (20, 21, 22, 23):
        for _ in range(3):
            post.comes_back(DSN.format(to=post.verp(), status="5.2.2"), day)
    assert post.ada().status == "active"
    post.comes_back(DSN.format(to=post.verp(), status="5.2.2"), 24)
    assert post.ada().status == "bounced"


@pytest.mark.parametrize(
    ("bounced", "words", "ended"),
    [
        # Whatever the words, the same of several domains are no finding about the recipients ...
        (["ada@example.net", "bob@example.com", "eve@example.org"], ["User unknown"] * 3, []),
        (["ada@example.net", "bob@example.com", "eve@example.org"], ["Mailbox {} does not exist"] * 3, []),
        (["ada@example.net", "bob@example.com", "eve@example.org"], ["Utilisateur inconnu"] * 3, []),
        # ... but one domain has one wording, and so may two of many; other words are other findings.
        (["ada@example.net"], ["User unknown"], ["ada@example.net"]),
        (["ada@example.net", "amy@example.net"], ["User unknown"] * 2, ["ada@example.net", "amy@example.net"]),
        (["ada@example.net", "bob@example.com"], ["User unknown"] * 2, ["ada@example.net", "bob@example.com"]),
        (
            ["ada@example.net", "bob@example.com", "eve@example.org"],
            ["User unknown", "no such mailbox here", "Empfänger nicht gefunden"],
            ["ada@example.net", "bob@example.com", "eve@example.org"],
        ),
    ],
)
def test_equal_words_from_several_domains_are_about_us(
    post: Post, bounced: list[str], words: list[str], ended: list[str]
) -> None:
    """One report after the other, each read by itself: who was ended before it was plain is active again."""
    others = ["amy@example.net", "bob@example.com", "eve@example.org", "ian@example.edu"]
    config = post.place / "config.toml"
    config.write_text(CONFIG + "".join(MORE.format(email=email) for email in others))
    assert post.run("once", "--force", "--now", "2026-11-20T09:00Z") == 0  # the others' first letter
    (post.place / "pages" / "2.txt").write_bytes((ROOT / "examples/pages/2026-11-21.txt").read_bytes())
    assert post.run("once", "--force", "--now", "2026-11-21T09:00Z") == 0
    letters = {str(one["To"]): one for one in post.letters() if "21 Nov" in str(one["Date"])}
    assert len(letters) == 5

    for email, said in zip(bounced, words, strict=True):
        envelope = str(letters[email]["Return-Path"]).strip("<>")
        raw = DSN.format(to=envelope, status="5.1.1").replace("no\n", f"<{email}>: {said.format(email)}\n")
        for _ in range(2):  # the same report twice changes nothing
            post.comes_back(raw.replace("ada@example.net", email), 21)
        post.comes_back(raw.replace("ada@example.net", email), 22)

    gone = [who.email for who in post.everybody() if who.status != "active"]
    assert sorted(gone) == sorted(ended)


def test_letters_that_are_late_change_nothing(post: Post) -> None:
    for day in range(20, 28):
        post.comes_back(DSN.format(to=post.verp(), status="4.4.1").replace("failed", "delayed"), day)
    assert post.ada().status == "active"


@pytest.mark.parametrize("charset", ["idna", "undefined", '"utf\0-8"', "no-such-charset"])
def test_a_message_in_an_impossible_encoding_still_counts(post: Post, charset: str) -> None:
    more = f"MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\n"
    post.comes_back(PLAIN.format(to=post.goodbye(), subject="", more=more, body="bye"))
    assert post.ada().status == "unsubscribed"


@pytest.mark.parametrize("charset", ["idna", "undefined", '"utf\0-8"'])
def test_a_report_in_an_impossible_encoding_still_counts(post: Post, charset: str) -> None:
    raw = DSN.format(to=post.verp(), status="5.1.1")
    post.comes_back(raw.replace("Content-Type: text/plain", f"Content-Type: text/plain; charset={charset}"))
    assert post.ada().status == "bounced"


def test_what_is_our_fault_is_never_the_subscribers(post: Post) -> None:
    for _ in range(8):
        post.comes_back(DSN.format(to=post.verp(), status="5.7.1"))

    assert post.ada().status == "active"
    assert post.gets_mail()


def test_a_complaint_ends_it_at_once(post: Post) -> None:
    post.comes_back(ABUSE.format(to=post.verp()))

    assert post.ada().status == "complained"


@pytest.mark.parametrize(
    ("to", "more"),
    [
        ("own", "Auto-Submitted: auto-replied\n"),
        ("own", "Precedence: bulk\nX-Autoreply: yes\n"),
        ("b+" + "a" * 47 + "@papers.example.org", ""),
        ("digest@papers.example.org", ""),
    ],
)
def test_holidays_strangers_and_forgeries_change_nothing(post: Post, to: str, more: str) -> None:
    address = post.verp() if to == "own" else to
    post.comes_back(PLAIN.format(to=address, subject="Out of office", more=more, body="I am away."))
    post.comes_back(DSN.format(to="b+" + "a" * 47 + "@papers.example.org", status="5.1.1"))

    assert post.ada().status == "active"
    assert post.gets_mail()


def test_one_message_on_standard_input(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    raw = DSN.format(to=post.verp(), status="5.1.1").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    assert post.run("inbox", "-") == 0
    assert post.ada().status == "bounced"
