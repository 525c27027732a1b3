"""Who writes, and where answers go: what the configuration says of this installation as a sender of mail.

How an address or a link comes to hold a token belongs to `bot.mail.tokens`.
"""

from dataclasses import dataclass, field

from bot.mail import tokens
from bot.mail.message.mailbox import Mailbox, mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """From the configuration, and the secret of the installation."""

    sender: Mailbox
    secret: str = field(repr=False)
    reply_to: Mailbox | None = None
    public_url: str = ""
    bounces: str = ""  # "b+{token}@example.org": the envelope sender; empty: the sender's own address
    unsubscribe: str = ""  # "unsub+{token}@example.org"; empty: the sender's address, with the token after a plus
    contact: str = ""
    reads_answers: bool = False  # whether there is an inbox, so that a question may be answered by mail
    language: str = "en"  # of letters to whoever chose none
    list_name: str = "Paperlark"
    archive: bool = False  # whether the web process shows the trending letter to everybody

    @property
    def domain(self) -> str:
        return self.sender.email.rpartition("@")[2]

    @property
    def help(self) -> str:
        """Where a question goes: the contact, if it is an https address or a mailbox; ""."""
        if self.contact.startswith(("https://", "http://")):
            return self.contact
        try:
            return mailbox(self.contact).email if self.contact else ""
        except ValueError:
            return ""

    def message_id(self, kind: str, slot: str, subscriber_id: int) -> str:
        """The one Message-ID an edition ever has."""
        return tokens.message_id(self.secret, kind, slot, subscriber_id, self.domain)

    @property
    def answer_template(self) -> str:
        """Where somebody answers by mail, with a place for the token that says who and to what."""
        local, _, domain = self.sender.email.rpartition("@")
        return self.unsubscribe or f"{local}+{{token}}@{domain}"
