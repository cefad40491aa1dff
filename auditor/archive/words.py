"""What a check of an archive says to people: what is wrong, where, and what it means."""

from __future__ import annotations

from typing import Final

from auditor.archive.check import ArchiveReport
from auditor.archive.faults import Fault, FaultKind, Note, NoteKind
from cardkit.money import format_cents

_FRENCH: Final = {
    FaultKind.FILE_CHANGED: (
        "fichier modifié",
        "son empreinte n’est pas celle du manifeste : il a été changé après l’archivage",
    ),
    FaultKind.FILE_MISSING: ("fichier absent", "le manifeste le nomme : il a été retiré"),
    FaultKind.FILE_EXTRA: (
        "contenu en trop",
        "le terminal ne l’a pas mis là : il a été ajouté, et ne prouve rien",
    ),
    FaultKind.ATTESTATION: (
        "manifeste sans garant",
        "aucune écriture signée du journal ne porte son empreinte : le manifeste a été refait",
    ),
    FaultKind.ROOT: (
        "autre clé racine",
        "cette archive se réclame d’une autre caisse que celle que vous connaissez",
    ),
    FaultKind.CERTIFICATE: (
        "clé sans certificat valable",
        "rien ne prouve que la clé du journal soit celle d’un terminal de la caisse",
    ),
    FaultKind.UNREADABLE: ("écriture illisible", "elle a été abîmée ou remplacée"),
    FaultKind.SIGNATURE: (
        "signature fausse",
        "cette écriture n’est pas celle que le terminal a signée : elle a été modifiée ou inventée",
    ),
    FaultKind.MISSING: ("écriture absente", "elle a été retirée du journal"),
    FaultKind.ORDER: ("écriture déplacée", "elle a été changée de place, ou recopiée"),
    FaultKind.CHAIN: (
        "chaîne rompue",
        "elle ne suit pas celle qui la précède : le journal a été recomposé",
    ),
    FaultKind.TAIL: (
        "fin coupée",
        "le journal ne s’arrête pas où il devrait : des écritures ont été retirées à la fin",
    ),
    FaultKind.HEAD: (
        "autre écriture que celle du ticket",
        "le ticket remis au client et l’archive se contredisent : le journal a été refait",
    ),
    FaultKind.PERPETUAL: ("cumul perpétuel faux", "les montants ne mènent pas à ce cumul"),
    FaultKind.SALE: (
        "vente contradictoire",
        "elle ne dit pas ce qui avait été engagé, finit deux fois, ou rend plus qu’elle n’a pris",
    ),
    FaultKind.LINES_MISSING: (
        "panier absent",
        "le détail de ce ticket manque ; son montant reste prouvé",
    ),
    FaultKind.LINES_CHANGED: (
        "panier modifié",
        "le détail de ce ticket n’est pas celui dont l’empreinte a été signée",
    ),
    FaultKind.LINES_TOTAL: (
        "panier qui ne fait pas le compte",
        "ses lignes ne donnent pas les sommes par taux de TVA qui ont été signées",
    ),
    FaultKind.CLOSURE_TOTAL: (
        "clôture au total faux",
        "les ventes et remboursements de la période ne donnent pas ce total",
    ),
    FaultKind.CLOSURE_VAT: (
        "clôture à la TVA fausse",
        "les tickets de la période ne donnent pas ces sommes par taux",
    ),
    FaultKind.CLOSURE_HEAD: (
        "clôture d’autres écritures",
        "elle ne désigne pas la dernière écriture de sa période",
    ),
    FaultKind.CLOSURE_GAP: (
        "trou entre deux clôtures",
        "des écritures ne sont dans aucune clôture",
    ),
    FaultKind.CLOSURE_TWICE: (
        "période clôturée deux fois",
        "des écritures comptent dans deux clôtures, ou une clôture ne ferme rien",
    ),
    FaultKind.SOFTWARE: (
        "liste du logiciel fausse",
        "elle ne donne pas l’empreinte du programme ni du périmètre fiscal",
    ),
}
_ENGLISH: Final = {
    FaultKind.FILE_CHANGED: ("file changed", "its hash is not the manifest's"),
    FaultKind.FILE_MISSING: ("file missing", "the manifest names it: it was taken out"),
    FaultKind.FILE_EXTRA: ("something added", "the terminal did not put it there"),
    FaultKind.ATTESTATION: (
        "nobody vouches for the manifest",
        "no signed entry of the journal carries its hash: it was made anew",
    ),
    FaultKind.ROOT: ("another root key", "the archive is of another caisse than the one you know"),
    FaultKind.CERTIFICATE: (
        "no valid certificate",
        "nothing proves that the journal's key is that of a terminal of the caisse",
    ),
    FaultKind.UNREADABLE: ("entry unreadable", "it was damaged or replaced"),
    FaultKind.SIGNATURE: ("wrong signature", "not what the terminal signed: changed or made up"),
    FaultKind.MISSING: ("entry missing", "it was taken out of the journal"),
    FaultKind.ORDER: ("entry out of place", "it was moved, or copied"),
    FaultKind.CHAIN: ("chain broken", "it does not follow the entry before it"),
    FaultKind.TAIL: ("tail cut", "the journal ends elsewhere: entries were taken off its end"),
    FaultKind.HEAD: (
        "another entry than on the ticket",
        "a client's ticket and the archive contradict each other: the journal was made anew",
    ),
    FaultKind.PERPETUAL: ("perpetual total wrong", "the amounts do not come to it"),
    FaultKind.SALE: (
        "contradictory sale",
        "it is not what was begun, ended twice, or gives back more than it took",
    ),
    FaultKind.LINES_MISSING: (
        "basket missing",
        "the ticket's lines are gone; its amount is proven",
    ),
    FaultKind.LINES_CHANGED: ("basket changed", "not the lines whose hash was signed"),
    FaultKind.LINES_TOTAL: ("basket does not add up", "its lines are not the signed VAT sums"),
    FaultKind.CLOSURE_TOTAL: ("closure total wrong", "sales and refunds do not come to it"),
    FaultKind.CLOSURE_VAT: ("closure VAT wrong", "the tickets do not come to these sums"),
    FaultKind.CLOSURE_HEAD: ("closure of other entries", "it does not name its last entry"),
    FaultKind.CLOSURE_GAP: ("gap between closures", "some entries are in no closure"),
    FaultKind.CLOSURE_TWICE: ("closed twice", "entries count twice, or nothing was closed"),
    FaultKind.SOFTWARE: ("list of the program wrong", "it does not come to the program's hash"),
}
_FRENCH_NOTES: Final = {
    NoteKind.UNCERTIFIED: "Sans certificat, comparez l’empreinte de la clé du terminal : {about}",
    NoteKind.NO_ROOT: "Clé racine : {about} (comparez-la avec celle que la caisse a publiée)",
    NoteKind.NO_HEAD: "Aucun ticket comparé : une fin coupée avant l’archivage ne se verrait pas "
    "(--head NUMÉRO:SIGNATURE, au bas d’un ticket).",
    NoteKind.NOT_COVERED: "Ticket de l’écriture {about} : hors de l’archive, rien à comparer.",
    NoteKind.OUTSIDE: "Clôture {about} : commence avant l’archive, total non recalculé.",
    NoteKind.UNCLOSED: "{about} ventes ne sont dans aucune clôture encore.",
    NoteKind.UNKNOWN: "Écriture {about} : genre inconnu ici, chaînée comme les autres.",
    NoteKind.OTHER_SOFTWARE: "Le programme a changé depuis la période : {about} y tournait.",
}
_ENGLISH_NOTES: Final = {
    NoteKind.UNCERTIFIED: "No certificate: compare the hash of the terminal's key: {about}",
    NoteKind.NO_ROOT: "Root key: {about} (compare it with the one that the caisse has published)",
    NoteKind.NO_HEAD: "No ticket compared: a tail cut before the archive was made would not show "
    "(--head SEQ:SIGNATURE, at the foot of a ticket).",
    NoteKind.NOT_COVERED: "Ticket of entry {about}: outside of the archive, nothing to compare.",
    NoteKind.OUTSIDE: "Closure {about}: begins before the archive, total not computed again.",
    NoteKind.UNCLOSED: "{about} sales are in no closure yet.",
    NoteKind.UNKNOWN: "Entry {about}: of a kind that this version does not know; it chains.",
    NoteKind.OTHER_SOFTWARE: "The program has changed since: {about} ran then.",
}
_FRENCH_LINES: Final = {
    "what": "Terminal {terminal} de {caisse}, du {first_day} au {last_day} : "
    "écritures {first_seq} à {last_seq}",
    "counted": "Écritures : {entries} ; ventes : {sales} pour {sold} € ; "
    "remboursements : {refunds} pour {refunded} € ; clôtures : {closures}",
    "perimeter": "Périmètre fiscal : {perimeter}",
    "clean": "Tout est tel que le terminal l’a signé.",
    "found": "Anomalies : {count}",
    "values": " (lu : {said} ; attendu : {found})",
    "said": " ({said})",
}
_ENGLISH_LINES: Final = {
    "what": "Terminal {terminal} of {caisse}, {first_day} to {last_day}: "
    "entries {first_seq} to {last_seq}",
    "counted": "Entries: {entries}; sales: {sales} of {sold} €; "
    "refunds: {refunds} of {refunded} €; closures: {closures}",
    "perimeter": "Fiscal perimeter: {perimeter}",
    "clean": "Everything is as the terminal has signed it.",
    "found": "Things that are wrong: {count}",
    "values": " (read: {said}; expected: {found})",
    "said": " ({said})",
}
FRENCH: Final = "fr"


def lines(report: ArchiveReport, language: str) -> list[str]:
    """Return a report line by line."""
    said = _FRENCH_LINES if language == FRENCH else _ENGLISH_LINES
    facts = {name: getattr(report, name) for name in ArchiveReport.__dataclass_fields__}
    facts |= {
        "sold": format_cents(report.sales_cents),
        "refunded": format_cents(report.refunds_cents),
    }
    told = [said[name].format(**facts) for name in ("what", "counted", "perimeter")]
    told += [f"  {_note(note, language)}" for note in report.notes]
    if report.is_clean:
        return [*told, said["clean"]]
    told.append(said["found"].format(count=len(report.faults)))
    return [*told, *(f"  {_fault(fault, language)}" for fault in report.faults)]


def _fault(fault: Fault, language: str) -> str:
    what, meaning = (_FRENCH if language == FRENCH else _ENGLISH)[fault.kind]
    form = _FRENCH_LINES if language == FRENCH else _ENGLISH_LINES
    values = form["values"] if fault.found else form["said"] if fault.said else ""
    colon = " :" if language == FRENCH else ":"
    facts = values.format(said=fault.said, found=fault.found)
    return f"{what}{colon} {fault.place}{colon} {meaning}{facts}"


def _note(note: Note, language: str) -> str:
    notes = _FRENCH_NOTES if language == FRENCH else _ENGLISH_NOTES
    return notes[note.kind].format(about=note.about)
