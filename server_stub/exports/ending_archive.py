"""What is kept of a caisse for ten years: a folder that needs no program of ours to be read."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server_stub.exports.formulas import safe
from server_stub.exports.plain_ledger import plain_ledger
from server_stub.exports.trial_balance import trial_balance_csv
from server_stub.models import Rule, SettlementPaper
from server_stub.services.audit_export import export_audit
from server_stub.services.caisse import Caisse

SUMS: Final = "SHA256SUMS"
AUDIT: Final = "verification.sqlite3"
LEDGER: Final = "grand-livre.journal"
BALANCE: Final = "balance-generale.csv"
RULES: Final = "regles-votees.csv"
PAYOUTS: Final = "paiements"
README: Final = "LISEZ-MOI.txt"
_README: Final = """\
Archive de la caisse {caisse}, faite le {day}. Aucun membre n'y est nommé.
Archive of the caisse {caisse}, made on {day}. No member is named in it.

{audit}
    Tout ce qui a été signé : ventes, décisions, et ce que les livres en disent.
    Everything that was signed: sales, decisions, and what the books say of it.
    clafoutis-audit {audit}
{ledger}
    Chaque écriture, en texte. Every posting, as text.
    hledger --file {ledger} check
    hledger --file {ledger} balance
{balance}, {rules}
    La balance générale ; chaque règle, sa date, son vote.
    The trial balance; each rule, its date, its vote.
{payouts}/
    Les papiers de chaque paiement, à l'octet. The papers of each payout, to the byte.

Clé racine de la caisse (SHA-256), à recopier au procès-verbal :
The root key of the caisse (SHA-256), to be copied into the minutes:
    {root}

Rien n'a changé si (nothing has changed if):
    sha256sum --check {sums}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A folder that was written."""

    files: int
    digest: str
    """SHA-256 of `SHA256SUMS` in hex: who writes it down elsewhere holds the whole folder to it."""


def archive(caisse: Caisse, folder: Path) -> Archive:
    """Write an archive; FileExistsError, OSError and sqlite3.Error leave nothing behind."""
    if folder.exists():
        raise FileExistsError(folder)
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(mode=0o700, parents=True)
        export_audit(caisse, aside / AUDIT)
        for name, content in _contents(caisse):
            path = aside / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        sums = "".join(f"{_sha256(aside / name)}  {name}\n" for name in _names(aside))
        (aside / SUMS).write_text(sums, "utf-8")
        files = len(_names(aside))
        _sync(aside)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return Archive(files=files, digest=hashlib.sha256(sums.encode()).hexdigest())


def _contents(caisse: Caisse) -> Iterator[tuple[str, bytes]]:
    yield LEDGER, "".join(f"{line}\n" for line in plain_ledger(caisse)).encode()
    yield BALANCE, trial_balance_csv(caisse)
    yield RULES, _rules(caisse)
    papers = SettlementPaper.objects.using(caisse.using).select_related("file")
    for paper in papers.order_by("pk").iterator():
        form = paper.file.form.replace("/", "-")
        yield f"{PAYOUTS}/{paper.file.settlement_id}-{form}", bytes(paper.content)
    readme = _README.format(
        caisse=caisse.ring.caisse,
        day=f"{caisse.now():%Y-%m-%d}",
        root=hashlib.sha256(caisse.ring.public.root).hexdigest(),
        audit=AUDIT,
        ledger=LEDGER,
        balance=BALANCE,
        rules=RULES,
        payouts=PAYOUTS,
        sums=SUMS,
    )
    yield README, readme.encode()


def _rules(caisse: Caisse) -> bytes:
    written = io.StringIO()
    rows = csv.writer(written, delimiter=";", lineterminator="\r\n")
    rows.writerow(("regle", "valeur", "a-partir-du", "proces-verbal"))
    for rule in Rule.objects.using(caisse.using).order_by("name", "from_day", "id"):
        rows.writerow((rule.name, rule.value, rule.from_day.isoformat(), safe(rule.minutes)))
    return written.getvalue().encode("utf-8-sig")


def _names(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Let the disk have it all before it bears its name."""
    for name in _names(folder):
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())
