"""Amounts, labels and payers as banks write them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BLANKS: Final = "\u00a0\u202f\u2007\u2009\u2008\u2006 '\u2019"
"""No-break, narrow, figure and thin spaces, and apostrophes: what thousands are parted with."""
_MINUS: Final = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2010": "-", "\u2011": "-"})
_PARTED: Final = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,12}")
_DECIMALS: Final = re.compile(r"[0-9]{1,2}")
_CURRENCY: Final = re.compile(r"(?:EUR|€)$", re.IGNORECASE)
_STANDING: Final = re.compile(r"\b(?:PERMANENTE?|PERM|PERIODIQUE)\b")
_BANKS_SAY: Final = """
VIR VIRT VIREMENT VIREMENTS SEPA RECU RECUS INST INSTANTANE PERMANENT PERM DE DU DES LA LE M
MR MME MLLE MONSIEUR MADAME OU ET MOTIF REF REFERENCE LIBELLE EMETTEUR FAVEUR COTISATION
COTISATIONS CAISSE ALIMENTATION CLAFOUTIS JANVIER FEVRIER MARS AVRIL MAI JUIN JUILLET AOUT
SEPTEMBRE OCTOBRE NOVEMBRE DECEMBRE EUR NOTPROVIDED
"""
_WORDS_OF_BANKS: Final = frozenset(_BANKS_SAY.split())


class NotAnAmount:
    """A text is no amount of this form; `12.50` is none where the decimal mark is a comma."""


def read_amount(text: str, *, decimal_mark: str) -> NotAnAmount | int:
    """Read an amount as cents, signed before or behind; thousands by blanks or the other mark.

    A mark that could be either is refused: `1.234` with a decimal point has three decimals.
    """
    number = text.strip().translate(_MINUS)
    number = _CURRENCY.sub("", number).strip(_BLANKS + "\t")
    signs = [it for it in (number[:1], number[-1:]) if it and it in "+-"]
    if (len(number) < 2 and signs) or len(signs) > 1:
        return NotAnAmount()
    number = number[1:] if signs and number[0] in "+-" else number[: len(number) - len(signs)]
    number = number.strip(_BLANKS)
    whole, mark, decimals = number.partition(decimal_mark)
    thousands_mark = "." if decimal_mark == "," else ","
    parted = re.sub(f"[{re.escape(_BLANKS + thousands_mark)}]", " ", whole)
    if not _PARTED.fullmatch(parted) or (mark and not _DECIMALS.fullmatch(decimals)):
        return NotAnAmount()
    cents = int(parted.replace(" ", "")) * 100 + int(decimals.ljust(2, "0"))
    return -cents if signs == ["-"] else cents


def tidy(text: str) -> str:
    """Return a text on one line, without what a screen or a database would obey."""
    visible = (it if unicodedata.category(it)[0] not in "CZ" else " " for it in text)
    return " ".join("".join(visible).split())


def packed(text: str) -> str:
    """Return the capital letters and digits of a text, as accounts are compared."""
    return "".join(it for it in _plain(text) if it.isascii() and it.isalnum())


def payer_key(payer: str, label: str) -> str:
    """Return what stays the same in what one payer's bank writes; empty where nothing does.

    Numbers, months and the words of banks change or are everybody's, so they are left out.
    """
    letters = "".join(it if it.isascii() and it.isalnum() else " " for it in _plain(payer or label))
    kept = (
        word
        for word in letters.split()
        if word not in _WORDS_OF_BANKS and not any(map(str.isdigit, word)) and len(word) > 1
    )
    return " ".join(sorted(set(kept)))


def is_standing_order(text: str) -> bool:
    """Say whether a bank calls a transfer a standing order (virement permanent)."""
    return bool(_STANDING.search(_plain(text)))


def _plain(text: str) -> str:
    """Return a text in capitals, its accents taken off."""
    parted = unicodedata.normalize("NFKD", text).upper()
    return "".join(it for it in parted if not unicodedata.combining(it))
