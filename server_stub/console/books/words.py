"""What books are called; French here, English in the catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

BOOKS: Final[dict[str, Promise]] = {
    "issued": _("Allocations signées"),
    "credit": _("Crédit donné aux cartes"),
    "lapsed": _("Crédit revenu à la caisse"),
    "spent": _("Dépensé par les cartes"),
    "payable": _("Dû aux producteurs"),
    "held": _("Retenu"),
    "waiting": _("En attente"),
    "provisional": _("Retrouvé, à confirmer"),
    "returned": _("Rendu aux membres"),
    "loss": _("Porté par le fonds"),
    "paper": _("Bons papier"),
    "withheld": _("Retenu sur le crédit pour des bons"),
    "in_payment": _("En cours de paiement"),
    "paid": _("Payé aux producteurs"),
    "contributed": _("Cotisations reçues"),
    "banked": _("Cotisations à la banque"),
    "cash_box": _("Espèces en caisse"),
    "cheques": _("Chèques pas encore remis"),
    "cash_difference": _("Écarts de caisse"),
}
"""By `rules.ledger.Book`."""

CONSERVED: Final[dict[str, Promise]] = {
    "purses": _("Ce que les cartes et les bons ont dépensé est quelque part"),
    "credit": _("Ce qui a été signé est sur les cartes, retenu ou revenu"),
    "members": _("Ce que les membres ont versé est à la banque ou en caisse"),
}

SUBJECTS: Final[dict[str, Promise]] = {
    "transaction": _("vente au compteur %(what)s"),
    "gap": _("transactions que personne n’a racontées, compteurs %(what)s"),
    "credit": _("allocation"),
    "moved": _("crédit passé à une autre carte"),
    "lapsed": _("crédit revenu à la caisse"),
    "withheld": _("crédit retenu pour un bon papier"),
    "paper": _("bon papier %(what)s"),
    "refund": _("remboursement %(what)s"),
    "settlement": _("paiement %(what)s"),
    "dispute": _("litige %(what)s"),
    "contribution": _("cotisation, acte n° %(what)s"),
}
"""What a posting is about, by what its subject begins with."""

_SHOWN: Final = 24


def subject_in_words(subject: str) -> str:
    """Return what a posting is about; a subject of another program's is shown as it stands."""
    what, _slash, rest = subject.partition("/")
    if what not in SUBJECTS:
        return subject
    return str(SUBJECTS[what]) % {"what": rest[:_SHOWN]}


def book_in_words(book: str, name: str = "") -> str:
    """Return what an account is called: its book, and whose it is where it is somebody's."""
    words = str(BOOKS.get(book, book))
    return _now("%(book)s : %(name)s") % {"book": words, "name": name} if name else words
