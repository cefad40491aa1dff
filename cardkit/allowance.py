"""What a card may have spent in total, by when: the allowance, signed by the issuer.

    available = cumulative(now) - spent + refunds of this terminal that are not contained yet

Steps are UTC instants that the issuer computed from midnight in Paris; nobody else does
calendar arithmetic. They stand as minutes and cents after the first one, so that twelve months
fit into one slot of the card (docs/protocol.md, "Allowance").
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cardkit import cbor
from cardkit.certificates import Role, Trust
from cardkit.errors import DocumentAboveCeiling, DocumentMalformed, must
from cardkit.frozen import dataclass
from cardkit.money import CARD_CENTS_MAX
from cardkit.schema import U31, U32, ListOf, Seconds, document, exactly, pack, unpack, wire
from cardkit.signing import ContentType, Signed, SigningKey

UID_BYTES: Final = 7
STEPS_MAX: Final = 12
REFUNDS_MAX: Final = 6
"""Refunds listed on one card; the issuer drops one once its terminal has shown that it knows."""
DOCUMENT_BYTES_MAX: Final = 254
"""A slot of 256 bytes, less its length."""
_MINUTE: Final = timedelta(minutes=1)


@document
class AllowancePayload:
    """The allowance as its map says it."""

    epoch: int = wire(1, U32)
    version: int = wire(2, U32)
    uid: bytes = wire(3, exactly(UID_BYTES))
    generation: int = wire(4, U31)
    issued_at: datetime = wire(5, Seconds)
    spendable_until: datetime = wire(6, Seconds)
    first_from: datetime = wire(7, Seconds)
    first_cumulative_cents: int = wire(8, U31)
    increments: tuple[int, ...] = wire(9, ListOf(U31, 2 * (STEPS_MAX - 1)))
    refunds: tuple[int, ...] = wire(10, ListOf(U32, 2 * REFUNDS_MAX))


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """From an instant on, the card may have spent this much since it was issued."""

    from_at: datetime
    cumulative_cents: int


@dataclass(frozen=True, slots=True, order=True)
class RefundRef:
    """A refund entry: whose journal, and where in it."""

    terminal: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One version of what one card may spend."""

    epoch: int
    version: int
    uid: bytes
    generation: int
    issued_at: datetime
    spendable_until: datetime
    steps: tuple[Step, ...]
    refunds: tuple[RefundRef, ...] = ()
    digest: bytes = b""
    """SHA-256 of the signed document; empty until it is signed."""

    @property
    def order(self) -> tuple[int, int, int]:
        """What decides which of two allowances of one card is newer."""
        return self.generation, self.epoch, self.version

    def cumulative_cents(self, at: datetime) -> int:
        """Return what may have been spent in total by an instant (nothing before the first)."""
        return max((step.cumulative_cents for step in self.steps if step.from_at <= at), default=0)

    def available_cents(self, at: datetime, *, spent_cents: int, refunded_cents: int) -> int:
        """Return what may be spent now; `refunded_cents` counts only what is not contained."""
        if at > self.spendable_until:
            return 0
        return max(0, self.cumulative_cents(at) - spent_cents + refunded_cents)


def sign_allowance(key: SigningKey, allowance: Allowance) -> Signed:
    """Sign an allowance with an issuer key."""
    first, *later = allowance.steps
    increments: list[int] = []
    previous = first
    for step in later:
        minutes, rest = divmod(step.from_at - previous.from_at, _MINUTE)
        must(minutes > 0 and not rest, "steps rise by whole minutes")
        must(step.cumulative_cents >= previous.cumulative_cents, "a cumulative never falls")
        increments += [minutes, step.cumulative_cents - previous.cumulative_cents]
        previous = step
    payload = AllowancePayload(
        epoch=allowance.epoch,
        version=allowance.version,
        uid=allowance.uid,
        generation=allowance.generation,
        issued_at=allowance.issued_at,
        spendable_until=allowance.spendable_until,
        first_from=first.from_at,
        first_cumulative_cents=first.cumulative_cents,
        increments=tuple(increments),
        refunds=tuple(part for ref in allowance.refunds for part in (ref.terminal, ref.seq)),
    )
    signed = key.sign(ContentType.ALLOWANCE, pack(payload))
    must(len(signed.encoded) <= DOCUMENT_BYTES_MAX, "an allowance fits into a slot of the card")
    return signed


def accept_allowance(data: bytes, trust: Trust) -> Allowance:
    """Verify an allowance and its issuer's ceiling; raises DocumentError.

    That it belongs to the card in the field is the caller's question: compare `uid`.
    """
    signed = trust.verify(data, ContentType.ALLOWANCE, Role.ISSUER)
    payload = unpack(AllowancePayload, cbor.decode(signed.payload))
    issuer = trust.check_dates(signed, payload.issued_at)
    if len(payload.increments) % 2 or len(payload.refunds) % 2:
        raise DocumentMalformed("a step or a refund is cut in half")
    steps = [Step(payload.first_from, payload.first_cumulative_cents)]
    for minutes, increment_cents in zip(
        payload.increments[::2], payload.increments[1::2], strict=True
    ):
        steps.append(_next_step(steps[-1], minutes, increment_cents))
    if any(step.cumulative_cents > issuer.ceiling_cents(step.from_at) for step in steps):
        raise DocumentAboveCeiling("more than the root lets this issuer give")
    refunds = zip(payload.refunds[::2], payload.refunds[1::2], strict=True)
    return Allowance(
        epoch=payload.epoch,
        version=payload.version,
        uid=payload.uid,
        generation=payload.generation,
        issued_at=payload.issued_at,
        spendable_until=payload.spendable_until,
        steps=tuple(steps),
        refunds=tuple(RefundRef(terminal, seq) for terminal, seq in refunds),
        digest=signed.digest,
    )


def newest(*candidates: Allowance | None) -> Allowance | None:
    """Return the newest of several allowances of one card."""
    held = [candidate for candidate in candidates if candidate is not None]
    return max(held, key=lambda allowance: allowance.order, default=None)


def _next_step(previous: Step, minutes: int, increment_cents: int) -> Step:
    cumulative_cents = previous.cumulative_cents + increment_cents
    if minutes == 0 or cumulative_cents > CARD_CENTS_MAX:
        raise DocumentMalformed("steps do not rise, or beyond what a card can hold")
    try:
        from_at = previous.from_at + minutes * _MINUTE
    except OverflowError as error:
        raise DocumentMalformed("a step beyond the calendar") from error
    return Step(from_at, cumulative_cents)
