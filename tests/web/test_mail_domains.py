"""The DNS is asked in bounds: remembered, and never by all threads at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.web import mail_domains
from bot.web.mail_domains import AT_ONCE, MailDomains


def test_what_the_dns_said_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lookup(domain: str) -> bool:
        asked.append(domain)
        return domain != "nothing.example"

    domains = MailDomains(lookup)
    for _ in range(3):
        assert domains.takes_mail("example.org")
        assert not domains.takes_mail("nothing.example")
    assert asked == ["example.org", "nothing.example"]
    monkeypatch.setattr(mail_domains, "KNOWN_FOR", 0.0)
    assert domains.takes_mail("example.org")
    assert len(asked) == 3


def test_slow_name_servers_hold_only_some_threads_and_refuse_nobody() -> None:
    slow, asking = threading.Event(), threading.Semaphore(0)

    def lookup(domain: str) -> bool:
        asking.release()
        assert slow.wait(20)
        return False

    domains = MailDomains(lookup)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(domains.takes_mail, f"{number}.example") for number in range(AT_ONCE)]
        for _ in range(AT_ONCE):
            assert asking.acquire(timeout=20)
        assert all(domains.takes_mail(f"more{number}.example") for number in range(50))
        slow.set()
        assert not any(one.result(20) for one in waiting)
    assert not domains.takes_mail("later.example")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_domains, "MOST_KNOWN", 10)
    asked: list[str] = []
    domains = MailDomains(lambda domain: asked.append(domain) is None)
    for number in range(100):
        domains.takes_mail(f"{number}.example")
    domains.takes_mail("99.example")
    assert len(asked) == 100
    domains.takes_mail("1.example")
    assert len(asked) == 101
