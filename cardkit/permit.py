"""What one terminal may do, for whom, until when: the permit, signed by the issuer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cardkit import cbor
from cardkit.certificates import Role, Trust, refuse_older
from cardkit.errors import DocumentForeign
from cardkit.frozen import dataclass
from cardkit.schema import (
    DAYS,
    U31,
    U32,
    Flag,
    Int,
    ListOf,
    Nested,
    Seconds,
    Text,
    document,
    maybe,
    pack,
    unpack,
    wire,
)
from cardkit.signing import ContentType, Signed, SigningKey

MERCHANTS_MAX: Final = 64
"""A producers' shop with room to spare; a loan for a day lists every merchant of a caisse."""


COVERAGES_MAX: Final = 8


@document
class MerchantGrant:
    """One merchant that this terminal may sell for."""

    merchant: int = wire(1, U32)
    name: str = wire(2, Text(70))
    """The stall's public name, as on its sign."""
    convention_from: datetime = wire(3, Seconds)
    convention_until: datetime = wire(4, Seconds)
    """The first instant that the convention no longer covers."""
    coverages_bp: tuple[int, ...] = maybe(5, ListOf(Int(0, 10_000), COVERAGES_MAX), default=())
    """Rates that the convention knows, the highest first; empty: as the till's articles say."""


@document
class Caps:
    """Bounds that keep a rare loss small; each is a dated rule of the caisse."""

    sale_max_cents: int = wire(1, U31)
    card_day_max_cents: int = wire(2, U31)
    """Per card, business day and terminal."""
    card_day_stale_max_cents: int = wire(3, U31)
    """The same while the directory is older than `fresh_days`."""
    fresh_days: int = wire(4, DAYS)
    unsent_max_cents: int = wire(5, U31)
    """Sales that only this terminal knows of."""
    warn_days: int = maybe(6, DAYS, default=14)
    """From this age of permit or directory on, the terminal warns that it will stop."""


@document
class Permit:
    """One version of what a terminal may do."""

    epoch: int = wire(1, U32)
    version: int = wire(2, U32)
    terminal: int = wire(3, U32)
    issued_at: datetime = wire(4, Seconds)
    valid_until: datetime = wire(5, Seconds)
    merchants: tuple[MerchantGrant, ...] = wire(6, ListOf(Nested(MerchantGrant), MERCHANTS_MAX))
    caps: Caps = wire(7, Nested(Caps))
    refund_days: int = wire(8, DAYS)
    """How long after a sale its refund may be entered."""
    training: bool = maybe(9, Flag, default=False)
    loan: bool = maybe(10, Flag, default=False)
    """For a day, to whoever needs it: it is not renewed, and what went before it counts again."""

    @property
    def order(self) -> tuple[int, int]:
        """What decides which of two permits is newer."""
        return self.epoch, self.version

    def grant(self, merchant: int) -> MerchantGrant | None:
        """Return what the permit says of a merchant."""
        return next((grant for grant in self.merchants if grant.merchant == merchant), None)


@dataclass(frozen=True, slots=True)
class HeldPermit:
    """A permit that was verified, with the digest that entries name it by."""

    permit: Permit
    digest: bytes


def sign_permit(key: SigningKey, permit: Permit) -> Signed:
    """Sign a permit with an issuer key."""
    return key.sign(ContentType.PERMIT, pack(permit))


def accept_permit(
    data: bytes, trust: Trust, *, terminal: int, held: HeldPermit | None = None
) -> HeldPermit:
    """Verify a permit for this terminal that is not older than the one held; raises DocumentError.

    An expired permit is accepted: what it lets the terminal do is decide()'s question.
    """
    signed = trust.verify(data, ContentType.PERMIT, Role.ISSUER)
    permit = unpack(Permit, cbor.decode(signed.payload))
    trust.check_dates(signed, permit.issued_at)
    if permit.terminal != terminal:
        raise DocumentForeign(f"a permit for terminal {permit.terminal}")
    if held is not None:
        refuse_older(permit.order, signed.digest, held.permit.order, held.digest)
    return HeldPermit(permit, signed.digest)
