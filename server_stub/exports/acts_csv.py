"""The log of decisions as a table: who did what, when, and what it says; nobody's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from server_stub.exports.sheet import sheet


def acts_csv(shown: Iterable[Mapping[str, Any]]) -> bytes:
    """Return acts as CSV, as they are shown: `kind`, `author` and `facts` in words, `one` the act.

    Times are in the time of Paris, to the second.
    """
    head = [
        _("Acte"),
        _("Le"),
        _("Décision"),
        _("Par"),
        _("Contenu"),
        _("Note"),
        _("Annulé par l’acte"),
        _("Empreinte"),
    ]
    return sheet([head, *(_cells(row) for row in shown)])


def _cells(row: Mapping[str, Any]) -> list[str]:
    act = row["one"]
    return [
        str(act.seq),
        localtime(act.at).strftime("%Y-%m-%d %H:%M:%S"),
        row["kind"],
        row["author"],
        ", ".join(f"{name} {value}" for name, value in row["facts"]),
        act.text,
        "" if act.reversed_by is None else str(act.reversed_by),
        act.digest,
    ]
