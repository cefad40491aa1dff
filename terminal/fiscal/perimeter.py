"""The fiscal perimeter: the sources that decide what is recorded, and their one hash.

Whoever changes one of them makes another till before the law, and has to attest to it
(BOI-TVA-DECLA-30-10-30, 300 and following). The hash is shown with the version, and the journal
says when it changed. The list is written by hand: a file belongs to it when a change in it could
change, lose or hide what a sale, a refund, a closure, a ticket or an archive says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cardkit.bodies import EntryKind, SettingChanged
from cardkit.entries import OperatorRole
from terminal.journal import Journal
from terminal.software import Source, hash_of, installed_sources

PERIMETER: Final = (
    "cardkit/bodies.py",
    "cardkit/cbor.py",
    "cardkit/certificates.py",
    "cardkit/clock.py",
    "cardkit/entries.py",
    "cardkit/frozen.py",
    "cardkit/money.py",
    "cardkit/schema.py",
    "cardkit/signing.py",
    "cardkit/vat.py",
    "terminal/amber.py",
    "terminal/basket.py",
    "terminal/bill.py",
    "terminal/cart.py",
    "terminal/catalogue.py",
    "terminal/closures.py",
    "terminal/files.py",
    "terminal/floored.py",
    "terminal/integrity.py",
    "terminal/journal.py",
    "terminal/journal_read.py",
    "terminal/journal_schema.py",
    "terminal/lines.py",
    "terminal/mailbox.py",
    "terminal/selling.py",
    "terminal/software.py",
    "terminal/stretches.py",
    "terminal/till.py",
    "terminal/torn.py",
    "terminal/ui/flows/charge.py",
    "terminal/vat.py",
    "terminal/wiring.py",
)
PERIMETER_FOLDERS: Final = ("terminal/fiscal/", "terminal/receipts/")
SETTING: Final = "fiscal perimeter"
"""The name under which the journal says that the hash changed."""
_SHOWN_CHARACTERS: Final = 12


def is_fiscal(source: Source) -> bool:
    """Say whether a source belongs to the perimeter."""
    return source.name in PERIMETER or source.name.startswith(PERIMETER_FOLDERS)


def perimeter_digest(sources: Iterable[Source]) -> bytes:
    """Return the hash of those sources that belong to the perimeter, in their order."""
    return hash_of(source for source in sources if is_fiscal(source))


def installed_perimeter() -> bytes:
    """Return the hash of the perimeter of the installed program."""
    return perimeter_digest(installed_sources())


def shown(digest: bytes) -> str:
    """Return a perimeter as a version page shows it: the first digits, in groups of four."""
    text = digest.hex()[:_SHOWN_CHARACTERS]
    return " ".join(text[at : at + 4] for at in range(0, _SHOWN_CHARACTERS, 4))


def note_perimeter(journal: Journal, digest: bytes, *, training: bool = False) -> bool:
    """Journal the perimeter if it is another than the one noted last; for each start of the till.

    Returns whether it was journalled.
    """
    last = journal.last_setting(SETTING)
    before = "" if last is None else last.after
    if before == digest.hex():
        return False
    journal.append(
        EntryKind.SETTING_CHANGED,
        SettingChanged(name=SETTING, before=before, after=digest.hex()),
        operator=OperatorRole.NOBODY,
        training=training,
    )
    return True
