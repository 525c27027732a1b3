"""Whether a message says yes to a question of ours, as a person says it. What was asked, and whether the answer proves
that it knows the question, is decided in `bot.pipeline.signup`.

Automatic replies go to the same address, and not all bear the marks of RFC 3834: help desks thank for the message,
holidays are announced under "Re:". So it is not enough that somebody answered. Their own words must begin with a yes,
or they sent our words back with none of their own, which no program does.
"""

import re
from email.message import Message
from html import unescape

from bot.mail.incoming import bounces

MOST_IDS = 20
# In the languages the question is asked in, and some more. A yes may be followed by anything.
YES = frozenset(
    [
        *("yes", "yep", "yeah", "ok", "okay", "ja", "jawohl", "oui", "ouais", "sí", "sim", "да", "tak"),
        *("はい", "是", "好", "同意", "네", "예"),
    ]
)
_YES_WITHOUT_BLANKS = ("はい", "是的", "好的", "同意")  # whatever follows without a blank
# Words that begin other sentences, too ("Si votre message est urgent"): these must be the whole of the first one.
WHOLE = frozenset(
    [
        *("y", "sure", "please", "confirm", "confirmed", "i confirm", "agreed", "i agree", "subscribe", "subscribe me"),
        *("please subscribe me", "sign me up", "that was me", "it was me", "this is me", "it is me", "that's me"),
        *("klar", "gerne", "bestätigt", "ich bestätige", "das war ich", "confirmé", "je confirme", "c'est moi"),
        *("d'accord", "si", "claro", "vale", "confirmo", "confirmado", "soy yo", "fui yo", "确认", "確認"),
        *("確認しました", "так"),
    ]
)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_RULE = re.compile(r"[-_=*]{5,}|-{2,}\s*\w.*-{2,}$")  # "-----Original Message-----"
_QUOTED_HTML = re.compile(r"<(blockquote|style|script|head)\b.*?(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[\n.,!;:。、！，]")
_DECORATION = " \t\n\"'“”„«»*_()."


def answered(message: Message) -> tuple[str, ...]:
    """The Message-IDs a message answers, the nearest first (RFC 5322 section 3.6.4)."""
    fields = [*message.get_all("In-Reply-To", []), *message.get_all("References", [])]
    found = [identifier for field in fields for identifier in reversed(_MESSAGE_ID.findall(str(field)))]
    return tuple(dict.fromkeys(found))[:MOST_IDS]


def is_yes(message: Message) -> bool:
    """Whether a person's words say yes. The marks of automatic replies are looked at elsewhere."""
    if message.get_content_type() == "multipart/report" or bounces.MAILER.search(str(message.get("From", ""))):
        return False
    text = bounces.first_text(message)
    if re.match(r"\s*<(?:!doctype|html|head|body|div|p|meta)\b", text, re.IGNORECASE):
        text = unescape(_TAG.sub(" ", _BREAK.sub("\n", _QUOTED_HTML.sub("\n> \n", text))))
    own, has_quote = _own_words(text)
    if not own:
        return has_quote
    own = own.strip(_DECORATION)
    first = _WORD.match(own)
    if (first is not None and first[0] in YES) or own.startswith(_YES_WITHOUT_BLANKS):
        return True
    return _SENTENCE_END.split(own, maxsplit=1)[0].strip(_DECORATION) in WHOLE


def _own_words(text: str) -> tuple[str, bool]:
    """What the writer added, in lower case; and whether anything is quoted."""
    lines = [line.strip() for line in text.splitlines()]
    own: list[str] = []
    has_quote = False
    for line in lines:
        if line == "--" or _RULE.match(line):  # a signature, or the whole message below
            break
        if line.startswith(">"):
            if not has_quote:
                _drop_attribution(own)
            has_quote = True
        else:
            own.append(line)
    return "\n".join(own).lower().replace("’", "'").strip(), has_quote


def _drop_attribution(own: list[str]) -> None:
    """ "On Fri, 20 Nov 2026 at 10:00, Paperlark <digest@example.org> wrote:" before a quotation, on one line or two."""
    while own and not own[-1]:
        own.pop()
    if not own or not own[-1].endswith((":", "：")):
        return
    last = own.pop()
    if own and own[-1] and not re.search(r"[\d@]", last):
        own.pop()
