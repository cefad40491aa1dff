"""The events of a journal as a tax office reads them: what happened beside sales, in French.

The list is that of a *journal des événements techniques*. What names a card in an entry is left
out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from cardkit.bodies import (
    Acknowledged,
    Body,
    ClockSet,
    Closure,
    ClosurePeriod,
    DeclinedEntry,
    DocumentAccepted,
    DocumentRefused,
    EntryKind,
    Indeterminate,
    IntegrityFailed,
    MediumExchanged,
    Reading,
    ReceiptPrinted,
    Resolution,
    ResolutionChoice,
    SessionChanged,
    SettingChanged,
    Started,
    Void,
)
from cardkit.clock import PARIS
from cardkit.decide import Declined
from cardkit.entries import Entry, OperatorRole
from cardkit.language import FRENCH
from cardkit.money import format_cents
from terminal.words import Words

NAMES: Final = {
    EntryKind.ENROLLED: "mise en service du terminal",
    EntryKind.STARTED: "démarrage du programme",
    EntryKind.STOPPED: "arrêt du programme",
    EntryKind.CLOCK_SET: "réglage de l’horloge",
    EntryKind.PERMIT_ACCEPTED: "autorisation de la caisse reçue",
    EntryKind.DIRECTORY_ACCEPTED: "liste des cartes reçue",
    EntryKind.ALLOWANCE_SEEN: "allocation lue sur une carte",
    EntryKind.ACKNOWLEDGED: "écritures reçues par la caisse",
    EntryKind.SETTING_CHANGED: "réglage changé",
    EntryKind.INTEGRITY_FAILED: "contrôle d’intégrité en échec",
    EntryKind.DOCUMENT_REFUSED: "document refusé",
    EntryKind.MEDIUM_EXCHANGED: "échange par support amovible ou archive",
    EntryKind.INTENT: "vente engagée",
    EntryKind.VOID: "vente abandonnée, non débitée",
    EntryKind.INDETERMINATE: "vente laissée à la caisse",
    EntryKind.DECLINED: "vente refusée",
    EntryKind.RESOLUTION: "réponse sur une vente en attente",
    EntryKind.EVIDENCE: "état d’une carte relevé",
    EntryKind.ALLOWANCE_WRITTEN: "allocation écrite sur une carte",
    EntryKind.CLOSURE: "clôture",
    EntryKind.READING: "lecture des totaux (X)",
    EntryKind.RECEIPT_PRINTED: "ticket imprimé",
    EntryKind.SESSION_OPENED: "ouverture de la vente",
    EntryKind.SESSION_CLOSED: "fin de la vente",
}

IN_THEIR_OWN_TABLE: Final = frozenset({EntryKind.SALE, EntryKind.REFUND, EntryKind.PAID_OTHERWISE})
"""What moved money."""
_OPERATORS: Final = {
    OperatorRole.NOBODY: "programme",
    OperatorRole.PRODUCER: "producteur",
    OperatorRole.HELPER: "aide",
    OperatorRole.COORDINATOR: "coordination",
}
_CHOICES: Final = {
    ResolutionChoice.PARKED: "mise de côté",
    ResolutionChoice.PAID_OTHERWISE: "payée autrement",
    ResolutionChoice.CLIENT_LEFT: "client parti",
    ResolutionChoice.GOODS_HANDED_OVER: "marchandise remise",
}
_CLOSED: Final = {
    ClosurePeriod.DAY: "du jour",
    ClosurePeriod.MONTH: "du mois",
    ClosurePeriod.YEAR: "de l’année",
}
_WORDS: Final = Words(FRENCH)


def events(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str, str, str]]:
    """Return what moved no money, with its name, detail and operator in French."""
    for entry in entries:
        kind = entry.envelope.kind
        if kind in IN_THEIR_OWN_TABLE:
            continue
        known = kind in NAMES
        name = NAMES[EntryKind(kind)] if known else f"écriture d’un genre inconnu ({kind})"
        yield entry, name, _detail(entry.body), _operator(entry.envelope.operator)


def _operator(number: int) -> str:
    try:
        return _OPERATORS[OperatorRole(number)]
    except ValueError:
        return str(number)


def _detail(body: Body | None) -> str:
    """Say what about, of a program or a document."""
    match body:
        case Started():
            text = f"version {body.version}, empreinte {body.software.hex()}"
        case ClockSet():
            text = f"de {_second(body.before)} à {_second(body.after)}"
        case DocumentAccepted():
            text = f"version {body.epoch}.{body.version}, empreinte {body.digest.hex()}"
        case DocumentRefused():
            text = f"{body.content_type}, empreinte {body.digest.hex()}"
        case Acknowledged():
            text = f"jusqu’à l’écriture {body.up_to_seq}"
        case SettingChanged():
            text = f"{body.name} : « {body.before} » devient « {body.after} »"
        case IntegrityFailed():
            text = body.what if body.first_seq is None else f"{body.what}, dès {body.first_seq}"
        case MediumExchanged():
            text = _medium(body)
        case SessionChanged():
            text = f"producteur {body.merchant}"
        case _:
            text = _detail_of_sale(body)
    return text


def _detail_of_sale(body: Body | None) -> str:
    """Say what about, of a sale, a ticket or a total."""
    match body:
        case Void() | Indeterminate():
            text = f"ticket {body.intent_seq}"
        case Resolution():
            text = f"ticket {body.intent_seq} : {_CHOICES[body.choice]}"
        case DeclinedEntry():
            text = _WORDS.declined(Declined(body.reason))
        case Closure():
            late = ", rattrapée" if body.late else ""
            text = f"{_CLOSED[body.period]} {body.business_date.isoformat()}{late}"
        case Reading():
            text = f"{body.sales} ventes, {format_cents(body.sales_cents)} €"
        case ReceiptPrinted():
            copy = f"DUPLICATA n° {body.copy}" if body.copy else "original"
            text = f"écriture {body.seq}, {copy}"
        case _:
            text = ""
    return text


def _medium(body: MediumExchanged) -> str:
    if body.written_digest is not None:
        return f"archive fiscale, manifeste {body.written_digest.hex()}"
    return body.medium


def _second(at: datetime) -> str:
    return at.astimezone(PARIS).isoformat(sep=" ")
