"""What a batch leaves behind: a table for the next program, and a sheet for the person."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from cardkit.clock import business_date
from cardkit.errors import PaperFailed
from provisioning.batch_book import BatchBook, Entry, State
from provisioning.language import _
from provisioning.members_file import Members
from provisioning.paper import code, paper

COLUMNS: Final = ("account", "label", "card", "generation", "state", "note")
_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""OWASP, "CSV Injection"."""
_DAY: Final = "%d/%m/%Y"


def table(book: BatchBook, members: Members) -> str:
    """Return every line of the list and what became of it, as CSV that no spreadsheet computes."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";", lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in members.rows:
        entry = book.entry(row.account)
        writer.writerow(
            _safe(cell)
            for cell in (
                row.account.hex(),
                row.label,
                entry.uid.hex().upper() if entry.uid else "",
                str(entry.generation or ""),
                entry.state.value,
                _note(entry),
            )
        )
    for bad in members.bad:
        words = _("line {line}: {why}").format(line=bad.line, why=bad.why)
        writer.writerow(("", "", "", "", "bad", _safe(words)))
    return written.getvalue()


def sheet(book: BatchBook, members: Members, *, caisse: str, at: datetime) -> bytes:
    """Return the issued cards and the code of each number, as PDF; raises PaperFailed."""
    data = {
        "caisse": caisse,
        "made": business_date(at).strftime(_DAY),
        "cards": list(_cards(book, members)),
        "left": sum(book.entry(row.account).state is not State.ISSUED for row in members.rows),
    }
    return paper("cards.typ", data, at=at)


def leave(path: Path, content: bytes) -> Path:
    """Put a file of its owner's in the place of what stood there; raises PaperFailed."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise PaperFailed(f"{path}: {error.strerror}") from error
    return path


def _cards(book: BatchBook, members: Members) -> Iterator[dict[str, str]]:
    for row in members.rows:
        entry = book.entry(row.account)
        if entry.state is State.ISSUED and entry.uid is not None:
            number = entry.uid.hex().upper()
            yield {
                "label": row.label or row.account.hex()[:8],
                "number": number,
                "code": code(number),
            }


def _note(entry: Entry) -> str:
    if entry.state is State.REFUSED:
        return entry.refusal
    if entry.is_owed:
        return _("its credit is to be written: lay it down again")
    return ""


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell
