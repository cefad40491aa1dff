"""Requests are authenticated without a clock; secrets open for one holder and one purpose."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from cardkit.errors import DocumentError, DocumentMalformed, SignatureInvalid
from cardkit.httpsig import sign_post, verify_post
from cardkit.pairing import (
    CardMaster,
    CardMasters,
    PairRequest,
    Ticket,
    pair_request,
    workshop_purpose,
)
from cardkit.sealing import SealingKey, seal
from cardkit.signing import PublicKey, SigningKey
from cardkit.sync import SyncRequest, decode_request, encode_request, terminal_key_id
from tests.document_samples import sample

KEY = SigningKey.from_scalar(99, caisse="flers")
URL = "http://127.0.0.1:8000/v1/sync"
BODY = b"\xa0"
TICKET = Ticket("https://caisse.example/", "flers", bytes(range(32)), bytes(range(16)))


def _find(key_id: str) -> PublicKey | None:
    return KEY.public if key_id == terminal_key_id(7) else None


def _headers(created: datetime = datetime(2026, 3, 7, tzinfo=UTC)) -> dict[str, str]:
    return sign_post(URL, BODY, key=KEY, key_id=terminal_key_id(7), created=created)


@pytest.mark.parametrize("year", [1970, 2026, 2080])
def test_no_clock_is_a_reason_to_refuse(year: int) -> None:
    """Promise 5: a stall without a clock that at last finds network can send."""
    headers = _headers(datetime(year, 1, 2, tzinfo=UTC))
    assert verify_post(URL, headers, BODY, find_key=_find) == "terminal-7"


def test_a_proxy_may_change_the_host_and_not_the_path() -> None:
    """The signature covers what the service acts on."""
    verify_post("https://caisse.example/v1/sync", _headers(), BODY, find_key=_find)
    with pytest.raises(SignatureInvalid):
        verify_post("https://caisse.example/v1/pair", _headers(), BODY, find_key=_find)


def test_a_changed_body_header_or_key_is_refused() -> None:
    """Promise 2: nobody speaks in a terminal's name."""
    with pytest.raises(SignatureInvalid):
        verify_post(URL, _headers(), b"\xa1", find_key=_find)
    with pytest.raises(SignatureInvalid):
        verify_post(URL, _headers(), BODY, find_key=lambda _: None)
    with pytest.raises(DocumentMalformed):
        verify_post(URL, _headers() | {"Content-Type": "text/html"}, BODY, find_key=_find)
    for missing in ("Signature", "Signature-Input", "Content-Digest"):
        rest = {name: value for name, value in _headers().items() if name != missing}
        with pytest.raises(SignatureInvalid):
            verify_post(URL, rest, BODY, find_key=_find)


def test_a_signature_must_cover_the_body() -> None:
    """A signature over the method alone authenticates nothing."""
    headers = _headers()
    headers["Signature-Input"] = headers["Signature-Input"].replace(' "content-digest"', "")
    with pytest.raises(SignatureInvalid):
        verify_post(URL, headers, BODY, find_key=_find)


def test_a_request_is_read_as_it_was_written() -> None:
    """What travels over the net travels on a stick too: it is all in the body."""
    request: SyncRequest = sample(SyncRequest)
    assert decode_request(encode_request(request)) == request
    with pytest.raises(DocumentError):
        decode_request(encode_request(request)[:-1])


def test_a_secret_opens_for_its_holder_and_its_purpose_only() -> None:
    """Review attack 47: a sealed key can't be passed off as another one."""
    holder, other = SealingKey.generate(), SealingKey.generate()
    sealed = seal(b"secret", holder.public_bytes, purpose="a")
    assert SealingKey.from_bytes(holder.private_bytes).open(sealed, purpose="a") == b"secret"
    for key, purpose, data in (
        (other, "a", sealed),
        (holder, "b", sealed),
        (holder, "a", sealed[:-1]),
        (holder, "a", b""),
    ):
        with pytest.raises(DocumentMalformed):
            key.open(data, purpose=purpose)


def test_a_key_that_fits_no_lock_is_refused() -> None:
    """A stranger who asks to be paired with a point of low order gets a refusal, not a crash."""
    with pytest.raises(DocumentMalformed):
        seal(b"secret", bytes(32), purpose="a")


def test_the_workshop_seals_with_the_tickets_secret() -> None:
    """A service that lies can't put card keys of its own in the place of the workshop's."""
    purpose = workshop_purpose(TICKET.secret)
    assert purpose != workshop_purpose(bytes(16))
    holder = SealingKey.generate()
    with pytest.raises(DocumentMalformed):
        holder.open(seal(b"k", holder.public_bytes, purpose="terminal-card-keys"), purpose=purpose)


def test_a_ticket_survives_the_qr_code() -> None:
    """The text that is scanned or typed is all that a new terminal knows."""
    assert Ticket.from_text(TICKET.text) == TICKET
    assert "secret" not in repr(TICKET)


@pytest.mark.parametrize(
    "text",
    ["", "https://caisse.example", "//[", TICKET.text[:-2], TICKET.text.replace("pair", "pear")],
)
def test_another_qr_code_is_refused(text: str) -> None:
    """The coordinator who scans the wrong code is told so."""
    with pytest.raises(DocumentMalformed):
        Ticket.from_text(text)


def test_only_who_knows_the_secret_can_ask_to_be_paired() -> None:
    """Review attack 48: a stranger on the line can't put its keys in the terminal's place."""
    keys = {name: bytes([2]) * size for name, size in _SIZES.items()}
    request = pair_request(TICKET, **keys)
    assert request.made_with(TICKET.secret)
    assert not request.made_with(bytes(16))
    content = {item.name: getattr(request, item.name) for item in fields(request)}
    swapped = PairRequest(**(content | {"public_key": bytes([3]) * 33}))
    assert not swapped.made_with(TICKET.secret)
    assert len(request.words.split()) == 4


_SIZES = {"public_key": 33, "transport_key": 33, "sealing_key": 32}


def test_card_masters_are_never_shown() -> None:
    """Keys are never in a repr."""
    masters = CardMasters(system_id=b"CLAF-FLERS", masters=(CardMaster(version=1, key=b"K" * 16),))
    assert "KKKK" not in repr(masters) + repr(masters.masters[0])
