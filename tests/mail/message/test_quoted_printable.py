import quopri
import re

from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.letter.letter import PersonalText
from bot.mail.message.dkim import relaxed_body
from bot.mail.message.mime import body, quoted

NASTY = st.text(st.sampled_from(list("ab. =\t\r\n\0Fröm漢😀\x7f~")), max_size=300)


@given(NASTY | st.text(max_size=300))
@example("From me\n.\n..\n a  b \t \n\nFrom\n")
@example("x" * 72 + "From y")
@example("ü" * 200)
@example("=" * 100)
@example(" " * 200)
@example(("x" * 71 + " ") * 3)
@example("no end")
@example("a\rb\r\nc")
def test_comes_back_in_the_one_safe_spelling(text: str) -> None:
    raw = quoted(text)
    expected = text.replace("\r\n", "\n").encode("utf-8", "replace").replace(b"\n", b"\r\n")
    assert quopri.decodestring(raw) == expected
    assert raw == b"" or raw.endswith(b"\r\n")
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76
        assert re.fullmatch(rb"[ -~]*", line)
        assert not line.startswith((b".", b"From "))
        assert not line.endswith(b" ")
        assert b"  " not in line
    assert relaxed_body(raw + b"end\r\n") == raw + b"end\r\n"


@given(st.lists(NASTY, max_size=5))
def test_pieces_are_the_whole(pieces: list[str]) -> None:
    pieces = [piece.replace("\r", "") for piece in pieces]
    joined = b"".join(map(quoted, pieces))
    assert quopri.decodestring(joined).replace(b"\r\n", b"\n").decode() == "".join(pieces)


@given(st.lists(st.tuples(NASTY, st.booleans(), st.booleans()), max_size=6))
@example([("=00\n", True, True), ("\0\n", True, True), ("a", True, False)])
@example([("=00=\r\n\n", True, True), ("\r", True, True), (".b", True, True)])
def test_what_is_a_letters_own_is_encoded_as_the_rest_is(drawn: list[tuple[str, bool, bool]]) -> None:
    chunks = [PersonalText(text + "\n" * ends) if own else text + "\n" * ends for text, own, ends in drawn]
    assert body(chunks) == b"".join(quoted(str(chunk)) for chunk in chunks)


def test_shared_cards_are_encoded_once() -> None:
    card = "<p>a card that many letters share</p>\n" * 3
    assert quoted(card) is quoted(card)
