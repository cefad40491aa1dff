"""Merchants as lines of text: all of them, and one with its conventions and deputies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.utils.translation import gettext as _

from server_stub.console.merchant_words import KINDS
from server_stub.services.amounts import euros
from server_stub.services.merchants import MerchantState


def merchants_table(states: Iterable[MerchantState]) -> Iterator[str]:
    """Yield a line for each merchant: number, kind, name, and until when it may sell."""
    states = list(states)
    if not states:
        yield _("Aucun producteur.")
    for state in states:
        merchant = state.merchant
        yield f"{merchant.id:>4}  {KINDS[merchant.kind]!s:<10}  {merchant.name}  {_covered(state)}"


def merchant_lines(state: MerchantState) -> Iterator[str]:
    """Yield what is known of one merchant."""
    yield f"{state.merchant.id}  {KINDS[state.merchant.kind]}  {state.merchant.name}"
    for one in state.conventions:
        if one.days.from_day >= one.days.until_day:
            yield _("  Convention du %(signed)s : n’a jamais commencé") % {
                "signed": one.row.signed_on
            }
            continue
        yield _("  Convention du %(first)s au %(last)s, signée le %(signed)s, à %(km)s km") % {
            "first": one.days.from_day,
            "last": one.days.until_day - timedelta(days=1),
            "signed": one.row.signed_on,
            "km": one.terms.distance_km,
        }
        if one.terms.exception_minutes:
            yield _("    exception : %(minutes)s") % {"minutes": one.terms.exception_minutes}
        for category in one.terms.categories:
            rate = "" if category.coverage_bp is None else f" ({category.coverage_bp / 100:g} %)"
            products = f" : {', '.join(category.products)}" if category.products else ""
            yield f"    {category.name}{rate}{products}"
    for deputy in state.deputies:
        until = "" if deputy.until_day is None else f" → {deputy.until_day}"
        telephone = f", {deputy.telephone}" if deputy.telephone else ""
        text = _("  Peut agir en son nom (n° %(id)s) : %(name)s%(telephone)s, %(days)s")
        yield text % {
            "id": deputy.pk,
            "name": deputy.name,
            "telephone": telephone,
            "days": f"{deputy.from_day}{until}",
        }
    if state.outside.sales:
        yield _("  Hors convention : %(count)s ventes, %(sum)s") % {
            "count": state.outside.sales,
            "sum": euros(state.outside.amount_cents),
        }


def _covered(state: MerchantState) -> str:
    days = state.days
    if days is None:
        return _("sans convention : ne vend rien")
    return _("du %(first)s au %(last)s") % {
        "first": days.from_day,
        "last": days.until_day - timedelta(days=1),
    }
