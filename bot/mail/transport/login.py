"""Logging in to a relay: PLAIN, LOGIN, XOAUTH2. Nothing said here ever reaches a message or a log."""

import base64
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.errors import DeliveryError
from bot.mail.transport.replies import Reply

Method = Literal["", "plain", "login", "xoauth2"]
TOKEN_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who we are to the relay. XOAUTH2 takes its access token from the password or from a command that prints one:
    tokens live for an hour, so whatever keeps them fresh runs outside and is asked at each connection."""

    user: str
    password: str = field(default="", repr=False)
    method: Method = ""  # "": the best the relay offers
    token_command: str = ""

    def method_for(self, offered: frozenset[str]) -> str:
        """The method to use with a relay that offers these. Raises DeliveryError if there is none."""
        wanted = [self.method.upper()] if self.method else ["XOAUTH2"] if self.token_command else ["PLAIN", "LOGIN"]
        for method in wanted:
            if method in offered:
                return method
        offers = f"offers only {', '.join(sorted(offered))}" if offered else "offers no login on this port"
        hint = "; for XOAUTH2 give token_command (see docs/delivery.md)" if "XOAUTH2" in offered else ""
        raise DeliveryError(f"the relay {offers}, not {' or '.join(wanted)}{hint}", "ours")

    def secret(self, method: str) -> str:
        if method != "XOAUTH2" or not self.token_command:
            return self.password
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own command, and no shell
                shlex.split(self.token_command), capture_output=True, text=True, timeout=TOKEN_SECONDS, check=True
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            reason = type(error).__name__  # its text may hold the token
            raise DeliveryError(f"token_command gave no token ({reason}); try it by hand", "ours") from None
        token = done.stdout.strip()
        if not token or not token.isascii() or not token.isprintable():
            raise DeliveryError("token_command must print one access token and nothing else", "ours")
        return token


def log_in(login: Login, offered: frozenset[str], say: Callable[[str], Reply]) -> Reply:
    """Run one login dialogue; `say` sends a line and returns the answer. Returns the last answer, fine or not."""
    method = login.method_for(offered)
    secret = login.secret(method)
    if method == "PLAIN":
        proof = _base64(f"\0{login.user}\0{secret}")
        reply = say(f"AUTH PLAIN {proof}")
    elif method == "LOGIN":
        proof = _base64(secret)
        reply = say("AUTH LOGIN")
        for answer in (_base64(login.user), proof):
            if reply.code == 334:
                reply = say(answer)
    else:
        proof = _base64(f"user={login.user}\x01auth=Bearer {secret}\x01\x01")
        reply = say(f"AUTH XOAUTH2 {proof}")
        if reply.code == 334:  # the reason, in base64; the refusal itself comes when we answer
            reply = say("")
    if any(word in line for line in reply.lines for word in (proof, secret)):
        return replace(reply, lines=("(its answer repeats the password and is not shown)",))
    return reply


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
