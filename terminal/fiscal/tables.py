"""The tables of a fiscal archive: the same facts as the signed entries, for a spreadsheet.

In French whatever language the screens speak, because French law asks for them. Semicolons,
decimal commas and a byte order mark, as spreadsheets in France read them. No card is named.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final, TypeAlias

from cardkit.bodies import (
    Closure,
    ClosurePeriod,
    PaidOtherwise,
    Refund,
    RefundReason,
    Sale,
    VatTotal,
)
from cardkit.clock import PARIS
from cardkit.entries import Entry
from cardkit.money import format_cents
from terminal.basket import LineKind, SaltedLines, Unit
from terminal.fiscal.contents import Contents
from terminal.fiscal.events import events
from terminal.fiscal.perimeter import is_fiscal
from terminal.fiscal.signature import short_signature
from terminal.receipts.content import net_cents
from terminal.software import Source

Row = tuple[str, ...]
Money: TypeAlias = Sale | Refund | PaidOtherwise
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a text (OWASP, "CSV Injection")."""
_TICKETS: Final = (
    "ticket",
    "ecriture",
    "nature",
    "date_heure",
    "terminal",
    "producteur",
    "montant_par_carte",
    "total_ttc",
    "regle_autrement",
    "mode_de_paiement",
    "ticket_d_origine",
    "motif",
    "formation",
    "cumul_perpetuel",
    "signature_courte",
)
_LINES: Final = (
    "ticket",
    "ligne",
    "genre",
    "libelle",
    "quantite",
    "unite",
    "prix_unitaire_ttc",
    "montant_ttc",
    "taux_tva",
    "taux_de_prise_en_charge",
    "empreinte",
)
_VAT: Final = (
    "ticket",
    "ecriture",
    "nature",
    "taux_tva",
    "taux_de_prise_en_charge",
    "ttc",
    "ht",
    "tva",
    "regle_par_carte",
)
_CLOSURES: Final = (
    "ecriture",
    "periode",
    "date",
    "faite_le",
    "rattrapage",
    "premiere_ecriture",
    "derniere_ecriture",
    "ventes",
    "total_des_ventes",
    "remboursements",
    "total_des_remboursements",
    "cumul_perpetuel",
    "ttc_par_taux_tva",
    "empreinte_de_la_derniere_ecriture",
)
_EVENTS: Final = ("ecriture", "date_heure", "evenement", "detail", "operateur", "formation")
_SOFTWARE: Final = ("fichier", "sha256", "perimetre_fiscal")
_NATURES: Final = {
    Sale: "vente",
    Refund: "remboursement",
    PaidOtherwise: "vente sans carte",
}
_REASONS: Final = {
    RefundReason.GOODS_RETURNED: "marchandise rendue",
    RefundReason.WRONG_AMOUNT: "erreur de montant",
    RefundReason.PAID_OTHERWISE: "payé autrement",
    RefundReason.OTHER: "autre",
}
_PERIODS: Final = {
    ClosurePeriod.DAY: "jour",
    ClosurePeriod.MONTH: "mois",
    ClosurePeriod.YEAR: "année",
}
_KINDS: Final = {
    LineKind.AMOUNT: "montant",
    LineKind.PRODUCT: "produit",
    LineKind.DEPOSIT: "consigne",
    LineKind.DEPOSIT_RETURNED: "consigne rendue",
    LineKind.DISCOUNT: "remise",
}


def tables(contents: Contents, sources: Iterable[Source]) -> Iterator[tuple[str, bytes]]:
    """Return every table with its file's name."""
    yield "tickets.csv", _table(_TICKETS, _tickets(contents))
    yield "lignes.csv", _table(_LINES, _basket_lines(contents))
    yield "tva.csv", _table(_VAT, _vat(contents))
    yield "clotures.csv", _table(_CLOSURES, _closures(contents))
    rows = (
        (
            str(it.seq),
            _second(it.envelope.at),
            name,
            _harmless(detail),
            by,
            _yes(it.envelope.training),
        )
        for it, name, detail, by in events(contents.entries)
    )
    yield "evenements.csv", _table(_EVENTS, rows)
    yield (
        "logiciel.csv",
        _table(_SOFTWARE, ((it.name, it.digest.hex(), _yes(is_fiscal(it))) for it in sources)),
    )


def _tickets(contents: Contents) -> Iterator[Row]:
    for entry, body in _money(contents):
        envelope = entry.envelope
        paid_cents, total_cents, otherwise_cents = _amounts(contents, body)
        yield (
            str(_ticket(entry, body)),
            str(entry.seq),
            _NATURES[type(body)],
            _second(envelope.at),
            str(envelope.terminal),
            str(envelope.merchant),
            format_cents(paid_cents),
            format_cents(total_cents),
            format_cents(otherwise_cents),
            _means(paid_cents, otherwise_cents),
            str(body.intent_seq) if isinstance(body, Refund) else "",
            _REASONS[body.reason] if isinstance(body, Refund) else "",
            _yes(envelope.training),
            format_cents(envelope.perpetual_cents),
            short_signature(entry),
        )


def _ticket(entry: Entry, body: Money) -> int:
    return body.intent_seq if isinstance(body, Sale) else entry.seq


def _means(paid_cents: int, otherwise_cents: int) -> str:
    if not otherwise_cents:
        return "carte Clafoutis"
    return "carte Clafoutis et autre moyen" if paid_cents else "autre moyen"


def _amounts(contents: Contents, body: Money) -> tuple[int, int, int]:
    """Return what moved on the card, what the whole basket came to, and what was paid otherwise."""
    if isinstance(body, PaidOtherwise):
        return 0, body.total_cents, body.total_cents
    if isinstance(body, Refund):
        return -body.amount_cents, -body.amount_cents, 0
    intent = contents.intents.get(body.intent_seq)
    total_cents = None if intent is None else intent.total_cents
    otherwise_cents = None if intent is None else intent.remainder_cents
    return body.amount_cents, total_cents or body.amount_cents, otherwise_cents or 0


def _basket_lines(contents: Contents) -> Iterator[Row]:
    for seq, lines_hash in contents.baskets.items():
        if lines_hash not in contents.lines:
            continue
        lines = SaltedLines.decode(contents.lines[lines_hash]).lines
        for number, line in enumerate(lines, start=1):
            yield (
                str(seq),
                str(number),
                _KINDS[line.kind],
                _harmless(line.label),
                str(line.quantity),
                "g" if line.unit is Unit.GRAM else "pièce",
                format_cents(line.unit_price_cents),
                format_cents(line.amount_cents),
                format_cents(line.vat_bp),
                format_cents(line.coverage_bp),
                lines_hash.hex(),
            )


def _vat(contents: Contents) -> Iterator[Row]:
    for entry, body in _money(contents):
        sign, seq = -1 if isinstance(body, Refund) else 1, _ticket(entry, body)
        for it in _vat_totals(contents, body):
            gross_cents = sign * it.gross_cents
            before_tax_cents = net_cents(gross_cents, it.vat_bp)
            yield (
                str(seq),
                str(entry.seq),
                _NATURES[type(body)],
                format_cents(it.vat_bp),
                format_cents(it.coverage_bp),
                format_cents(gross_cents),
                format_cents(before_tax_cents),
                format_cents(gross_cents - before_tax_cents),
                format_cents(sign * it.covered_cents),
            )


def _vat_totals(contents: Contents, body: Money) -> tuple[VatTotal, ...]:
    if not isinstance(body, Sale):
        return body.vat_totals
    intent = contents.intents.get(body.intent_seq)
    return () if intent is None else intent.vat_totals


def _closures(contents: Contents) -> Iterator[Row]:
    for entry in contents.entries:
        closure = entry.body
        if not isinstance(closure, Closure):
            continue
        yield (
            str(entry.seq),
            _PERIODS[closure.period],
            _day(closure),
            _second(entry.envelope.at),
            _yes(closure.late),
            str(closure.first_seq),
            str(closure.last_seq),
            str(closure.sales),
            format_cents(closure.sales_cents),
            str(closure.refunds),
            format_cents(closure.refunds_cents),
            format_cents(closure.perpetual_cents),
            " ; ".join(
                f"{format_cents(vat_bp)} % : {format_cents(cents)}"
                for vat_bp, cents in _by_rate(closure.vat_totals)
            ),
            closure.head.hex(),
        )


def _money(contents: Contents) -> Iterator[tuple[Entry, Money]]:
    for entry in contents.entries:
        if isinstance(entry.body, Sale | Refund | PaidOtherwise):
            yield entry, entry.body


def _by_rate(totals: Iterable[VatTotal]) -> list[tuple[int, int]]:
    """Return gross cents by VAT rate."""
    sums: dict[int, int] = {}
    for it in totals:
        sums[it.vat_bp] = sums.get(it.vat_bp, 0) + it.gross_cents
    return sorted(sums.items())


def _table(header: Row, rows: Iterable[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking a label, or the name of a stick, for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _second(at: datetime) -> str:
    """Show an instant in France, with its distance from UTC: one hour of October comes twice."""
    return at.astimezone(PARIS).isoformat(sep=" ")


def _day(closure: Closure) -> str:
    forms: dict[ClosurePeriod, str] = {
        ClosurePeriod.DAY: "%Y-%m-%d",
        ClosurePeriod.MONTH: "%Y-%m",
        ClosurePeriod.YEAR: "%Y",
    }
    day: date = closure.business_date
    return day.strftime(forms[closure.period])


def _yes(flag: bool) -> str:
    return "oui" if flag else "non"
