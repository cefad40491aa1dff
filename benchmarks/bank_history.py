"""Years of the bank's lines written as rows, each but the last found to be a member's money."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import cycle
from typing import Final

from server_stub.models import (
    BankImport,
    BankLine,
    BankLineOutcome,
    BankLineText,
    Contribution,
    StatementProfile,
)
from server_stub.rules.bank_match import Outcome
from server_stub.rules.bank_statement import Profile

YEARS: Final = 10
WAITING: Final = 60
"""Lines of which nobody has said yet what they are: more than a page of them."""
PAYERS: Final = 500
_BATCH: Final = 2_000
_PERSON: Final = 1
_ACCOUNT: Final = "FR7630006000011234567890189"
"""The example of the French banks' own manual."""


def lengthen_bank(lines: int, *, until: datetime) -> int:
    """Add lines before `until` until so many are there; returns how many there are.

    Each is of the amount of a contribution that is in the books, by one payer of several hundred;
    the last of them wait for a person.
    """
    have = BankLine.objects.count()
    if lines > have:
        _write(have, lines, until)
    return BankLine.objects.count()


def _write(have: int, lines: int, until: datetime) -> None:
    source = _source(until)
    whose = cycle(Contribution.objects.filter(amount_cents__gt=0).order_by("act"))
    span = timedelta(days=365 * YEARS)
    for first in range(have + 1, lines + 1, _BATCH):
        paid = [(number, next(whose)) for number in range(first, min(first + _BATCH, lines + 1))]
        rows = [
            BankLine(
                source=source,
                position=number,
                identity=os.urandom(32),
                day=(until - span + span * (number / lines)).date(),
                amount_cents=one.amount_cents,
            )
            for number, one in paid
        ]
        written = BankLine.objects.bulk_create(rows)
        BankLineText.objects.bulk_create(
            BankLineText(
                line=row,
                label="VIR RECU",
                payer=f"MEMBRE {number % PAYERS}",
                payer_key=f"MEMBRE {number % PAYERS}",
            )
            for row, (number, _one) in zip(written, paid, strict=True)
        )
        BankLineOutcome.objects.bulk_create(
            BankLineOutcome(
                line=row, kind=Outcome.CONTRIBUTION.value, act=one.act, at=until, by=_PERSON
            )
            for row, (number, one) in zip(written, paid, strict=True)
            if number <= lines - WAITING
        )


def _source(until: datetime) -> BankImport:
    settings = asdict(Profile.of_camt(_ACCOUNT))
    profile = StatementProfile.objects.create(
        name="bench", settings=settings, saved_by=_PERSON, saved_at=until
    )
    return BankImport.objects.create(
        profile=profile, content_hash=os.urandom(32), kept_by=_PERSON, kept_at=until
    )
