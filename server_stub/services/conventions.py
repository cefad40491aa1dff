"""Merchants' conventions, signed and ended as acts; who may act for a merchant, and until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from django.db.models import Count, Max, Q, Sum

from cardkit.clock import PARIS, business_date
from cardkit.conventions import ConventionEnded, ConventionSigned
from cardkit.errors import must
from cardkit.permit import COVERAGES_MAX, MerchantGrant
from server_stub.models import Claim, Convention, ConventionTerms, Merchant, MerchantKind
from server_stub.rules.allowances import midnight
from server_stub.rules.conventions import (
    WHOLE_BP,
    NotEnded,
    NotSigned,
    Span,
    Terms,
    coverages_bp,
    effective,
    end_objection,
    joined,
    objection,
    read_terms,
    standing,
)
from server_stub.rules.scheme import RuleName
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Begin and end of what a merchant without any convention is granted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One convention, as it counts."""

    row: Convention
    days: Span
    """With every end that was put on record; none at all where it never began."""
    terms: Terms


@dataclass(frozen=True, slots=True)
class Outside:
    """Sales that a merchant's terminals told of for days that no convention covers."""

    sales: int
    amount_cents: int


def register(caisse: Caisse, name: str, *, kind: MerchantKind = MerchantKind.PRODUCER) -> Merchant:
    """Give a merchant a number; it sells nothing before a convention is signed."""
    must(bool(name.strip()), "a merchant has a name")
    with caisse.alone():
        merchants = Merchant.objects.using(caisse.using)
        last = merchants.aggregate(last=Max("id"))["last"] or 0
        return merchants.create(id=last + 1, name=name.strip(), kind=kind)


def sign(
    caisse: Caisse, merchant: int, days: Span, terms: Terms, *, signed_on: date, by: int = 0
) -> Convention | NotSigned:
    """Put a convention on record; terminals hear of it with their next permit."""
    with caisse.alone():
        if not Merchant.objects.using(caisse.using).filter(id=merchant).exists():
            return NotSigned.NO_MERCHANT
        held = [one.days for one in of(caisse, merchant)]
        why_not = _objection(caisse, days, terms, held, signed_on)
        return why_not or _record(caisse, merchant, days, terms, signed_on=signed_on, by=by)


def end(caisse: Caisse, merchant: int, until_day: date, *, by: int) -> NotEnded | None:
    """End all that was signed with a merchant, so that `until_day` is the first day without.

    What was sold before stays as it is. A stall without network hears of it with its next
    permit; what it sold by the permit that it held is paid.
    """
    must(by > 0, "a person ends a convention")
    with caisse.alone():
        held = (one.days for one in of(caisse, merchant))
        why_not = end_objection(until_day, held, today=business_date(caisse.now()))
        if why_not is None:
            acts.record(caisse, ConventionEnded(merchant=merchant, until_day=until_day), by=by)
        return why_not


def change(
    caisse: Caisse, merchant: int, days: Span, terms: Terms, *, signed_on: date, by: int
) -> Convention | NotSigned | NotEnded:
    """End what covers `days.from_day` and sign what holds from then on: both or neither."""
    must(by > 0, "a person changes a convention")
    with caisse.alone():
        held = [one.days for one in of(caisse, merchant)]
        not_ended = end_objection(days.from_day, held, today=business_date(caisse.now()))
        if not_ended is not None:
            return not_ended
        left = [effective(one, (days.from_day,)) for one in held]
        why_not = _objection(caisse, days, terms, left, signed_on)
        if why_not is not None:
            return why_not
        acts.record(caisse, ConventionEnded(merchant=merchant, until_day=days.from_day), by=by)
        return _record(caisse, merchant, days, terms, signed_on=signed_on, by=by)


def of(caisse: Caisse, merchant: int) -> tuple[Signed, ...]:
    """Return a merchant's conventions in order, each with the days that count."""
    rows = list(
        Convention.objects.using(caisse.using).filter(merchant=merchant).prefetch_related("ends")
    )
    if not rows:
        return ()
    kept = ConventionTerms.objects.using(caisse.using).filter(digest__in={it.terms for it in rows})
    contents = {bytes(it.digest): it.content for it in kept}
    return tuple(
        Signed(
            row=row,
            days=effective(
                Span(row.from_day, row.until_day), (it.until_day for it in row.ends.all())
            ),
            terms=read_terms(contents[bytes(row.terms)]),
        )
        for row in rows
    )


def spans(caisse: Caisse) -> dict[int, list[Span]]:
    """Return the days of every merchant's conventions, each cut by its ends; two queries."""
    held: dict[int, list[Span]] = defaultdict(list)
    for row in Convention.objects.using(caisse.using).prefetch_related("ends"):
        ends = (it.until_day for it in row.ends.all())
        held[row.merchant].append(effective(Span(row.from_day, row.until_day), ends))
    return held


def grant_of(caisse: Caisse, merchant: Merchant) -> MerchantGrant:
    """Return what a permit of today says of a merchant."""
    signed = of(caisse, merchant.id)
    days = standing((one.days for one in signed), business_date(caisse.now()))
    if days is None:
        return MerchantGrant(
            merchant=merchant.id, name=merchant.name, convention_from=NEVER, convention_until=NEVER
        )
    percent = voted(caisse, RuleName.COVERAGE_PERCENT)
    usual_bp = WHOLE_BP if percent is None else percent * WHOLE_BP // 100
    terms = (one.terms for one in signed if one.days.overlaps(days))
    rates = coverages_bp(terms, usual_bp=usual_bp)
    return MerchantGrant(
        merchant=merchant.id,
        name=merchant.name,
        convention_from=midnight(days.from_day, PARIS),
        convention_until=midnight(days.until_day, PARIS),
        coverages_bp=rates[:COVERAGES_MAX],
    )


def covered(caisse: Caisse, day: date) -> list[Merchant]:
    """Return the merchants whose conventions cover a day."""
    return [
        merchant
        for merchant in Merchant.objects.using(caisse.using).order_by("id")
        if any(one.days.covers(day) for one in of(caisse, merchant.id))
    ]


def sold_outside(caisse: Caisse, merchant: int) -> Outside:
    """Count what was sold for a merchant outside its conventions: told, kept, and decided apart."""
    # Stretches outside rather than all but those inside: an index leads to the few sales there.
    outside, since = Q(), Q()
    for one in joined(signed.days for signed in of(caisse, merchant)):
        outside |= since & Q(at__lt=midnight(one.from_day, PARIS))
        since = Q(at__gte=midnight(one.until_day, PARIS))
    claims = Claim.objects.using(caisse.using).filter(outside | since, merchant=merchant)
    sums = claims.aggregate(sales=Count("id"), cents=Sum("amount_cents"))
    return Outside(sums["sales"], sums["cents"] or 0)


def _objection(
    caisse: Caisse, days: Span, terms: Terms, held: Iterable[Span], signed_on: date
) -> NotSigned | None:
    return objection(
        days,
        terms,
        held,
        signed_on=signed_on,
        today=business_date(caisse.now()),
        radius_km=voted(caisse, RuleName.RADIUS_KM),
    )


def _record(
    caisse: Caisse, merchant: int, days: Span, terms: Terms, *, signed_on: date, by: int
) -> Convention:
    ConventionTerms.objects.using(caisse.using).get_or_create(
        digest=terms.digest, defaults={"content": terms.encoded}
    )
    body = ConventionSigned(
        merchant=merchant,
        from_day=days.from_day,
        until_day=days.until_day,
        signed_on=signed_on,
        terms=terms.digest,
    )
    row = acts.record(caisse, body, by=by)
    return Convention.objects.using(caisse.using).get(act=row)
