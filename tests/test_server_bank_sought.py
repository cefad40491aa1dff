"""What is read of the books for some lines of the bank: enough, and no more than for those."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cardkit.till_box import Means
from server_stub.models import BankLine, BankLineOutcome
from server_stub.rules.bank_match import Why
from server_stub.services import bank_booking, cash_box, payments
from server_stub.services.bank_statements import as_they_seem, open_lines
from server_stub.services.commitments import commit
from server_stub.services.payments import Taken
from server_stub.services.today import Need, today_of
from tests.bank_world import (
    ANNE,
    OCTOBER,
    account,
    confirmed,
    keep,
    reference,
    row,
    with_bank,
)
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with a bank."""
    return with_bank()


def days_after(days: int) -> str:
    """A day as the bank writes it, so many days after all that was entered by hand."""
    return f"{OCTOBER + timedelta(days=days):%d/%m/%Y}"


def entered(world: ServiceWorld, number: int, cents: int, means: Means) -> None:
    """A payment that somebody has entered by hand, on the first of October."""
    done = payments.take(
        world.caisse,
        account(number),
        cents,
        means=means,
        value_date=OCTOBER,
        reference=f"H{number}" if means is Means.TRANSFER else "",
        by=ANNE,
    )
    assert isinstance(done, Taken)


def lived(world: ServiceWorld) -> None:
    """Everything that a line can be held against, and lines at the edges of each."""
    for number in (1, 2):
        commit(world.caisse, account(number), 20_00, first_month=OCTOBER, by=ANNE)
    entered(world, 1, 20_00, Means.TRANSFER)
    entered(world, 3, 60_00, Means.CASH)
    cash_box.hand_in_cash(world.caisse, None, day=OCTOBER, reference="BORD-1", by=ANNE)
    entered(world, 4, 45_00, Means.TRANSFER)
    fourth = f"VIR {reference(account(4))}"
    world.clock.pass_time(timedelta(days=40))
    edges = [(day, "VIR", "20,00") for day in (24, 25, 37, 38)]
    edges += [(day, "VERSEMENT", "60,00") for day in (0, 21, 22)]
    edges += [(day, fourth, "45,00") for day in (7, 8)]
    edges += [(9, "VIR R1-0001", "-5,00"), (9, "FRAIS", "-3,00")]
    keep(world, *(row(days_after(day), words, cents) for day, words, cents in edges))


def test_a_line_alone_seems_what_it_seems_among_all(world: ServiceWorld) -> None:
    """Promise: no line is taken for something else because less was read for it."""
    lived(world)
    among = {it.line.pk: it.proposal for it in open_lines(world.caisse)}
    for line in BankLine.objects.all():
        (alone,) = as_they_seem(world.caisse, [line])
        assert alone.proposal == among[line.pk]
    whys = [it.why for it in among.values()]
    assert {whys.count(it) for it in (Why.RHYTHM, Why.DEPOSIT, Why.REFERENCE)} == {2}
    acts = [it.act for it in among.values() if it.why is Why.REFERENCE]
    assert sum(act is not None for act in acts) == 1, "seven days are near, and eight are not"
    assert Why.UNKNOWN_RUN in whys


def test_of_a_payer_the_last_word_counts(world: ServiceWorld) -> None:
    """Promise: who was taken for another is not proposed as that other again."""
    world.clock.pass_time(timedelta(days=40))
    first, second = keep(
        world,
        row("05/10/2026", "VIR SEPA DUPONT 1", "20,00"),
        row("05/11/2026", "VIR SEPA DUPONT 2", "25,00"),
    )
    for number in (1, 2):
        done = bank_booking.assign(world.caisse, first, account(number), by=ANNE)
        assert isinstance(done, BankLineOutcome)
        if number == 1:
            bank_booking.undo(world.caisse, first, by=ANNE)
            (seen,) = as_they_seem(world.caisse, [second])
            assert seen.proposal.why is Why.NOTHING
    (seen,) = as_they_seem(world.caisse, [second])
    assert (seen.proposal.why, seen.proposal.account) == (Why.KNOWN_PAYER, account(2).pk)


def test_a_line_that_was_opened_again_waits_on_the_home_page(world: ServiceWorld) -> None:
    """Promise: what somebody took back waits for a person, and the office is told so."""
    line, _other = keep(
        world,
        row("05/10/2026", f"VIR {reference(account(1))}", "20,00"),
        row("05/10/2026", "VIR INCONNU", "25,00"),
    )

    def waiting() -> int:
        return sum(it.count for it in today_of(world.caisse).needs if it.need is Need.BANK_LINES)

    confirmed(world, line)
    assert waiting() == 1
    bank_booking.undo(world.caisse, line, by=ANNE)
    assert waiting() == 2
