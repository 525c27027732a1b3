"""Signatures, judged by two programs that are not ours: dkimpy, and OpenDKIM where it is installed."""

import datetime as dt
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.letter.letter import Letter
from bot.errors import UserError
from bot.mail.message.dkim import OVERSIGNED, SIGNED, DkimSigner, relaxed_body
from bot.mail.message.mime import Head, write


@pytest.fixture(scope="session")
def signer(rsa_pem: bytes) -> DkimSigner:
    return DkimSigner("papers.example.org", "lark", rsa_pem)


def is_good(data: bytes, signer: DkimSigner) -> bool:
    def record(name: bytes, timeout: int = 5) -> bytes:
        assert name == f"{signer.record_name}.".encode()
        return signer.record.encode()

    return bool(dkim.verify(data, dnsfunc=record))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(subject=st.text(max_size=90), text=st.text(max_size=200), html=st.text(" a\t.=\nFü", max_size=200))
def test_whatever_we_write_verifies(subject: str, text: str, html: str, head: Head, signer: DkimSigner) -> None:
    assert is_good(write(Letter(subject=subject, text=(text,), html=(html,)), head, signer), signer)


def test_notes_and_alerts_verify(letter: Letter, head: Head, signer: DkimSigner) -> None:
    for other in (replace(head, list_id=""), replace(head, unsubscribe_url=""), replace(head, reply_to=None)):
        assert is_good(write(letter, other, signer), signer)


def test_it_stands_on_top_and_names_what_it_signs(letter: Letter, head: Head, signer: DkimSigner) -> None:
    data = write(letter, head, signer)
    assert data.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=papers.example.org; s=lark;\r\n")
    header = data.partition(b"\r\n\r\n")[0]
    assert max(map(len, header.split(b"\r\n"))) <= 110
    names = re.search(rb"; ?h=([^;]*);", re.sub(rb"\r\n ", b"", header))
    assert names is not None
    signed = names[1].decode().split(":")
    for name in SIGNED:
        assert signed.count(name) == (2 if name in OVERSIGNED else 1)
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(OVERSIGNED)
    assert write(letter, head, signer) == data


@pytest.mark.parametrize(
    "name", ["From", "To", "Subject", "Date", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"]
)
@pytest.mark.parametrize("at_top", [True, False])
def test_a_second_field_breaks_it(name: str, at_top: bool, letter: Letter, head: Head, signer: DkimSigner) -> None:
    data = write(letter, head, signer)
    added = f"{name}: <https://evil.example/>\r\n".encode()
    changed = added + data if at_top else data.replace(b"\r\nMIME-Version:", b"\r\n" + added + b"MIME-Version:", 1)
    assert changed != data
    assert not is_good(changed, signer)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Sparse attention", b"Sparse inattention"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"),
        (b"papers.example.org/u/", b"evil.example/u/"),
        (b"List-Id: Daily", b"List-Id: Weekly"),
    ],
)
def test_a_change_breaks_it(old: bytes, new: bytes, letter: Letter, head: Head, signer: DkimSigner) -> None:
    data = write(letter, head, signer)
    assert old in data
    assert not is_good(data.replace(old, new), signer)


def test_what_relays_do_to_blanks_does_not_break_it(letter: Letter, head: Head, signer: DkimSigner) -> None:
    data = write(letter, head, signer)
    data = data.replace(b"Subject: 20 November: ", b"Subject:   20 November:\r\n\t") + b"\r\n\r\n"
    assert is_good(b"Received: from somewhere\r\n" + data, signer)


@pytest.mark.skipif(shutil.which("opendkim") is None, reason="OpenDKIM is not installed")
@pytest.mark.parametrize("is_changed", [False, True])
def test_opendkim_agrees(is_changed: bool, letter: Letter, head: Head, signer: DkimSigner, tmp_path: Path) -> None:
    nasty = replace(letter, text=("From me\n. dot  two blanks \t\n" * 20,), html=("ü" * 300 + "\n", "\n\n\n"))
    data = write(nasty, head, signer)
    (tmp_path / "mail.eml").write_bytes(data.replace(b"two", b"tow") if is_changed else data)
    (tmp_path / "keys").write_text(f"{signer.record_name} {signer.record}\n")
    (tmp_path / "conf").write_text(f"Mode v\nSyslog no\nSocket inet:0@127.0.0.1\nTestPublicKeys {tmp_path}/keys\n")
    command = ["opendkim", "-x", str(tmp_path / "conf"), "-t", str(tmp_path / "mail.eml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert ("verification (s=lark, d=papers.example.org, 2048-bit key) succeeded" in done.stdout) is not is_changed


@given(st.binary(max_size=200) | st.text(" \t\r\nab", max_size=60).map(str.encode))
def test_relaxed_form_is_dkimpys(body: bytes) -> None:
    whole = re.sub(rb"\r?\n|\r", b"\r\n", body + b"\n")
    assert relaxed_body(whole) == dkim.canonicalization.Relaxed.canonicalize_body(whole)


def test_a_body_not_yet_relaxed_verifies_too(signer: DkimSigner) -> None:
    fields, body = [b"From: a@papers.example.org\r\n", b"Subject:  x \r\n"], b"two  blanks \t\r\n\r\n\r\n"
    moment = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    assert is_good(signer.sign(fields, body, moment) + b"".join(fields) + b"\r\n" + body, signer)


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_unfit_keys_and_names(rsa_pem: bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="1024 bits"):
        DkimSigner("example.org", "lark", pem(rsa.generate_private_key(65537, 1024)))
    with pytest.raises(UserError, match="not RSA"):
        DkimSigner("example.org", "lark", pem(ed25519.Ed25519PrivateKey.generate()))
    with pytest.raises(UserError, match="openssl genrsa"):
        DkimSigner("example.org", "lark", b"no key")
    with pytest.raises(UserError, match="cannot read the key"):
        DkimSigner.from_file("example.org", "lark", tmp_path / "missing.pem")
    for domain, selector in (("example", "lark"), ("example.org; s=x", "lark"), ("example.org", "la rk"), ("", "lark")):
        with pytest.raises(UserError, match="DKIM"):
            DkimSigner(domain, selector, rsa_pem)
