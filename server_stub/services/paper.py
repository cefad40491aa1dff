"""Slips of the paper carnet: entered by one person, read again by a second, then paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from django.db.models import Sum

from cardkit.clock import PARIS, business_date
from cardkit.errors import must
from cardkit.resolutions import PaperAccepted, PaperBearer
from server_stub.models import Card, Carnet, Claim, Merchant, PaperClaim, PaperPaid, PaperSlip
from server_stub.rules.allowances import midnight
from server_stub.rules.facts import Outcome
from server_stub.rules.paper import NotPaid, SaleSeen, Slip, doubts_of, is_over_ceiling
from server_stub.rules.scheme import RuleName
from server_stub.services import acts
from server_stub.services.behind import lock
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards
from server_stub.services.deciding import Done
from server_stub.services.rules_in_force import voted_or_proposed


def hand_out(
    caisse: Caisse, number: int, *, merchant: int, first_slip: int, last_slip: int, by: int
) -> Carnet | NotPaid:
    """Put down that a carnet is a merchant's: its slips are nobody else's from now on."""
    must(by > 0, "a person hands out a carnet")
    with caisse.alone():
        known = Merchant.objects.using(caisse.using).filter(id=merchant).exists()
        if not known or not 0 < first_slip <= last_slip:
            return NotPaid.NO_SUCH_CARNET
        if Carnet.objects.using(caisse.using).filter(number=number).exists():
            return NotPaid.CARNET_KNOWN
        return Carnet.objects.using(caisse.using).create(
            number=number,
            merchant=merchant,
            first_slip=first_slip,
            last_slip=last_slip,
            handed_out_on=business_date(caisse.now()),
            handed_out_by=by,
        )


def enter(
    caisse: Caisse,
    carnet: int,
    number: int,
    *,
    day: date,
    card_number: str,
    amount_cents: int,
    is_initialled: bool,
    by: int,
) -> PaperSlip | NotPaid:
    """Keep what one person read off a slip; nothing is paid yet."""
    must(by > 0, "a person enters a slip")
    with caisse.alone():
        book = Carnet.objects.using(caisse.using).filter(number=carnet).first()
        if book is None:
            return NotPaid.NO_SUCH_CARNET
        if not book.first_slip <= number <= book.last_slip:
            return NotPaid.NOT_IN_CARNET
        if not book.handed_out_on <= day <= business_date(caisse.now()) or amount_cents <= 0:
            return NotPaid.NOT_A_SLIP
        manager = PaperSlip.objects.using(caisse.using)
        if manager.filter(carnet=book, number=number).exists():
            return NotPaid.KNOWN_ALREADY
        return manager.create(
            carnet=book,
            number=number,
            day=day,
            amount_cents=amount_cents,
            card_number=_printed(card_number)[:20],
            card=_card(caisse, card_number),
            is_initialled=is_initialled,
            entered_by=by,
            entered_at=caisse.now(),
        )


def drop(caisse: Caisse, carnet: int, number: int) -> NotPaid | None:
    """Forget what was entered and is not paid, as when it was read wrongly."""
    with caisse.alone():
        slip = _entered(caisse, carnet, number)
        if slip is None:
            return NotPaid.NOT_ENTERED
        if _is_paid(caisse, slip):
            return NotPaid.PAID_ALREADY
        slip.delete(using=caisse.using)
        return None


def confirm(
    caisse: Caisse, carnet: int, number: int, *, amount_cents: int, doubts: int = 0, by: int
) -> Done | NotPaid:
    """Pay a slip whose amount a second person has read too.

    `doubts`: what the two know that speaks against it, and pay it all the same (`rules.paper`).
    """
    must(by > 0, "a person confirms a slip")
    with caisse.alone():
        slip = _entered(caisse, carnet, number)
        if slip is None:
            return NotPaid.NOT_ENTERED
        refusal = _refusal(caisse, slip, amount_cents=amount_cents, doubts=doubts, by=by)
        if refusal is not None:
            return refusal
        on_credit = slip.card is not None and voted_or_proposed(caisse, RuleName.PAPER_ON_CREDIT)
        body = PaperAccepted(
            merchant=slip.carnet.merchant,
            carnet=carnet,
            slip=number,
            day=slip.day,
            amount_cents=slip.amount_cents,
            bearer=PaperBearer.CREDIT if on_credit else PaperBearer.FUND,
            doubts=doubts_about(caisse, slip),
            entered_by=slip.entered_by,
            uid=None if slip.card is None else slip.card.uid,
            generation=None if slip.card is None else slip.card.generation,
        )
        row = acts.record(caisse, body, by=by)
        if slip.card_id is not None:
            reconcile_cards(caisse, [slip.card_id])
        return Done(row.seq)


def doubts_about(caisse: Caisse, slip: PaperSlip) -> int:
    """Return everything that speaks against a slip, as far as terminals have told today."""
    return doubts_of(
        Slip(
            day=slip.day,
            amount_cents=slip.amount_cents,
            is_initialled=slip.is_initialled,
            is_of_known_card=slip.card_id is not None,
        ),
        _sales_of(caisse, slip),
    )


def entered(caisse: Caisse) -> list[PaperSlip]:
    """Return the slips that wait for a second person."""
    paid = set(PaperPaid.objects.using(caisse.using).values_list("carnet", "slip"))
    rows = PaperSlip.objects.using(caisse.using).select_related("carnet", "card")
    return [slip for slip in rows if (slip.carnet_id, slip.number) not in paid]


def _refusal(
    caisse: Caisse, slip: PaperSlip, *, amount_cents: int, doubts: int, by: int
) -> NotPaid | None:
    if lock(caisse) is not None:
        return NotPaid.LOCKED
    said = (
        (_is_paid(caisse, slip), NotPaid.PAID_ALREADY),
        (slip.entered_by == by, NotPaid.SAME_PERSON),
        (slip.amount_cents != amount_cents, NotPaid.NOT_THE_SAME),
        (bool(doubts_about(caisse, slip) & ~doubts), NotPaid.DOUBTFUL),
        (_is_over_ceiling(caisse, slip), NotPaid.OVER_CEILING),
    )
    return next((refusal for is_so, refusal in said if is_so), None)


def _is_over_ceiling(caisse: Caisse, slip: PaperSlip) -> bool:
    of_day = PaperClaim.objects.using(caisse.using).filter(
        merchant=slip.carnet.merchant, day=slip.day, paid__isnull=False
    )
    return is_over_ceiling(
        of_day.aggregate(sum=Sum("amount_cents"))["sum"] or 0,
        slip.amount_cents,
        day_max_cents=voted_or_proposed(caisse, RuleName.PAPER_DAY_MAX_CENTS),
    )


def _entered(caisse: Caisse, carnet: int, number: int) -> PaperSlip | None:
    rows = PaperSlip.objects.using(caisse.using).select_related("carnet", "card")
    return rows.filter(carnet_id=carnet, number=number).first()


def _is_paid(caisse: Caisse, slip: PaperSlip) -> bool:
    paid = PaperPaid.objects.using(caisse.using)
    return paid.filter(carnet=slip.carnet_id, slip=slip.number).exists()


def _sales_of(caisse: Caisse, slip: PaperSlip) -> Iterator[SaleSeen]:
    """Yield the green sales of a slip's merchant on its day."""
    begins, ends = midnight(slip.day, PARIS), midnight(slip.day + timedelta(days=1), PARIS)
    claims = Claim.objects.using(caisse.using).filter(
        merchant=slip.carnet.merchant,
        outcome=Outcome.SALE.value,
        at__gte=begins,
        at__lt=ends,
    )
    for card_id, amount_cents in claims.values_list("card_id", "amount_cents"):
        is_of_card = slip.card_id is not None and card_id == slip.card_id
        yield SaleSeen(is_of_card=is_of_card, amount_cents=amount_cents)


def _printed(card_number: str) -> str:
    return "".join(card_number.split()).replace(":", "").upper()


def _card(caisse: Caisse, card_number: str) -> Card | None:
    """Return the newest life of the card whose UID is printed so, if it is one of ours."""
    try:
        uid = bytes.fromhex(_printed(card_number))
    except ValueError:
        return None
    cards = Card.objects.using(caisse.using).filter(uid=uid, birth_tmv__isnull=False)
    return cards.order_by("-generation").first()
