"""Who is at the door: pairings that the workshop has opened, with the words that terminals show.

The service sees requests and not the ticket's secret, so it can't say which one is genuine: a
person compares the words, and the workshop certifies.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cardkit import cbor
from cardkit.errors import DocumentError
from cardkit.pairing import PairRequest
from cardkit.schema import unpack
from server_stub.models import Merchant, Pairing, PairingRequest, PairingState
from server_stub.services.caisse import Caisse

PAIRINGS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A terminal that asks to be let in."""

    words: str
    """The four words that it shows."""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PairingSeen:
    """One ticket whose time is not over."""

    terminal: int
    """The number that the terminal will have."""
    merchants: tuple[Merchant, ...]
    opened_at: datetime
    expires_at: datetime
    asked: tuple[Asked, ...]
    is_approved: bool
    """The workshop has certified it: the terminal fetches its permit now."""


def pairings(caisse: Caisse) -> tuple[PairingSeen, ...]:
    """Return the pairings under way, the newest first."""
    alive = Pairing.objects.using(caisse.using).filter(expires_at__gt=caisse.now())
    rows = list(alive.prefetch_related("requests").order_by("-id")[:PAIRINGS_SHOWN])
    numbers = {number for row in rows for number in row.merchants}
    merchants = Merchant.objects.using(caisse.using).in_bulk(list(numbers))
    return tuple(
        PairingSeen(
            terminal=row.terminal_number,
            merchants=tuple(merchants[it] for it in row.merchants if it in merchants),
            opened_at=row.opened_at,
            expires_at=row.expires_at,
            asked=tuple(it for it in map(_asked, row.requests.all()) if it is not None),
            is_approved=row.state == PairingState.APPROVED,
        )
        for row in rows
    )


def _asked(row: PairingRequest) -> Asked | None:
    try:
        request = unpack(PairRequest, cbor.decode(bytes(row.content)))
    except DocumentError:
        return None
    return Asked(words=request.words, received_at=row.received_at)
