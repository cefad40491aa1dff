"""From a bank's file to the books: looked at, kept once, and booked by a person's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from cardkit.till_box import Means
from server_stub.models import (
    ActRow,
    BankImport,
    BankLine,
    BankLineOutcome,
    BankLineText,
    Contribution,
    PaymentMeans,
)
from server_stub.rules.bank_match import (
    Expected,
    Known,
    Outcome,
    Paid,
    Text,
    Why,
    propose,
)
from server_stub.rules.bank_statement import NotRead, Wrong
from server_stub.services import bank_booking, bank_statements, cash_box, payments, people
from server_stub.services.bank_booking import NotBooked
from server_stub.services.bank_known import standing
from server_stub.services.bank_statements import Look, NoProfile, open_lines
from server_stub.services.commitments import Promised, commit
from server_stub.services.payments import Taken
from tests.bank_world import (
    ANNE,
    BANK,
    OCTOBER,
    PROFILE,
    account,
    clean,
    confirmed,
    file_of,
    keep,
    received_cents,
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


def test_looking_writes_nothing_and_says_why(world: ServiceWorld) -> None:
    """Promise: each line is shown with what it seems to be and why, before anything is written."""
    rows = (
        row("05/10/2026", f"VIR {reference(account(1))}", "20,00"),
        row("05/10/2026", "VIR INCONNU", "25,00"),
        row("06/10/2026", "FRAIS DE TENUE", "-3,00"),
    )
    look = bank_statements.look(world.caisse, BANK, file_of(*rows))
    assert isinstance(look, Look)
    told = [(it.proposal.why, it.proposal.outcome) for it in look.seen]
    assert told == [
        (Why.REFERENCE, Outcome.CONTRIBUTION),
        (Why.NOTHING, None),
        (Why.NOTHING, None),
    ]
    assert look.seen[0].proposal.account == account(1).pk
    assert not BankLine.objects.exists()
    assert not BankImport.objects.exists()


def test_the_same_statement_twice_is_there_once(world: ServiceWorld) -> None:
    """Promise: a line is kept and booked once, in however many overlapping statements it stands."""
    one = row("05/10/2026", f"VIR {reference(account(1))}", "20,00", "120,00")
    two = row("05/10/2026", f"VIR {reference(account(1))}", "20,00", "140,00")
    three = row("06/10/2026", "VIR INCONNU", "5,00", "145,00")
    first = keep(world, one, two)
    assert keep(world, one, two) == []
    for line in first:
        confirmed(world, line)
    assert received_cents() == 40_00
    (third,) = keep(world, two, three)
    assert third.day == date(2026, 10, 6)
    assert BankImport.objects.count() == 2
    look = bank_statements.look(world.caisse, BANK, file_of(one, two, three))
    assert isinstance(look, Look)
    assert all(it.is_kept for it in look.seen)
    assert bank_booking.confirm(world.caisse, first[0], by=ANNE) is NotBooked.SETTLED_ALREADY
    assert received_cents() == 40_00


def test_two_equal_lines_without_a_balance_are_two(world: ServiceWorld) -> None:
    """Promise: a second equal transfer of a day is not taken for a repetition of the first."""
    one = row("05/10/2026", f"VIR {reference(account(1))}", "20,00")
    assert len(keep(world, one, one)) == 2
    assert keep(world, one, one) == []
    assert len(keep(world, one, one, one)) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", Wrong.EMPTY),
        (
            file_of(row("05/10/2026", "VIR", "20,00")).replace(b"FR76", b"FR11"),
            Wrong.ANOTHER_ACCOUNT,
        ),
        (file_of(row("05/10/2026", "VIR", "20,00"), row("29/02/2026", "VIR", "1,00")), Wrong.DAY),
        (file_of(row("05/10/2026", "VIR", "20,00"), row("05/10/2026", "V", "20.0")), Wrong.AMOUNT),
        (file_of(row("05/10/2026", "Été", "20,00")).decode().encode("cp1252"), Wrong.ENCODING),
        (file_of(row("05/10/2026", '"VIR', "20,00")), Wrong.NOT_CSV),
    ],
)
def test_of_a_hostile_file_nothing_is_kept(world: ServiceWorld, content: bytes, why: Wrong) -> None:
    """Promise: one wrong line, and not one line of the file is written."""
    refusal = bank_statements.keep(world.caisse, BANK, content, by=ANNE)
    assert isinstance(refusal, NotRead)
    assert refusal.why is why
    assert not BankLine.objects.exists()
    assert not BankImport.objects.exists()


def test_a_profile_has_a_name_and_its_newest_form_counts(world: ServiceWorld) -> None:
    """Promise: a bank that changes its file needs a new profile; the old one stays on record."""
    assert bank_statements.look(world.caisse, "autre", b"x") is NoProfile.UNKNOWN
    changed = replace(PROFILE, day="Date d’opération")
    assert bank_statements.save_profile(world.caisse, BANK, changed, by=ANNE) is None
    refusal = bank_statements.look(world.caisse, BANK, file_of(row("05/10/2026", "V", "1,00")))
    assert isinstance(refusal, NotRead)
    assert refusal.words == "Date d’opération"
    wrong = replace(PROFILE, delimiter="")
    assert bank_statements.save_profile(world.caisse, BANK, wrong, by=ANNE) is NoProfile.NOT_SOUND


def test_a_payer_is_remembered_until_it_is_erased(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 7: a payer's label helps to recognise, is in no act, and goes with the person."""
    person = people.register(world.caisse, "Marthe Lecœur")
    first, _ = keep(
        world,
        row("05/10/2026", f"VIR SEPA LECOEUR MARTHE 1 {reference(person.account)}", "20,00"),
        row("30/10/2026", "VIR SEPA LECOEUR MARTHE 2", "35,00"),
    )
    waits = [it.proposal.why for it in open_lines(world.caisse)]
    assert waits == [Why.REFERENCE, Why.NOTHING]
    confirmed(world, first)
    (waiting,) = open_lines(world.caisse)
    assert (waiting.proposal.why, waiting.proposal.account) == (Why.KNOWN_PAYER, person.account_id)
    told = people.all_about(world.caisse, person)["bank_statement"]
    assert "LECOEUR MARTHE 1" in told[0]["label"]
    people.erase(world.caisse, person, by=ANNE)
    assert not BankLineText.objects.filter(line=first).exists()
    (waiting,) = open_lines(world.caisse)
    assert waiting.proposal.why is Why.NOTHING
    assert b"LECOEUR" not in b"".join(bytes(it.content) for it in ActRow.objects.all())
    assert clean(world, tmp_path)


def test_old_labels_are_forgotten(world: ServiceWorld) -> None:
    """Promise 7: what nobody matched is forgotten as names are; day and amount stay."""
    keep(world, row("05/10/2026", "VIR INCONNU", "20,00"))
    world.clock.pass_time(timedelta(days=734))
    assert bank_statements.erase_old_texts(world.caisse) == 0
    world.clock.pass_time(timedelta(days=1))
    assert bank_statements.erase_old_texts(world.caisse) == 1
    (waiting,) = open_lines(world.caisse)
    assert (waiting.label, waiting.line.amount_cents) == ("", 20_00)


def _promise(world: ServiceWorld, number: int) -> None:
    made = commit(world.caisse, account(number), 20_00, first_month=OCTOBER, by=ANNE)
    assert isinstance(made, Promised)


def test_amount_and_rhythm_propose_one_member_or_none(world: ServiceWorld) -> None:
    """Promise: nobody is guessed: the amount due, a month after the same one, fits one or none."""
    for number in (1, 2):
        _promise(world, number)
    first, second = keep(
        world,
        row("02/10/2026", "VIR A", "20,00"),
        row("01/11/2026", "VIR B", "20,00"),
    )
    assert {it.proposal.why for it in open_lines(world.caisse)} == {Why.NOTHING}
    assert isinstance(
        bank_booking.assign(world.caisse, first, account(1), by=ANNE), BankLineOutcome
    )
    (waiting,) = open_lines(world.caisse)
    assert (waiting.proposal.why, waiting.proposal.account) == (Why.RHYTHM, account(1).pk)
    done = payments.take(
        world.caisse,
        account(2),
        20_00,
        means=Means.STANDING_ORDER,
        value_date=OCTOBER,
        reference="VP1",
        by=ANNE,
    )
    assert isinstance(done, Taken)
    (waiting,) = open_lines(world.caisse)
    assert waiting.proposal.why is Why.SEVERAL
    assert bank_booking.confirm(world.caisse, second, by=ANNE) is NotBooked.SEVERAL


def test_what_could_be_two_things_is_none() -> None:
    """Promise: what fits a deposit and a member, or two deposits, is decided by a person."""
    day, text = date(2026, 10, 5), Text("VIR", "DUPONT")
    deposit, another = Paid(3, 0, 60_00, OCTOBER), Paid(4, 0, 60_00, OCTOBER)
    member = Expected(1, 60_00, (day - timedelta(days=30),))
    payers = {"DUPONT": frozenset({1})}

    def why(known: Known) -> Why:
        return propose(day, 60_00, text, known).why

    assert why(Known(deposits=(deposit,))) is Why.DEPOSIT
    assert why(Known(expected=(member,))) is Why.RHYTHM
    assert why(Known(payers=payers)) is Why.KNOWN_PAYER
    for known in (
        Known(deposits=(deposit, another)),
        Known(deposits=(deposit,), expected=(member,)),
        Known(deposits=(deposit,), payers=payers),
        Known(payers={"DUPONT": frozenset({1, 2})}),
        Known(expected=(member, replace(member, account=2))),
    ):
        assert why(known) is Why.SEVERAL


@pytest.mark.parametrize(("days", "is_month"), [(24, False), (25, True), (37, True), (38, False)])
def test_a_rhythm_is_a_month(days: int, is_month: bool) -> None:
    """Promise: what came the week before, or two months before, is no standing order."""
    member = Expected(1, 60_00, (OCTOBER,))
    found = propose(
        OCTOBER + timedelta(days=days), 60_00, Text("VIR", ""), Known(expected=(member,))
    )
    assert (found.why is Why.RHYTHM) is is_month


def test_two_references_are_none(world: ServiceWorld) -> None:
    """Promise: a label that names two members is decided by a person."""
    both = f"VIR {reference(account(1))} {reference(account(2))}"
    (line,) = keep(world, row("05/10/2026", both, "20,00"))
    assert bank_booking.confirm(world.caisse, line, by=ANNE) is NotBooked.SEVERAL
    assert received_cents() == 0


def test_a_payment_entered_by_hand_is_not_counted_again(
    world: ServiceWorld, tmp_path: Path
) -> None:
    """Promise: a line of a transfer that was entered before makes no second contribution."""
    done = payments.take(
        world.caisse,
        account(1),
        20_00,
        means=Means.TRANSFER,
        value_date=OCTOBER,
        reference="VIR1",
        by=ANNE,
    )
    assert isinstance(done, Taken)
    first, second = keep(
        world,
        row("03/10/2026", f"VIR {reference(account(1))}", "20,00", "20,00"),
        row("04/10/2026", f"VIR {reference(account(1))}", "20,00", "40,00"),
    )
    assert confirmed(world, first).kind == Outcome.ENTERED
    assert received_cents() == 20_00
    assert confirmed(world, second).kind == Outcome.CONTRIBUTION
    assert received_cents() == 40_00
    assert clean(world, tmp_path)


def test_cash_that_was_handed_in_is_not_a_contribution_again(world: ServiceWorld) -> None:
    """Promise: a credit that is our own deposit is seen to be it."""
    taken = payments.take(
        world.caisse, account(1), 60_00, means=Means.CASH, value_date=OCTOBER, by=ANNE
    )
    assert isinstance(taken, Taken)
    cash_box.hand_in_cash(world.caisse, None, day=OCTOBER, reference="BORD-1", by=ANNE)
    first, second = keep(
        world,
        row("05/10/2026", "VERSEMENT ESPECES", "60,00", "60,00"),
        row("06/10/2026", "VERSEMENT ESPECES", "60,00", "120,00"),
    )
    assert confirmed(world, first).kind == Outcome.DEPOSIT
    assert received_cents() == 60_00
    assert bank_booking.confirm(world.caisse, second, by=ANNE) is NotBooked.NOTHING


def test_a_wrong_match_is_reversed_by_a_new_entry(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise: who got another's contribution loses it again, by an entry; both are on record."""
    (line,) = keep(world, row("05/10/2026", "VIR PERMANENT X", "20,00"))
    done = bank_booking.assign(world.caisse, line, account(1), by=ANNE)
    assert isinstance(done, BankLineOutcome)
    assert PaymentMeans.objects.get(contribution__act=done.act).means == Means.STANDING_ORDER
    undone = bank_booking.undo(world.caisse, line, by=ANNE)
    assert isinstance(undone, BankLineOutcome)
    assert bank_booking.undo(world.caisse, line, by=ANNE) is NotBooked.NOT_SETTLED
    assert isinstance(bank_booking.assign(world.caisse, line, account(2), by=ANNE), BankLineOutcome)
    told = [(it.account_id, it.amount_cents) for it in Contribution.objects.order_by("act")]
    one, two = account(1).pk, account(2).pk
    assert told == [(one, 20_00), (one, -20_00), (two, 20_00)]
    with pytest.raises(IntegrityError), transaction.atomic():
        BankLineOutcome.objects.all().delete()
    assert clean(world, tmp_path)


def test_a_cheque_that_was_not_covered_is_taken_back(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise: the bank's debit takes back a whole cheque that it had; a mistake is undone."""
    taken = payments.take(
        world.caisse, account(1), 30_00, means=Means.CHEQUE, value_date=OCTOBER, by=ANNE
    )
    assert isinstance(taken, Taken)
    cheque = taken.contribution
    line, other = keep(
        world,
        row("15/10/2026", "CHQ IMPAYE", "-30,00"),
        row("16/10/2026", "FRAIS", "-3,00"),
    )

    def back(from_line: BankLine) -> BankLineOutcome | NotBooked:
        return bank_booking.take_back(world.caisse, from_line, cheque, by=ANNE)

    assert back(line) is NotBooked.NOT_BANKED
    cash_box.hand_in_cheques(world.caisse, day=OCTOBER, reference="BORD-1", by=ANNE)
    assert back(other) is NotBooked.NOT_THIS_AMOUNT
    assert isinstance(back(line), BankLineOutcome)
    assert received_cents() == 0
    assert clean(world, tmp_path)
    assert isinstance(bank_booking.undo(world.caisse, line, by=ANNE), BankLineOutcome)
    assert received_cents() == 30_00
    assert isinstance(bank_booking.set_aside(world.caisse, other, by=ANNE), BankLineOutcome)
    assert clean(world, tmp_path)


def test_contributions_are_lines_and_cash_less_what_was_taken_back(
    world: ServiceWorld, tmp_path: Path
) -> None:
    """Promise: contributions = confirmed lines + cash + cheques - reversals, to the cent."""
    lines = keep(
        world,
        row("05/10/2026", f"VIR {reference(account(1))}", "20,00"),
        row("05/10/2026", f"VIR {reference(account(2))}", "35,00"),
        row("06/10/2026", "SUBVENTION", "10 000,00"),
    )
    confirmed(world, lines[0])
    confirmed(world, lines[1])
    bank_booking.undo(world.caisse, lines[1], by=ANNE)
    bank_booking.set_aside(world.caisse, lines[2], by=ANNE)
    for cents, means in ((40_00, Means.CASH), (55_00, Means.CHEQUE)):
        payments.take(world.caisse, account(1), cents, means=means, value_date=OCTOBER, by=ANNE)
    booked = sum(
        it.line.amount_cents for it in standing(world.caisse).filter(kind=Outcome.CONTRIBUTION)
    )
    assert booked == 20_00
    assert received_cents() == booked + 40_00 + 55_00
    assert clean(world, tmp_path)
