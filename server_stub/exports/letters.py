"""Letters as one PDF for window envelopes, and letting them leave in one step with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from server_stub.exports.stationery import Stationery, printed_on
from server_stub.models import LetterKind
from server_stub.services import letters
from server_stub.services.caisse import Caisse
from server_stub.services.letters import Batch, NotPrinted

TEMPLATE: Final = "courrier.typ"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedLetters:
    """What somebody has in hand now."""

    content: bytes
    batch: Batch


def print_letters(
    caisse: Caisse, stationery: Stationery, kind: LetterKind | None = None, *, by: int
) -> PrintedLetters | NotPrinted:
    """Print what waits, and mark it as printed; raises PaperFailed, and then nothing is marked."""
    with caisse.alone():
        batch = letters.print_now(caisse, kind, by=by)
        if not isinstance(batch, Batch):
            return batch
        content = letters_pdf(caisse, stationery, batch.contents)
        return PrintedLetters(content=content, batch=batch)


def print_again(caisse: Caisse, stationery: Stationery, number: int) -> PrintedLetters | NotPrinted:
    """Return the batch of a letter as it left; raises PaperFailed."""
    batch = letters.again(caisse, number)
    if not isinstance(batch, Batch):
        return batch
    content = letters_pdf(caisse, stationery, batch.contents)
    return PrintedLetters(content=content, batch=batch)


def letters_pdf(
    caisse: Caisse, stationery: Stationery, contents: Sequence[Mapping[str, Any]]
) -> bytes:
    """Return letters one after another, each from a page of its own; raises PaperFailed."""
    return printed_on(caisse, TEMPLATE, {"letters": list(contents)}, stationery)
