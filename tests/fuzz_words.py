"""Targets: what people type, scan and configure, and headers of HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

from http_message_signatures import HTTPMessageSigner, algorithms

from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import ClearBy
from cardkit.card.profile_file import AMOUNT_FORM, SettledFacts, with_facts, write_facts
from cardkit.errors import AmountInvalid, DocumentError, DocumentMalformed
from cardkit.httpsig import TAG, _OneKey, sign_post, verify_post
from cardkit.money import format_cents, parse_amount
from cardkit.pairing import SECRET_BYTES, Ticket
from cardkit.sync import CONTENT_TYPE, SIGNED_COMPONENTS
from terminal.words import Words
from tests.document_samples import AT, SERVICE, TERMINAL
from tests.fuzz_target import Parts, Target, blocks

_URL: Final = "https://caisse.example/v1/sync"
_BODY: Final = b"\xa1\1\2"
_HEADERS: Final = ("Content-Type", "Content-Digest", "Signature-Input", "Signature")


def fuzz_money(data: bytes) -> None:
    """A typed amount: whole cents within bounds, and shown again it is the same."""
    text = data.decode("utf-8", "replace")
    try:
        amount_cents = parse_amount(text)
    except AmountInvalid:
        return
    assert 0 < amount_cents < 10_000_000_00
    typed = text.strip().removesuffix("€").strip().replace(",", ".")
    assert Decimal(typed) * 100 == amount_cents
    assert parse_amount(format_cents(amount_cents)) == amount_cents
    assert parse_amount(format_cents(amount_cents, decimal_mark=".")) == amount_cents


def fuzz_instant(data: bytes) -> None:
    """A typed day and hour: an instant of a second, or none."""
    at = _WORDS.instant(data.decode("utf-8", "replace"))
    if at is not None:
        assert at.tzinfo is not None
        _WORDS.day(at)


def fuzz_ticket(data: bytes) -> None:
    """A scanned or typed pairing ticket."""
    try:
        ticket = Ticket.from_text(data.decode("utf-8", "replace"))
    except DocumentMalformed:
        return
    assert len(ticket.secret) == SECRET_BYTES
    assert "secret" not in repr(ticket)
    try:
        again = Ticket.from_text(ticket.text)
    except DocumentMalformed as error:
        raise AssertionError("a ticket that was read can't be written") from error
    assert again == ticket


def fuzz_profile(data: bytes) -> None:
    """The facts of a card profile: what a bench wrote, or a refusal; never another right."""
    text = data.decode("utf-8", "replace")
    try:
        profile = with_facts(text, CLAF_PURSE_1)
    except DocumentMalformed:
        return
    assert profile.files == CLAF_PURSE_1.files
    facts = SettledFacts(
        profile=profile.name,
        clear_by=profile.clear_by,
        amount_form=AMOUNT_FORM,
        sale_tmi=profile.sale_tmi,
        birth_tmi=profile.birth_tmi,
    )
    assert with_facts(write_facts(facts), CLAF_PURSE_1) == profile


def fuzz_httpsig(data: bytes) -> None:
    """A signed request whose headers, body or address somebody wrote anew.

    The first byte says which of the parts are replaced, by the blocks that follow.
    """
    parts = Parts(data)
    replaced = parts.number()
    headers, body, url = dict(_signed()), _BODY, _URL
    for bit, name in enumerate(_HEADERS):
        if replaced >> bit & 1:
            headers[name] = parts.block().decode("latin-1")
    if replaced & 64:
        signed_of = parts.number()
        body = parts.block()
        headers = _signed_in_part(signed_of, body)
    if replaced & 16:
        body = parts.block()
    if replaced & 32:
        url = f"https://caisse.example/{parts.block().hex()}"
    try:
        verify_post(url, headers, body, find_key=lambda _key_id: TERMINAL.public)
    except DocumentError:
        return
    if replaced & 64:
        assert all(f'"{name}"' in headers["Signature-Input"] for name in SIGNED_COMPONENTS)
        return
    assert body == _BODY, "another body under an old signature"
    assert url == _URL, "another address under an old signature"
    assert headers["Content-Type"] == _signed()["Content-Type"]


def _signed() -> dict[str, str]:
    if not _SIGNED:
        _SIGNED.update(sign_post(_URL, _BODY, key=TERMINAL, key_id="terminal-3", created=AT))
    return _SIGNED


def _signed_in_part(chosen: int, body: bytes) -> dict[str, str]:
    """The headers of a request of which the right key has signed a part only."""
    names = [name for bit, name in enumerate(SIGNED_COMPONENTS) if chosen >> bit & 1]
    message = SimpleNamespace(method="POST", url=_URL, headers={"Content-Type": CONTENT_TYPE})
    signer: Any = HTTPMessageSigner(
        signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=_OneKey(TERMINAL)
    )
    signer.sign(
        message,
        key_id="terminal-3",
        created=AT,
        tag=TAG,
        label=TAG,
        covered_component_ids=names,
        body=body,
    )
    headers: dict[str, str] = message.headers
    return headers


_SIGNED: Final[dict[str, str]] = {}
_WORDS: Final = Words("fr")


def _requests() -> Iterator[bytes]:
    values = [_signed()[name].encode("latin-1") for name in _HEADERS]
    yield b"\0"
    for bit, value in enumerate(values):
        yield bytes([1 << bit]) + blocks(value)
    yield b"\x1f" + blocks(*values, _BODY)
    yield b"\x40\x0f" + blocks(b"other")
    yield b"\x40\x01" + blocks(b"other")
    yield b"\x30" + blocks(b"\xa0", b"other")
    other = sign_post(_URL, b"\xa0", key=SERVICE, key_id="workshop", created=AT)
    yield b"\x1f" + blocks(*(other[name].encode("latin-1") for name in _HEADERS), b"\xa0")


def _facts() -> bytes:
    facts = SettledFacts(
        profile=CLAF_PURSE_1.name,
        clear_by=ClearBy.ABORT,
        amount_form=AMOUNT_FORM,
        sale_tmi=CLAF_PURSE_1.sale_tmi,
        birth_tmi=CLAF_PURSE_1.birth_tmi,
    )
    return write_facts(facts).encode()


def _ticket() -> bytes:
    return Ticket("https://caisse.example", "flers", bytes(range(32)), bytes(16)).text.encode()


TARGETS: Final = (
    Target(
        "money",
        fuzz_money,
        lambda: [b"12,50", "3 €".encode(), b"0.05", b"1234567,9", b"-2", b"12,505", b"7."],
    ),
    Target("instant", fuzz_instant, lambda: [b"01/11/2026 08:30", b"25/10/2026 02:30"]),
    Target("ticket", fuzz_ticket, lambda: [_ticket()]),
    Target("profile", fuzz_profile, lambda: [_facts()]),
    Target("httpsig", fuzz_httpsig, _requests),
)
