"""From the form to the first letter: what is asked, of whom, how often, and what a yes does."""

import json
import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from bot.cli import program
from bot.cli.run import COMPOSERS
from bot.errors import UserError
from bot.mail import tokens
from bot.mail.incoming.mailboxes import Received
from bot.pipeline import signup, upkeep
from bot.pipeline.compose.compose import compose
from bot.pipeline.deliver.deliver import deliver
from bot.pipeline.signup import limit_reached
from bot.store import consents, subscribers
from bot.store.mail_requests import Counts
from bot.web.query_form import entries
from tests.web.conftest import CONFIG, NOW, SECRET, Start, Web

FORM = {"email": "eve@example.net", "keywords": "sparse attention", "digest": "daily 07:30", "timezone": "Europe/Paris"}


def filled(web: Web, **changes: Any) -> dict[str, Any]:
    at = tokens.signed_moment(SECRET, web.clock() - timedelta(seconds=30))
    return {**FORM, "at": at, "website": "", **changes}


def post(web: Web, headers: dict[str, str] | None = None, **changes: Any) -> str:
    answer = web.ask("POST", "/subscribe", filled(web, **changes), headers)
    assert answer.status == 200
    return answer.text


def mails(web: Web) -> list[EmailMessage]:
    """What goes out now."""
    folder = Path(web.app.config.folder) / "outbox"
    before = set(folder.rglob("*.eml"))
    deliver(web.database, web.app.sending(), web.clock)
    found = []
    for path in sorted(set(folder.rglob("*.eml")) - before):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def link_in(message: EmailMessage, path: str) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    found = re.search(rf"https://papers\.example\.org(/{path}/[a-z2-7]+)", part.get_content())
    assert found is not None
    return found[1]


def asked_link(web: Web) -> str:
    post(web)
    (message,) = mails(web)
    return link_in(message, "confirm")


def test_from_the_form_to_the_first_letter(web: Web) -> None:
    looked_at = web.get(asked_link(web))
    assert "This is what would come" in looked_at.words
    assert "sparse attention" in looked_at.words
    stranger = web.subscriber("eve@example.net")
    assert stranger is not None
    assert stranger.status == "unconfirmed"

    web.clock.move(minutes=11)
    link = link_in(next(iter(asked_again(web))), "confirm")
    answer = web.post(link)

    assert "You are subscribed" in answer.words
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    assert (eve.status, eve.origin, eve.next_due) == ("active", "web", web.clock())
    assert json.loads(eve.data)["profiles"] == [{"keywords": ["sparse attention"]}]
    with web.database.read() as tx:
        log = consents.log(tx, eve.id)
    assert [(one.act, one.network) for one in log] == [("asked", "127.0.0.0/24")] * 2 + [("confirmed", "127.0.0.0/24")]
    assert {one.wording for one in log} == {signup.WORDING}


@pytest.mark.parametrize(("chosen", "default"), [("fr", "en"), ("", "fr"), ("fr", "ja")])
def test_mails_are_in_the_language_of_who_asked(start: Start, chosen: str, default: str) -> None:
    web = start(f'language = "{default}"\n{CONFIG}')
    post(web, language=chosen)
    (question,) = mails(web)
    assert question["Subject"] == "Est-ce votre adresse ? Un clic, et les articles arrivent"
    assert question["Content-Language"] == "fr"
    web.post(link_in(question, "confirm"))
    web.clock.move(minutes=11)
    post(web, language="es")  # whatever is typed now: she is known
    (manage,) = [mail for mail in mails(web) if mail["List-Id"] is None]
    assert manage["Subject"] == "Vos préférences chez Paperlark"
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    goodbye = tokens.seal(SECRET, "unsubscribe digest", eve.id, 1)
    asked = f"From: eve@example.net\nTo: unsub+{goodbye}@example.org\nSubject: unsubscribe\n\n".encode()
    received = [Received(asked, lambda: None)]
    builder, relay = web.app.builder, web.app.transport
    assert upkeep.answer(web.database, builder, relay, received, web.clock()) == [
        "unsubscribe of eve@example.net: no more mail"
    ]
    farewell = max(web.app.config.folder.rglob("*.eml"), key=lambda path: path.stat().st_mtime_ns).read_bytes()
    assert (
        message_from_bytes(farewell, policy=policy.default)["Subject"]
        == "Vous ne recevrez plus de courriels de Paperlark"
    )


def asked_again(web: Web) -> list[EmailMessage]:
    post(web)
    return mails(web)


def test_a_second_yes_changes_nothing_and_one_after_a_goodbye_neither(web: Web) -> None:
    link = asked_link(web)
    web.post(link)
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    web.clock.move(hours=1)
    assert "said yes already" in web.get(link).words
    web.post(link)
    assert web.subscriber("eve@example.net") == eve

    goodbye = "/u/" + tokens.seal(SECRET, "unsubscribe digest", eve.id)
    web.post(goodbye)
    assert "No more mail comes" in web.get(goodbye).words
    for answer in (web.get(link), web.post(link)):
        assert "No more mail comes" in answer.words
    gone = web.subscriber("eve@example.net")
    assert gone is not None
    assert gone.status == "unsubscribed"


def test_opening_the_link_changes_nothing(web: Web) -> None:
    link = asked_link(web)
    for method in ("GET", "HEAD"):
        assert web.ask(method, link).status == 200
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    assert eve.status == "unconfirmed"
    web.clock.move(hours=48, minutes=2)
    assert web.get(link).status == web.post(link).status == 404


def test_the_same_page_whoever_it_is(web: Web) -> None:
    with web.database.write() as tx:
        for name in ("left", "bounced", "complained"):
            subscribers.add_unconfirmed(tx, f"{name}@example.net", {"email": f"{name}@example.net"}, NOW)
        subscribers.set_status(tx, "left@example.net", "unsubscribed", "", NOW)
        subscribers.set_status(tx, "bounced@example.net", "bounced", "", NOW)
        subscribers.set_status(tx, "complained@example.net", "complained", "", NOW)
    addresses = ["new@example.net", "ada@example.org", "left@example.net", "bounced@example.net"]

    pages = {post(web, email=email) for email in [*addresses, "complained@example.net"]}
    pages |= {post(web, email="a@example.net", website="http://spam.example")}
    pages |= {post(web, email="b@example.net", at=tokens.signed_moment(SECRET, web.clock() - timedelta(seconds=1)))}
    pages |= {post(web, email="c@example.net", at="forged"), post(web, email="d@example.net", at="")}
    pages |= {post(web, {"Sec-Fetch-Site": "cross-site"}, email="e@example.net")}
    web.site.takes_mail = lambda domain: False
    pages |= {post(web, email="f@example.net")}

    assert len(pages) == 1
    found = {message["To"]: message["Subject"] for message in mails(web)}
    assert sorted(found) == sorted(addresses)  # complaints mean silence; machines and the rest, too
    assert "preferences" in found["ada@example.org"]
    assert "your address" in found["left@example.net"]


def test_nothing_that_was_typed_is_in_the_mail(web: Web) -> None:
    post(web, keywords="buy at evil dot example", query="zebra", timezone="Europe/Paris")
    (message,) = mails(web)
    for word in ("evil", "zebra", "Paris"):
        assert word not in message.as_string()
    assert "List-Unsubscribe" not in message


def test_the_dns_is_asked_whoever_it_is(web: Web) -> None:
    """How long the answer takes must not tell whether somebody is known, or once complained."""
    with web.database.write() as tx:
        subscribers.add_unconfirmed(tx, "complained@example.net", {"email": "complained@example.net"}, NOW)
        subscribers.set_status(tx, "complained@example.net", "complained", "", NOW)
    asked: list[str] = []
    web.site.takes_mail = lambda domain: asked.append(domain) is None
    for email in ("new@example.net", "new@example.net", "ada@example.org", "complained@example.net"):
        post(web, email=email)
    assert asked == ["example.net", "example.net", "example.org", "example.net"]


def test_limits_of_an_address(web: Web) -> None:
    sent = []
    for _ in range(8):
        post(web)
        sent.append(len(mails(web)))
        web.clock.move(minutes=6)
    assert sent == [1, 0, 1, 0, 1, 0, 0, 0]


def test_limits_of_a_network_and_of_the_house(start: Start) -> None:
    web = start(proxies=1)
    for network in range(4):
        for number in range(25):
            post(web, {"X-Forwarded-For": f"198.51.{network}.{number}"}, email=f"p{network}-{number}@example.net")
    told = mails(web)
    assert len(told) == 60
    from_first = [one for one in told if str(one["To"]).startswith("p0-")]
    assert len(from_first) == 20
    assert signup.flood_to_tell(web.database)
    with web.database.read() as tx:
        assert len(subscribers.everyone(tx)) == 61  # refused ones leave no row


def test_the_operator_is_told_of_a_flood_once_a_day(start: Start) -> None:
    web = start('operator = "ops@example.org"\n' + CONFIG, proxies=1)

    def flood(day: int) -> None:
        for number in range(62):
            headers = {"X-Forwarded-For": f"10.{day}.{number}.1"}
            post(web, headers, email=f"p{day}-{number}@example.net")

    def told() -> list[str]:
        folder = Path(web.app.config.folder) / "outbox"
        before = set(folder.rglob("*.eml"))
        web.app.tell_operator(web.clock())
        new = [
            message_from_bytes(one.read_bytes(), policy=policy.default) for one in set(folder.rglob("*.eml")) - before
        ]
        return [str(one["Subject"]) for one in new if one["To"] == "ops@example.org"]

    assert told() == []
    flood(1)
    assert told() == ["Paperlark: very many sign-ups"]
    web.clock.move(hours=2)
    flood(2)
    assert told() == []
    web.clock.move(hours=23)
    flood(3)
    assert told() == ["Paperlark: very many sign-ups"]


@pytest.mark.parametrize(
    ("counts", "unconfirmed", "expected"),
    [
        (Counts(None, 0, 0, 0), True, None),
        (Counts(NOW - timedelta(minutes=9), 1, 1, 1), True, "address limit"),
        (Counts(NOW - timedelta(minutes=10), 1, 1, 1), True, None),
        (Counts(NOW - timedelta(hours=5), 3, 0, 0), True, "address limit"),
        (Counts(None, 0, 20, 0), True, "network limit"),
        (Counts(None, 0, 19, 60), True, "house limit"),
        (Counts(None, 0, 19, 60), False, None),
    ],
)
def test_which_limit(counts: Counts, unconfirmed: bool, expected: str | None) -> None:
    assert limit_reached(counts, NOW, unconfirmed=unconfirmed) == expected


def test_a_stale_form_is_offered_again_with_what_was_typed(web: Web) -> None:
    old = tokens.signed_moment(SECRET, web.clock() - timedelta(hours=2, minutes=1))
    answer = web.post("/subscribe", filled(web, at=old))
    assert answer.status == 200
    assert "send it again" in answer.words
    assert 'value="eve@example.net"' in answer.text
    fresh = re.search(r'name="at" value="([^"]+)"', answer.text)
    assert fresh is not None
    assert tokens.moment_signed(SECRET, fresh[1]) == NOW
    assert mails(web) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email": "nobody"}, "is not a mail address"),
        ({"query": "a AND (b"}, "^"),
        ({"digest": "hourly"}, "is not a schedule"),
        ({"timezone": "Europe/Pariss"}, "did you mean"),
        ({"email": "<script>@example.net"}, "is not a bare mail address"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_sent(web: Web, changes: dict[str, str], said: str) -> None:
    answer = web.post("/subscribe", filled(web, **changes))
    assert answer.status == 422
    assert said in answer.words
    assert "<script>@" not in answer.text
    assert mails(web) == []


def test_who_never_confirms_is_forgotten_after_a_week(web: Web) -> None:
    asked_link(web)
    assert signup.upkeep(web.database, NOW + timedelta(days=7)) == 0
    assert signup.upkeep(web.database, NOW + timedelta(days=7, minutes=1)) == 1
    assert web.subscriber("eve@example.net") is None
    for path in Path(web.app.config.folder).glob("paperlark.db*"):
        assert b"eve@example.net" not in path.read_bytes(), path


def test_closed_and_by_invitation(start: Start) -> None:
    closed = start(signup="off")
    assert closed.ask("POST", "/subscribe", filled(closed)).status == 404
    assert "no new subscribers" in closed.get("/").words


def invited(web: Web, *words: str) -> str:
    """The link that the operator gets to give away."""
    config = Path(web.app.options.config_path)
    if "[web]" not in config.read_text():
        config.write_text(config.read_text() + '\n[web]\nsignup = "invite"\n')
    done = CliRunner().invoke(program(), ["--config", str(config), "subscribers", "invite", "--now", f"{NOW}", *words])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def invitation_of(link: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def test_by_invitation(start: Start) -> None:
    web = start(signup="invite")
    assert "by invitation" in web.get("/").words
    refused = web.post("/subscribe", filled(web))
    assert refused.status == 403
    assert "by invitation" in refused.words
    assert web.post("/subscribe", filled(web, invite=tokens.signed_moment(SECRET, NOW))).status == 403  # a form's time

    link = invited(web)
    invitation = invitation_of(link)["invite"]
    assert link == f"https://papers.example.org/?invite={invitation}"
    assert f'name="invite" value="{invitation}"' in web.get(link).text
    post(web, invite=invitation)
    post(web, email="zoe@example.net", invite=invitation)
    assert len(mails(web)) == 2
    web.clock.move(days=29, hours=23)
    assert 'action="/subscribe"' in web.get(link).text
    web.clock.move(hours=2)
    assert "is over" in web.get(link).words
    assert web.post("/subscribe", filled(web, email="late@example.net", invite=invitation)).status == 403
    assert mails(web) == []


def test_an_invitation_for_one_address(start: Start) -> None:
    web = start(signup="invite")
    link = invited(web, "Eve@Example.net", "--days", "2")
    asked = invitation_of(link)
    assert asked["email"] == "eve@example.net"
    assert 'value="eve@example.net"' in web.get(link).text
    assert web.post("/subscribe", filled(web, email="zoe@example.net", invite=asked["invite"])).status == 403
    post(web, email="EVE@example.net", invite=asked["invite"])
    assert [one["To"] for one in mails(web)] == ["eve@example.net"]
    web.clock.move(days=2)
    assert web.post("/subscribe", filled(web, invite=asked["invite"])).status == 403


def test_there_must_be_a_form_to_invite_to(web: Web, tmp_path: Path) -> None:
    def said(config: str, *words: str) -> str:
        (tmp_path / "other.toml").write_text(config)
        done = CliRunner().invoke(
            program(), ["--config", str(tmp_path / "other.toml"), "subscribers", "invite", *words]
        )
        assert isinstance(done.exception, UserError | SystemExit)
        return str(done.exception)

    assert "no form" in said(CONFIG.replace('public_url = "https://papers.example.org"', ""))
    assert "by the web page" in said(CONFIG + '[web]\nsignup = "off"\n')
    assert "cannot be invited" in said(CONFIG, "nobody")


def test_the_first_letter_is_of_the_last_period_and_not_late(start: Start, tmp_path: Path) -> None:
    web = start(CONFIG)
    collect_papers(web, 3)
    web.post(asked_link(web))
    compose(web.database, web.clock(), web.app.identity.message_id, processes=COMPOSERS)
    (letter,) = [one for one in mails(web) if one["To"] == "eve@example.net"]
    text = letter.get_body(("plain",))
    assert text is not None
    words = text.get_content()
    assert "Sparse attention number 1" in words
    assert "late" not in words.lower()
    assert "List-Unsubscribe" in letter
    compose(web.database, web.clock() + timedelta(minutes=1), web.app.identity.message_id)
    assert mails(web) == []
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    assert eve.next_due == NOW + timedelta(hours=21.5)  # 07:30 in Paris, tomorrow


def collect_papers(web: Web, number: int, about: str = "Sparse attention") -> None:
    from bot.core.papers import Listing
    from bot.store import papers

    listings = [
        Listing(
            title=f"{about} number {one}",
            keys=(f"arxiv:2611.{one:05}",),
            abstract=f"We study {about.lower()} in the case of {one}.",
            url=f"https://arxiv.org/abs/2611.{one:05}",
            source="saved",
        )
        for one in range(number)
    ]
    record_listings(web, papers, listings)


def record_listings(web: Web, papers: Any, listings: list[Any]) -> None:
    with web.database.record() as tx:
        papers.record(tx, "saved", listings, web.clock() - timedelta(hours=1), first=False)


def test_keywords_and_their_places() -> None:
    assert [(one.text, one.column) for one in entries(' a b,, c\n"x, y" , z\n')] == [
        ("a b", 2),
        ("c", 8),
        ('"x, y"', 1),
        ("z", 10),
    ]


def test_the_operator_sees_where_everybody_comes_from(web: Web) -> None:
    web.post(asked_link(web))

    def run(*words: str) -> str:
        done = CliRunner().invoke(program(), ["--config", str(web.app.options.config_path), *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "eve@example.net  active, from the web page" in run("check")
    assert {(one["email"], one["origin"]) for one in json.loads(run("check", "--json"))["subscribers"]} == {
        ("ada@example.org", "file"),
        ("eve@example.net", "web"),
    }
    listed = run("subscribers", "list")
    assert "[config]" in listed
    assert "[web]" in listed
    assert json.loads(run("subscribers", "export"))["email"] == "eve@example.net"
    log = [json.loads(line) for line in run("subscribers", "consents").splitlines()]
    assert [(one["email"], one["act"], one["form"]) for one in log] == [
        ("eve@example.net", "asked", "/subscribe"),
        ("eve@example.net", "confirmed", "/confirm"),
    ]
