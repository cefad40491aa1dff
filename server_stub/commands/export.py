"""`clafoutis-server export-ledger` and `trial-balance`: the books for other programs."""

from __future__ import annotations

from typing import IO

import click


@click.command("export-ledger")
@click.option("--out", type=click.File("w", encoding="utf-8", lazy=True), default="-")
def export_ledger(out: IO[str]) -> None:
    """Write every posting as plain text that hledger reads; no card and no member is named."""
    from server_stub.exports.plain_ledger import plain_ledger
    from server_stub.wiring import caisse

    for line in plain_ledger(caisse()):
        out.write(f"{line}\n")


@click.command("trial-balance")
@click.option("--out", type=click.File("wb", lazy=True), default="-")
def trial_balance(out: IO[bytes]) -> None:
    """Write what came to and left each account as CSV (balance générale)."""
    from server_stub.exports.trial_balance import trial_balance_csv
    from server_stub.wiring import caisse

    out.write(trial_balance_csv(caisse()))
