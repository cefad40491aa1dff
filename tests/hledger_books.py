"""The books as hledger, which nobody here wrote, adds them up."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from server_stub.exports.plain_ledger import plain_ledger
from server_stub.exports.trial_balance import trial_balance
from server_stub.services.caisse import Caisse

NEEDS_HLEDGER = pytest.mark.skipif(
    shutil.which("hledger") is None and not os.environ.get("CI"),
    reason="hledger is not installed",
)
"""In CI a test without it fails: it must be there."""


def euros(text: str) -> Decimal:
    """What a cell says, whichever mark its decimals have."""
    return Decimal(text.removesuffix(" EUR").replace(",", ".") or "0")


def by_hledger(caisse: Caisse, folder: Path) -> dict[str, Decimal]:
    """Write the books as text, let hledger check them, and return its balances."""
    path = folder / "books.journal"
    path.write_text("\n".join(plain_ledger(caisse)), "utf-8")
    subprocess.run(["hledger", "-f", path, "check"], check=True)
    told = subprocess.run(
        ["hledger", "-f", path, "balance", "--flat", "--no-total", "--empty", "-O", "csv"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {row[0]: euros(row[1]) for row in list(csv.reader(io.StringIO(told.stdout)))[1:]}


def by_us(caisse: Caisse) -> dict[str, Decimal]:
    """Return the trial balance's balances."""
    return {row.account: Decimal(row.balance_cents) / 100 for row in trial_balance(caisse)}
