"""A caisse with a bank: its statements, and what people say of their lines."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

from django.db.models import Sum

from auditor.audit import audit
from auditor.export import read_export
from server_stub.models import (
    Account,
    BankLine,
    BankLineOutcome,
    Contribution,
)
from server_stub.rules.bank_statement import Profile
from server_stub.rules.payment_reference import in_groups, payment_reference
from server_stub.services import bank_booking, bank_statements, rebuild
from server_stub.services.audit_export import export_audit
from tests.service_world import ServiceWorld

OCTOBER = date(2026, 10, 1)
ANNE = 1
BANK = "banque"
PROFILE = Profile(
    account="FR7630001007941234567890185",
    encoding="utf-8",
    delimiter=";",
    day_format="jj/mm/aaaa",
    decimal_mark=",",
    skip_first=1,
    day="Date",
    labels=("Libellé",),
    amount="Montant",
    balance="Solde",
)


def with_bank() -> ServiceWorld:
    """A caisse with a bank."""
    world = ServiceWorld.make()
    assert bank_statements.save_profile(world.caisse, BANK, PROFILE, by=ANNE) is None
    return world


def account(number: int) -> Account:
    """An account whose reference is its own."""
    return Account.objects.get_or_create(number=hashlib.sha256(bytes([number])).digest()[:16])[0]


def reference(holder: Account) -> str:
    """What its member writes on a transfer."""
    return in_groups(payment_reference(bytes(holder.number)))


def file_of(*rows: str) -> bytes:
    """A statement of the caisse's account."""
    lines = ("Compte : FR76 3000 1007 9412 3456 7890 185", "Date;Libellé;Montant;Solde", *rows)
    return "\n".join(lines).encode()


def keep(world: ServiceWorld, *rows: str) -> list[BankLine]:
    """Keep the lines of a file; returns the new ones."""
    before = set(BankLine.objects.using(world.caisse.using).values_list("pk", flat=True))
    kept = bank_statements.keep(world.caisse, BANK, file_of(*rows), by=ANNE)
    new = BankLine.objects.using(world.caisse.using).exclude(pk__in=before)
    assert kept == new.count()
    return list(new.order_by("source", "position"))


def confirmed(world: ServiceWorld, line: BankLine) -> BankLineOutcome:
    """Say that a line is what it seems to be."""
    done = bank_booking.confirm(world.caisse, line, by=ANNE)
    assert isinstance(done, BankLineOutcome), done
    return done


def received_cents() -> int:
    """What came in, by the contributions."""
    return Contribution.objects.aggregate(sum=Sum("amount_cents"))["sum"] or 0


def clean(world: ServiceWorld, folder: Path) -> bool:
    """Whether books and auditor agree with what was signed."""
    path = folder / "audit.sqlite3"
    path.unlink(missing_ok=True)
    export_audit(world.caisse, path)
    return rebuild.differences(world.caisse) == [] and audit(read_export(path)).is_clean


def row(day: str, label: str, amount: str, balance: str = "") -> str:
    """A line of a file."""
    return f"{day};{label};{amount};{balance}"
