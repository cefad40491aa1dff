"""The books as plain text, added up by a program that nobody here wrote."""

from __future__ import annotations

import csv
import io
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from cardkit.money import format_cents
from server_stub.exports.plain_ledger import BANK, CONTRIBUTIONS, account_of, plain_ledger
from server_stub.models import Account
from server_stub.services import commitments
from server_stub.services.books import balances
from tests.hledger_books import NEEDS_HLEDGER
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db


def written(world: ServiceWorld, folder: Path) -> Path:
    """The books of a week as a file."""
    card = world.card()
    stall = world.stall()
    stall.sell(card, 12_50)
    stall.sell(card, 3_20)
    stall.sync()
    world.clock.pass_time(timedelta(days=40))
    commitments.receive(
        world.caisse,
        Account.objects.get(number=(1).to_bytes(16)),
        20_00,
        value_date=date(2026, 10, 3),
        reference="Q-1; assets:bank  1000",
        by=1,
    )
    path = folder / "books.journal"
    path.write_text("\n".join(plain_ledger(world.caisse)), "utf-8")
    return path


@NEEDS_HLEDGER
def test_hledger_adds_up_what_we_added_up(tmp_path: Path) -> None:
    """Promise 6: the books balance in a program that knows nothing of us, account by account."""
    world = ServiceWorld.make()
    path = written(world, tmp_path)
    subprocess.run(["hledger", "-f", path, "check"], check=True)
    told = subprocess.run(
        ["hledger", "-f", path, "balance", "--flat", "--no-total", "-O", "csv"],
        check=True,
        capture_output=True,
        text=True,
    )
    rows = list(csv.reader(io.StringIO(told.stdout)))[1:]
    ours = {
        account_of(book, merchant): cents
        for (book, merchant), cents in balances(world.caisse).items()
    }
    assert ours[BANK] == 20_00
    assert ours[CONTRIBUTIONS] == -20_00
    assert dict(rows) == {
        account: f"{format_cents(cents, decimal_mark='.')} EUR" for account, cents in ours.items()
    }


def test_a_reference_can_add_no_line(tmp_path: Path) -> None:
    """Promise: what somebody typed as a reference stays a description."""
    text = written(ServiceWorld.make(), tmp_path).read_text("utf-8")
    assert "contribution Q-1, assets:bank 1000" in text


def test_no_card_and_no_member_is_named(tmp_path: Path) -> None:
    """Promise 7: whoever reads the books learns no card and no account of a member."""
    world = ServiceWorld.make()
    text = written(world, tmp_path).read_text("utf-8").lower()
    (card,) = world.cards.values()
    assert card.uid.hex() not in text
    assert (1).to_bytes(16).hex() not in text
    assert "monthly_credit_cents = 10000" in text
