"""A folder for the coordinator, and for whoever she asks: how the terminal is, and no more.

It leaves the stall on a stick that anybody may find. So it holds numbers, versions and reasons, and
no key, no card, no name: what is free text goes through `scrubbed`, and what is not is counted.
"""

from __future__ import annotations

import json
import platform
import re
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cardkit.bodies import DocumentRefused, EntryKind
from cardkit.entries import Entry
from cardkit.stick import StickFolder
from terminal.files import sync_directory, write_atomically
from terminal.mounts import Stick
from terminal.power import Power
from terminal.software import Software
from terminal.stick import at_stick
from terminal.sync_state import SyncState
from terminal.words import Words

if TYPE_CHECKING:
    from terminal.till import Till

STATE: Final = "state.json"
LOG: Final = "log.txt"
README: Final = "LISEZMOI.txt"
ENTRIES_MAX: Final = 2_000
"""The newest entries that are looked through: some days of a busy stall."""
REFUSALS_MAX: Final = 20
LOG_LINES: Final = 400
LOG_CHARACTERS_MAX: Final = 200_000
JOURNALCTL: Final = "journalctl"
_UNITS: Final = ("clafoutis-terminal", "clafoutis-terminal-sync")
_LOG_TIMEOUT_S: Final = 20
_HIDDEN: Final = "▒▒▒"
_BYTES_IN_HEX: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:0x)?[0-9A-Fa-f]{8,}|[0-9A-Fa-f]{2}(?:[: ][0-9A-Fa-f]{2}){3,})"
    r"(?![0-9A-Za-z])"
)
"""Four bytes and more: a card's number, a key, a digest. A time of day has three pairs."""


def gather(
    till: Till,
    *,
    sync: SyncState,
    power: Power,
    software: Software,
    log: str,
    words: Words,
) -> Mapping[str, str]:
    """Return the files, by name."""
    names = [grant.name for grant in till.store.permit.permit.merchants]
    entries = _newest(till)
    state = {
        "terminal": till.journal.terminal,
        "caisse": till.journal.caisse,
        "now": _when(till.clock.now().at),
        "clock": till.clock.now().trust.name,
        "software": _software(software),
        "journal": _journal(till, entries),
        "documents": _documents(till),
        "refused": _refused(entries, names),
        "sync": _sync(sync, names),
        "board": _board(till, power),
    }
    return {
        STATE: json.dumps(state, indent=1, ensure_ascii=False) + "\n",
        LOG: scrubbed(log[-LOG_CHARACTERS_MAX:], names),
        README: _readme(words),
    }


def write_diagnostics(stick: Stick, folder: StickFolder, files: Mapping[str, str]) -> Path:
    """Put the files on a stick, in place of those of before; raises StickError."""
    with at_stick(stick):
        folder.diagnostics.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_atomically(folder.diagnostics / name, text.encode("utf-8", "replace"))
        for made in (folder.path, folder.path.parent, folder.stick):
            sync_directory(made)
    return folder.diagnostics


def read_log(program: str = JOURNALCTL) -> str:
    """Return the newest lines of our units' log, or why there are none."""
    units = [f"--unit={unit}" for unit in _UNITS]
    command = [program, "--no-pager", "--output=short-iso", f"--lines={LOG_LINES}", *units]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and nothing that anybody typed
            command, capture_output=True, check=False, timeout=_LOG_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program}: {type(error).__name__}\n"
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def scrubbed(text: str, names: Iterable[str]) -> str:
    """Hide names that are known here, and everything that may be a card's number or a key."""
    for name in sorted(names, key=len, reverse=True):
        if name:
            text = re.sub(re.escape(name), _HIDDEN, text, flags=re.IGNORECASE)
    return _BYTES_IN_HEX.sub(_HIDDEN, text)


def _newest(till: Till) -> tuple[Entry, ...]:
    head = till.journal.head.seq
    return till.journal.entries(max(0, head - ENTRIES_MAX), ENTRIES_MAX)


def _software(software: Software) -> dict[str, object]:
    return {
        "version": software.version,
        "digest": software.digest.hex(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "kernel": platform.release(),
        "machine": platform.machine(),
    }


def _journal(till: Till, entries: tuple[Entry, ...]) -> dict[str, object]:
    """Count: what was sold to whom is in the journal, and stays there."""
    journal = till.journal
    known = {kind.value for kind in EntryKind}
    kinds = Counter(entry.envelope.kind for entry in entries)
    return {
        "head": journal.head.seq,
        "acknowledged": journal.acknowledged_seq,
        "unsent_cents": journal.unsent_cents(),
        "open_sales": len(journal.open_intents()),
        "is_running": journal.is_running,
        "fsync_p95_ms": journal.commit_p95_ms,
        "newest_kinds": {
            EntryKind(kind).name if kind in known else str(kind): count
            for kind, count in sorted(kinds.items())
        },
    }


def _documents(till: Till) -> dict[str, object]:
    permit, directory = till.store.permit.permit, till.store.directory
    return {
        "permit": [permit.epoch, permit.version],
        "permit_until": _when(permit.valid_until),
        "merchants": len(permit.merchants),
        "training": permit.training,
        "directory": None if directory is None else list(directory.header.order),
        "directory_of": None if directory is None else _when(directory.header.issued_at),
        "directory_until": None if directory is None else _when(directory.header.valid_until),
        "cards": None if directory is None else directory.header.cards,
        "damage": till.store.damage,
    }


def _refused(entries: tuple[Entry, ...], names: list[str]) -> list[dict[str, int | str | None]]:
    return [
        {
            "seq": entry.seq,
            "at": _when(entry.envelope.at),
            "content_type": scrubbed(entry.body.content_type, names),
            "reason": scrubbed(entry.body.reason, names),
        }
        for entry in entries
        if isinstance(entry.body, DocumentRefused)
    ][-REFUSALS_MAX:]


def _sync(state: SyncState, names: list[str]) -> dict[str, object]:
    return {
        "tried": _when(state.tried_at),
        "succeeded": _when(state.succeeded_at),
        "answered": state.answered,
        "failures": state.failures,
        "cause": state.diagnosis.cause.value,
        "detail": scrubbed(state.diagnosis.detail, names),
    }


def _board(till: Till, power: Power) -> dict[str, object]:
    battery = power.battery
    return {
        "throttled": None if power.throttled is None else hex(power.throttled),
        "temperature_c": power.temperature_c,
        "battery_percent": None if battery is None else battery.percent,
        "disk_free_mb": power.disk_free_mb,
        "uptime_ms": till.clock.monotonic_ms(),
    }


def _when(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _readme(words: Words) -> str:
    _ = words.gettext
    text = _(
        "How a terminal of the caisse is: versions, counts, the last refusals and the log."
        " No name, no card and no key stands in it. Give this folder to the coordinator;"
        " it can be deleted afterwards."
    )
    return f"{text}\n"
