"""What each refusal means: only what is a subscriber's own fault is ever counted as theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Outcome
from bot.mail.transport.replies import Phase, Reply, classify, failure


@pytest.mark.parametrize(
    ("said", "phase", "outcome"),
    [
        ("421 4.3.2 shutting down", "connect", "retry"),
        ("421 4.7.0 too many connections", "recipient", "retry"),
        ("450 4.2.1 greylisted", "recipient", "retry"),
        ("451 try later", "content", "retry"),
        ("452 4.2.2 mailbox full for now", "recipient", "retry"),
        ("454 4.7.0 temporary authentication failure", "auth", "retry"),
        ("421 4.7.26 not authenticated", "content", "retry"),
        ("550 5.1.1 no such user", "recipient", "refused"),
        ("550 no such user", "recipient", "refused"),
        ("551 user not local", "recipient", "refused"),
        ("553 mailbox name not allowed", "recipient", "refused"),
        ("554 5.1.10 null MX", "recipient", "refused"),
        ("556 5.1.10 domain takes no mail", "recipient", "refused"),
        ("501 5.1.3 bad address syntax", "recipient", "refused"),
        ("552 5.2.2 mailbox full", "recipient", "refused"),
        ("552 mailbox full", "recipient", "refused"),
        ("550 5.2.1 mailbox disabled", "recipient", "refused"),
        ("550 5.4.4 host not found", "recipient", "refused"),
        ("550 5.6.7 needs SMTPUTF8", "recipient", "refused"),
        ("550 5.1.1 no such user, said late", "content", "refused"),
        ("550 5.1.1 no such user, said late", "data", "refused"),
        ("554 transaction failed", "content", "refused"),
        ("550 5.7.1 relaying denied", "recipient", "ours"),
        ("550 5.7.26 not authenticated", "content", "ours"),
        ("550 5.7.515 access denied", "content", "ours"),
        ("530 5.7.0 authentication required", "sender", "ours"),
        ("530 authentication required", "recipient", "ours"),
        ("535 5.7.8 wrong password", "auth", "ours"),
        ("554 no service for you", "connect", "ours"),
        ("550 sender rejected", "sender", "ours"),
        ("550 5.1.8 sender domain not found", "recipient", "ours"),
        ("503 5.5.1 bad sequence", "recipient", "ours"),
        ("502 not implemented", "recipient", "ours"),
        ("555 parameters not recognised", "recipient", "ours"),
        ("554 5.6.0 malformed content", "content", "ours"),
        ("552 too big", "sender", "too big"),
        ("552 too big", "content", "too big"),
        ("552 5.3.4 too big", "recipient", "too big"),
        ("554 5.2.3 larger than this mailbox takes", "content", "too big"),
        ("550 relaying is not permitted", "recipient", "ours"),
        ("550 5.1.1 rejected, your server is on a block list", "recipient", "ours"),
        ("551 this server wants you to log in first", "recipient", "ours"),
        ("550 5.5.0 mailbox unavailable", "recipient", "refused"),
        ("550 message exceeds the size limit", "recipient", "too big"),
        ("550 Postfach nicht gefunden", "recipient", "refused"),
        ("354 what?", "content", "unknown"),
        ("354 what?", "recipient", "retry"),
    ],
)
def test_outcomes(said: str, phase: Phase, outcome: Outcome) -> None:
    code, _, text = said.partition(" ")
    error = failure(Reply(int(code), (text,)), phase, "refused")
    assert error.outcome == outcome
    assert error.code == (text.split(" ")[0] if text[1] == "." else code)
    assert said in str(error)


@given(
    st.integers(0, 999),
    st.from_regex(r"[245]\.\d{1,3}\.\d{1,3}", fullmatch=True) | st.just(""),
    st.sampled_from(["connect", "auth", "sender", "recipient", "data", "content"]),
)
def test_whatever_is_said_has_a_meaning_and_5_7_is_never_the_subscribers(
    code: int, enhanced: str, phase: Phase
) -> None:
    outcome = classify(code, enhanced, phase)
    if 400 <= code < 500:
        assert outcome == "retry"
    if outcome == "refused":
        assert 500 <= code < 600
        assert phase in ("recipient", "data", "content")
        assert not enhanced.startswith(("2.7.", "4.7.", "5.7."))


def test_words_are_one_printable_line() -> None:
    reply = Reply(550, ("5.1.1 no\tsuch \x1b[31muser", "second  line\x00", "x" * 500))
    assert reply.words.startswith("550 5.1.1 no such ?[31muser second line? xxx")
    assert len(reply.words) == 300
    assert reply.words.isprintable()
    assert reply.enhanced == "5.1.1"
    assert Reply(250, ("5.1.1 a number of another kind",)).enhanced == ""
    assert Reply(550, ("5.1.1000 nor this",)).enhanced == ""
    assert Reply(550, ()).enhanced == ""
