"""A quittance as lines of text: what is handed over for cash or a cheque, with its stub.

Number, sum, means, day, and whom it came from: the name is read from the members' list at that
moment, and stands in no book (instruction 06-031-A-B-M, titre 4: quittances à souche).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from cardkit.money import format_cents
from cardkit.till_box import Means
from server_stub.services.payments import Quittance

_CUT = "- " * 30


def quittance_lines(quittance: Quittance, *, caisse_name: str) -> Iterator[str]:
    """Yield what is handed over, then the stub, which bears no name."""
    yield from _part(quittance, caisse_name, name=quittance.name)
    yield _CUT.strip()
    yield _("SOUCHE")
    yield from _part(quittance, caisse_name, name="")


def _part(quittance: Quittance, caisse_name: str, *, name: str) -> Iterator[str]:
    means = _("chèque") if quittance.means is Means.CHEQUE else _("espèces")
    yield caisse_name
    yield _("QUITTANCE n° %(number)s") % {"number": quittance.reference}
    if quittance.is_duplicate:
        yield _("DUPLICATA")
    if quittance.cancelled_by:
        yield _("ANNULÉE par l’écriture %(entry)s") % {"entry": quittance.cancelled_by}
    if name:
        yield _("Reçu de : %(name)s") % {"name": name}
    yield _("La somme de : %(amount)s €") % {"amount": format_cents(quittance.amount_cents)}
    yield _("En : %(means)s, le %(day)s") % {
        "means": means,
        "day": f"{quittance.value_date:%d/%m/%Y}",
    }
    yield _("Pour : cotisation à la caisse")
