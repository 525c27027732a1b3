"""How fast personal digests become mail: our writer and sender against the usual stack, in one run on one machine.

    python benchmarks/delivery.py [--messages 2000] [--json]

The sink is Postfix's smtp-sink where it is installed, else a small one in Python. Everything stays on loopback; a
network is imitated by a proxy that holds each packet back. Read the ratios, not the absolutes.
"""

import argparse
import json
import random
import resource
import smtplib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from smtp_servers import far_away, sink

from bot.core.letter.letter import Letter
from bot.mail import tokens
from bot.mail.message.dkim import DkimSigner
from bot.mail.message.mailbox import Mailbox, mailbox
from bot.mail.message.mime import Head, write
from bot.mail.message.types import Message
from bot.mail.transport.from_url import transport

CARDS, SHOWN = 200, 20
DOMAIN = "papers.example.org"
SECRET = "a secret for measuring"
ROUND_TRIP = 0.040  # seconds
WORDS = ["sparse", "attention", "expert", "retrieval", "diffusion", "policy", "latent", "token", "gradient", "kernel"]
SENDER = mailbox(f"Paper Digest <digest@{DOMAIN}>")
KEY = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    messages: int
    rate: float  # messages per second
    cpu_ms: float  # of this process, per message


def letters(number: int) -> list[Letter]:
    """Personal digests: each subscriber gets 20 of 200 cards and a greeting of their own; about 70 KB as a message."""
    chance = random.Random(1)
    pairs = []
    for card in range(CARDS):
        text = " ".join(chance.choices(WORDS, k=150))
        style = 'style="font-size:15px;line-height:1.5;color:#333333;margin:0 0 12px 0"'
        lines = "\n".join(f"<p {style}>{text[start : start + 240]}</p>" for start in range(0, len(text), 240))
        link = f'<a href="https://papers.example.org/{card}">Paper {card} – é</a>'
        html = f"<tr><td>\n<h2 {style}>{link}</h2>\n{lines}\n</td></tr>\n"
        pairs.append((html, f"Paper {card} – é\n{text[:900]}\nhttps://papers.example.org/{card}\n\n"))
    made = []
    for subscriber in range(number):
        shown = chance.sample(pairs, SHOWN)
        hello = f"Good morning subscriber {subscriber}"
        made.append(
            Letter(
                subject=f"20 November: paper {subscriber} and 19 more",
                html=(
                    f"<html lang=en>\n<h1>{hello}</h1>\n<table>\n",
                    *(html for html, _ in shown),
                    "</table></html>\n",
                ),
                text=(f"{hello}\n\n", *(text for _, text in shown), "-- \nbye\n"),
            )
        )
    return made


def ours(letter: Letter, subscriber: int, signer: DkimSigner | None = None) -> Message:
    """What delivering one edition costs: tokens, head, body, signature."""
    token = tokens.seal(SECRET, "unsubscribe digest", subscriber, subscriber)
    recipient = Mailbox("", f"subscriber{subscriber}@example.net")  # checked when the subscriber was added
    head = Head(
        date=datetime.now(UTC),
        sender=SENDER,
        to=recipient,
        message_id=tokens.message_id(SECRET, "digest", "2026-11-20", subscriber, DOMAIN),
        list_id=f"daily.{DOMAIN}",
        list_name="Daily papers",
        unsubscribe_url=f"https://{DOMAIN}/u/{token}",
        unsubscribe_email=f"unsub+{token}@{DOMAIN}",
        feedback_id="2026-11-20:daily:digest:paperlark",
    )
    return Message(
        sender=f"b+{tokens.seal(SECRET, 'bounce', subscriber, subscriber)}@{DOMAIN}",
        recipient=recipient.email,
        message_id=head.message_id,
        data=write(letter, head, signer),
    )


def usual(letter: Letter, subscriber: int, *, signed: bool = False) -> Message:
    """The same with the standard library's EmailMessage, and dkimpy."""
    token = tokens.seal(SECRET, "unsubscribe digest", subscriber, subscriber)
    message = EmailMessage(policy=SMTP.clone(max_line_length=998))
    message["From"] = f"Paper Digest <digest@{DOMAIN}>"
    message["To"] = f"subscriber{subscriber}@example.net"
    message["Subject"] = letter.subject
    message["Date"] = datetime.now(UTC)
    message["Message-ID"] = tokens.message_id(SECRET, "digest", "2026-11-20", subscriber, DOMAIN)
    message["List-Unsubscribe"] = f"<https://{DOMAIN}/u/{token}>, <mailto:unsub+{token}@{DOMAIN}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text_page)
    message.add_alternative(letter.html_page, subtype="html")
    data = message.as_bytes()
    if signed:
        data = dkim.sign(data, b"lark", DOMAIN.encode(), KEY) + data
    return Message(
        sender=f"b+{token}@{DOMAIN}", recipient=f"subscriber{subscriber}@example.net", message_id="", data=data
    )


def measured(what: str, number: int, work: Callable[..., object], *given: object) -> Row:
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work(*given)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Row(what, number, number / seconds, cpu / number * 1000)


def spread(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send_ours(port: int, make: Callable[[int], Message], number: int, connections: int) -> None:
    way = transport(f"smtp://127.0.0.1:{port}?per_connection=1000000")

    def job(first: int) -> None:
        session = way.session()
        for subscriber in range(first, number, connections):
            session.send(make(subscriber))
        session.close()

    spread([lambda first=first: job(first) for first in range(connections)])


def send_usual(port: int, make: Callable[[int], Message], number: int, connections: int) -> None:
    def job(first: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
            for subscriber in range(first, number, connections):
                message = make(subscriber)
                client.sendmail(message.sender, [message.recipient], message.data)

    spread([lambda first=first: job(first) for first in range(connections)])


def post_prebuilt(port: int, messages: list[Message]) -> None:
    """The least a client can do: bytes made beforehand, envelope in one flight, answers counted and not read."""
    flights = [
        (f"MAIL FROM:<{message.sender}>\r\nRCPT TO:<{message.recipient}>\r\nDATA\r\n".encode(), message.data + b".\r\n")
        for message in messages
    ]
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def answers(number: int) -> None:
            while number > 0:
                number -= stream.recv(65536).count(b"\n")

        answers(1)
        stream.sendall(b"HELO localhost\r\n")
        answers(1)
        for envelope, content in flights:
            stream.sendall(envelope)
            answers(3)
            stream.sendall(content)
            answers(1)


def measure(number: int) -> tuple[str, list[Row]]:
    signer = DkimSigner(DOMAIN, "lark", KEY)
    some = letters(number)
    few = max(20, number // 20)  # of what is slow
    prebuilt = [ours(letter, subscriber) for subscriber, letter in enumerate(some)]

    def build(make: Callable[[int], Message], count: int) -> None:
        for subscriber in range(count):
            make(subscriber)

    makers: dict[str, tuple[Callable[[int], Message], int]] = {
        "ours": (lambda subscriber: ours(some[subscriber], subscriber), number),
        "ours, signed": (lambda subscriber: ours(some[subscriber], subscriber, signer), number // 2),
        "EmailMessage": (lambda subscriber: usual(some[subscriber], subscriber), few),
        "EmailMessage + dkimpy": (lambda subscriber: usual(some[subscriber], subscriber, signed=True), few),
    }
    rows = [measured(f"build: {name}", count, build, make, count) for name, (make, count) in makers.items()]
    ready = prebuilt.__getitem__
    with sink() as (name, port):
        rows.append(measured("send: prebuilt bytes, bare socket", number, post_prebuilt, port, prebuilt))
        rows.append(measured("send: prebuilt bytes, our client", number, send_ours, port, ready, number, 1))
        rows.append(measured("send: prebuilt bytes, smtplib", number, send_usual, port, ready, number, 1))
        for what, (make, count) in makers.items():
            send = send_ours if what.startswith("ours") else send_usual
            rows.append(measured(f"build and send: {what}", count, send, port, make, count, 1))
        with far_away(port, ROUND_TRIP / 2) as distant:
            for connections in (1, 20):
                count = min(20 * connections, number)
                for what, send in (("ours", send_ours), ("smtplib", send_usual)):
                    label = f"{ROUND_TRIP * 1000:.0f} ms away, {connections} connection(s): {what}"
                    rows.append(measured(label, count, send, distant, ready, count, connections))
    return f"{number} digests of {len(prebuilt[0].data) / 1000:.0f} KB into {name}", rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    title, rows = measure(max(options.messages, 400))
    if options.json:
        print(json.dumps({"title": title, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    print(f"{title}\n\n{'':<52}{'messages/s':>12}{'CPU ms each':>14}")
    for row in rows:
        print(f"{row.what:<52}{row.rate:>12,.0f}{row.cpu_ms:>14.3f}")
    rates = {row.what: row.rate for row in rows}
    ratios = {
        "signed, against EmailMessage + dkimpy + smtplib": (
            "build and send: ours, signed",
            "build and send: EmailMessage + dkimpy",
        ),
        "unsigned, against EmailMessage + smtplib": ("build and send: ours", "build and send: EmailMessage"),
        "unsigned, against posting prebuilt bytes": ("build and send: ours", "send: prebuilt bytes, bare socket"),
    }
    print()
    for what, (mine, theirs) in ratios.items():
        print(f"{what}: {rates[mine] / rates[theirs]:.2f}x")


if __name__ == "__main__":
    main()
