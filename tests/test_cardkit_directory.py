"""A directory never goes back, never loses a row in silence, and binds all it carries."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest

from cardkit.certificates import Certificate, Role, Trust, certify, open_certificate, terminal_keys
from cardkit.directory import (
    CardRow,
    CardStatus,
    DirectoryHeader,
    accept_directory,
    content_hash,
    read_row,
    row_digest,
    sign_directory,
)
from cardkit.errors import (
    DocumentError,
    DocumentExpired,
    DocumentForeign,
    DocumentMalformed,
    DocumentRolledBack,
    SignatureInvalid,
)
from cardkit.permit import Permit, accept_permit, sign_permit
from cardkit.sync import SyncAnswer, accept_answer, sign_answer
from tests.document_samples import AT, ISSUER, ROOT, SERVICE, TERMINAL
from tests.test_cardkit_decide import PERMIT


def _certificate(role: Role, key: bytes) -> bytes:
    certificate = Certificate(
        role=role,
        subject=7,
        valid_from=AT - timedelta(days=100),
        valid_until=AT + timedelta(days=300),
        public_key=key,
        transport_key=ISSUER.public.encoded if role is Role.TERMINAL else None,
    )
    return certify(ROOT, certificate).encoded


def _trust() -> Trust:
    trust = Trust(ROOT.public, caisse="flers")
    trust.accept(_certificate(Role.ISSUER, ISSUER.public.encoded))
    trust.accept(_certificate(Role.SERVICE, SERVICE.public.encoded))
    return trust


def _header(**change: object) -> DirectoryHeader:
    content = {
        "epoch": 1,
        "version": 5,
        "issued_at": AT,
        "valid_until": AT + timedelta(days=35),
        "cards": 0,
        "content_hash": content_hash(()),
    }
    return DirectoryHeader(**(content | change))  # type: ignore[arg-type]


def _sign(header: DirectoryHeader) -> bytes:
    return sign_directory(ISSUER, header).encoded


def test_a_newer_directory_replaces_an_older_one() -> None:
    """Promise 5: a stall that finds network learns what is new."""
    held = accept_directory(_sign(_header()), _trust(), held=None)
    assert accept_directory(_sign(_header(version=6)), _trust(), held=held).header.version == 6
    restored = accept_directory(_sign(_header(epoch=2, version=1)), _trust(), held=held)
    assert restored.header.order == (2, 1)


def test_an_older_directory_is_refused() -> None:
    """Review attack 42: a block that was seen is never forgotten by an old file."""
    held = accept_directory(_sign(_header()), _trust(), held=None)
    with pytest.raises(DocumentRolledBack):
        accept_directory(_sign(_header(version=4)), _trust(), held=held)


def test_two_directories_of_one_number_are_refused() -> None:
    """A service that tells two stories is caught by whoever hears both."""
    held = accept_directory(_sign(_header()), _trust(), held=None)
    assert accept_directory(_sign(_header()), _trust(), held=held) == held
    with pytest.raises(DocumentMalformed):
        accept_directory(_sign(_header(cards=1)), _trust(), held=held)


def test_only_the_issuer_signs_directories_and_permits() -> None:
    """Promise 2: the key that answers terminals can't block, free or permit anybody."""
    for data in (sign_directory(SERVICE, _header()), sign_directory(TERMINAL, _header())):
        with pytest.raises(SignatureInvalid):
            accept_directory(data.encoded, _trust(), held=None)
    with pytest.raises(SignatureInvalid):
        accept_permit(sign_permit(SERVICE, PERMIT).encoded, _trust(), terminal=7)


def test_a_permit_is_for_one_terminal() -> None:
    """A stolen permit opens no other till."""
    data = sign_permit(ISSUER, PERMIT).encoded
    assert accept_permit(data, _trust(), terminal=7).permit == PERMIT
    with pytest.raises(DocumentForeign):
        accept_permit(data, _trust(), terminal=8)


def test_an_answer_is_for_one_terminal_and_from_the_service() -> None:
    """T6: nobody's acknowledgement but the caisse's lets a terminal forget anything."""
    answer = SyncAnswer(terminal=7, up_to_seq=9, head=bytes(32), epoch=1, answered_at=AT)
    assert accept_answer(sign_answer(SERVICE, answer).encoded, _trust(), terminal=7).answer == (
        answer
    )
    with pytest.raises(DocumentForeign):
        accept_answer(sign_answer(SERVICE, answer).encoded, _trust(), terminal=8)
    with pytest.raises(SignatureInvalid):
        accept_answer(sign_answer(ISSUER, answer).encoded, _trust(), terminal=7)


def test_every_row_counts_in_the_content_hash() -> None:
    """Review attack 44: a delta that lost one block does not pass for the whole."""
    rows = [
        CardRow(uid=bytes([4, 0, 0, 0, 0, 0, place]), generation=1, status=status).encoded
        for place, status in enumerate((CardStatus.ACTIVE, CardStatus.BLOCKED))
    ]
    whole = content_hash(row_digest(row) for row in rows)
    assert whole != content_hash(row_digest(row) for row in rows[:1])
    assert whole != content_hash(row_digest(row) for row in reversed(rows))
    assert [read_row(row).status for row in rows] == [CardStatus.ACTIVE, CardStatus.BLOCKED]


def test_a_row_keeps_a_card_secret() -> None:
    """Promise 7: no field of a row is a name, a contribution or a reason."""
    assert {item.name for item in fields(CardRow)} == {
        "uid",
        "generation",
        "status",
        "allowance",
        "tmc",
        "tmv",
        "spent_cents",
        "read_records",
    }


def _issuer(key: bytes | None, *, days: int, subject: int = 1) -> bytes:
    certificate = Certificate(
        role=Role.ISSUER,
        subject=subject,
        valid_from=AT + timedelta(days=days),
        valid_until=AT + timedelta(days=300),
        public_key=key,
    )
    return certify(ROOT, certificate).encoded


def test_an_older_certificate_never_comes_back() -> None:
    """Review attack 47: a ceiling that was lowered stays lowered."""
    trust = Trust(ROOT.public, caisse="flers")
    trust.accept(_issuer(ISSUER.public.encoded, days=-5))
    trust.accept(_issuer(ISSUER.public.encoded, days=-5))
    with pytest.raises(DocumentRolledBack):
        trust.accept(_issuer(ISSUER.public.encoded, days=-6))


def test_a_certificate_without_a_key_revokes() -> None:
    """Review attack 47: a stolen issuer key ends with one document of the root."""
    trust = Trust(ROOT.public, caisse="flers")
    trust.accept(_issuer(ISSUER.public.encoded, days=-5))
    accept_directory(_sign(_header()), trust, held=None)
    trust.accept(_issuer(None, days=-4))
    with pytest.raises(SignatureInvalid):
        accept_directory(_sign(_header()), trust, held=None)


def test_one_key_has_one_holder() -> None:
    """Review attack 47: a key certified twice would let one role act as another."""
    trust = Trust(ROOT.public, caisse="flers")
    trust.accept(_issuer(ISSUER.public.encoded, days=-5))
    with pytest.raises(DocumentMalformed):
        trust.accept(_issuer(ISSUER.public.encoded, days=-5, subject=2))
    with pytest.raises(DocumentMalformed):
        trust.accept(_certificate(Role.SERVICE, ISSUER.public.encoded))


def test_what_was_signed_outside_the_dates_of_its_key_is_refused() -> None:
    """A key that has run out signs no directory and no answer."""
    late = AT + timedelta(days=301)
    answer = SyncAnswer(terminal=7, up_to_seq=9, head=bytes(32), epoch=1, answered_at=late)
    with pytest.raises(DocumentExpired):
        accept_answer(sign_answer(SERVICE, answer).encoded, _trust(), terminal=7)
    with pytest.raises(DocumentExpired):
        accept_directory(_sign(_header(issued_at=late)), _trust(), held=None)


def test_a_permit_never_goes_back_and_has_one_content() -> None:
    """A stolen terminal can't return to the caps it once had."""
    held = accept_permit(sign_permit(ISSUER, PERMIT).encoded, _trust(), terminal=7)
    content = {item.name: getattr(PERMIT, item.name) for item in fields(PERMIT)}
    newer = Permit(**(content | {"version": 2}))
    newest = accept_permit(sign_permit(ISSUER, newer).encoded, _trust(), terminal=7, held=held)
    with pytest.raises(DocumentRolledBack):
        accept_permit(sign_permit(ISSUER, PERMIT).encoded, _trust(), terminal=7, held=newest)
    other = Permit(**(content | {"refund_days": 99}))
    with pytest.raises(DocumentMalformed):
        accept_permit(sign_permit(ISSUER, other).encoded, _trust(), terminal=7, held=held)


def test_only_the_root_certifies() -> None:
    """Review attack 39: a service that lies can't enrol a ghost terminal."""
    with pytest.raises(DocumentError):
        open_certificate(
            certify(
                SERVICE,
                open_certificate(
                    _certificate(Role.TERMINAL, TERMINAL.public.encoded),
                    ROOT.public,
                    caisse="flers",
                ),
            ).encoded,
            ROOT.public,
            caisse="flers",
        )


def test_a_terminals_certificate_names_both_its_keys() -> None:
    """The key that signs a journal and the key that signs requests are two."""
    data = _certificate(Role.TERMINAL, TERMINAL.public.encoded)
    certificate = open_certificate(data, ROOT.public, caisse="flers")
    assert terminal_keys(certificate) == (TERMINAL.public, ISSUER.public)
    issuer = _certificate(Role.ISSUER, ISSUER.public.encoded)
    with pytest.raises(DocumentForeign):
        terminal_keys(open_certificate(issuer, ROOT.public, caisse="flers"))
