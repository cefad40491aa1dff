"""Paper slips and carnets in pages: what waits for a second person, and what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from django.db.models import Exists, OuterRef

from server_stub.models import Carnet, Merchant, PaperClaim, PaperPaid, PaperSlip
from server_stub.rules.paper import DOUBTS, NotPaid
from server_stub.services import paper
from server_stub.services.acts_read import ActSeen, seen, user_names
from server_stub.services.caisse import Caisse

PAGE_ROWS: Final = 50
SlipNotPaid: TypeAlias = NotPaid
"""Why a slip is not entered or not paid."""
ALL_DOUBTS: Final = sum(DOUBTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipSeen:
    """A slip that somebody entered, and what speaks against it."""

    slip: PaperSlip
    merchant: str
    doubts: int
    author: str
    act: ActSeen | None
    """What paid it, once it is paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarnetSeen:
    """A carnet, and how many of its slips have come back."""

    carnet: Carnet
    merchant: str
    paid: int
    paid_cents: int


def waiting_slips(caisse: Caisse) -> tuple[SlipSeen, ...]:
    """Return the slips that wait for a second person, the first entered first."""
    paid = PaperPaid.objects.filter(carnet=OuterRef("carnet"), slip=OuterRef("number"))
    rows = PaperSlip.objects.using(caisse.using).select_related("carnet", "card")
    found = rows.filter(~Exists(paid)).order_by("entered_at")[:PAGE_ROWS]
    return _slips(caisse, list(found), doubts=False)


def slip_seen(caisse: Caisse, carnet: int, number: int) -> SlipSeen | None:
    """Return one slip with what speaks against it; None where nobody has entered it."""
    rows = PaperSlip.objects.using(caisse.using).select_related("carnet", "card")
    found = rows.filter(carnet=carnet, number=number).first()
    return None if found is None else _slips(caisse, [found], doubts=True)[0]


def carnets(caisse: Caisse, *, after: int | None = None) -> tuple[CarnetSeen, ...]:
    """Return carnets, the highest number first."""
    rows = Carnet.objects.using(caisse.using).order_by("-number")
    if after is not None:
        rows = rows.filter(number__lt=after)
    found = list(rows[:PAGE_ROWS])
    names = _names(caisse, {row.merchant for row in found})
    claims = PaperClaim.objects.using(caisse.using).filter(
        carnet__in=[row.number for row in found], paid__isnull=False
    )
    paid: dict[int, list[int]] = {}
    for carnet, cents in claims.values_list("carnet", "amount_cents"):
        paid.setdefault(carnet, []).append(cents)
    return tuple(
        CarnetSeen(
            carnet=row,
            merchant=names.get(row.merchant, ""),
            paid=len(paid.get(row.number, ())),
            paid_cents=sum(paid.get(row.number, ())),
        )
        for row in found
    )


def all_merchants(caisse: Caisse) -> list[tuple[int, str]]:
    """Return every merchant by name."""
    return list(Merchant.objects.using(caisse.using).order_by("name").values_list("id", "name"))


def _slips(caisse: Caisse, rows: list[PaperSlip], *, doubts: bool) -> tuple[SlipSeen, ...]:
    names = _names(caisse, {row.carnet.merchant for row in rows})
    people = user_names(caisse, {row.entered_by for row in rows})
    return tuple(
        SlipSeen(
            slip=row,
            merchant=names.get(row.carnet.merchant, ""),
            doubts=paper.doubts_about(caisse, row) if doubts else 0,
            author=people.get(row.entered_by, ""),
            act=_paid_by(caisse, row) if doubts else None,
        )
        for row in rows
    )


def _paid_by(caisse: Caisse, slip: PaperSlip) -> ActSeen | None:
    paid = PaperPaid.objects.using(caisse.using).select_related("claim__act")
    row = paid.filter(carnet=slip.carnet_id, slip=slip.number).first()
    return None if row is None else seen(caisse, [row.claim.act])[0]


def _names(caisse: Caisse, numbers: set[int]) -> dict[int, str]:
    rows = Merchant.objects.using(caisse.using).filter(id__in=numbers)
    return dict(rows.values_list("id", "name"))
