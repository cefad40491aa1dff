"""Cash, cheques and transfers by hand: quittances without a gap, a till box that is counted."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from auditor.audit import Report, audit
from auditor.contributions import check_contributions
from auditor.evidence import Evidence
from auditor.export import read_export
from cardkit.acts import ActBody, ContributionReceived, sign_act
from cardkit.clock import PARIS
from cardkit.till_box import CashCounted, Means, MoneyDeposited, Piece
from server_stub.exports.quittance import quittance_lines
from server_stub.models import (
    Account,
    ActRow,
    Contribution,
    MoneyDeposit,
    PaymentMeans,
    Posting,
)
from server_stub.rules.cash_box import VALUES_CENTS, NotCounted, read_pieces, sum_cents
from server_stub.rules.ledger import Book
from server_stub.rules.payment_reference import (
    check_digits,
    in_groups,
    payment_reference,
    references_in,
)
from server_stub.rules.payments import quittance, read_quittance
from server_stub.rules.scheme import RuleName
from server_stub.services import acts, cash_box, payments, people, rebuild, rules_in_force
from server_stub.services.audit_export import export_audit
from server_stub.services.books import balances
from server_stub.services.cash_box import NotDeposited
from server_stub.services.payments import NotTaken, Quittance, Taken
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db
TODAY = date(2026, 10, 1)
ANNE = 1
BOX = (Book.CONTRIBUTED, Book.BANKED, Book.CASH_BOX, Book.CHEQUES, Book.CASH_DIFFERENCE)


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse on 1 October 2026."""
    return ServiceWorld.make()


def account(number: int = 1) -> Account:
    """An account without a card."""
    return Account.objects.get_or_create(number=number.to_bytes(16))[0]


def pay(
    world: ServiceWorld, cents: int, means: Means = Means.CASH, *, reference: str = ""
) -> Contribution:
    """Take a payment today."""
    done = payments.take(
        world.caisse,
        account(),
        cents,
        means=means,
        value_date=TODAY,
        reference=reference,
        by=ANNE,
    )
    assert isinstance(done, Taken), done
    return done.contribution


def back(world: ServiceWorld, contribution: Contribution) -> Contribution:
    """Take a payment back today."""
    done = payments.take_back(world.caisse, contribution, day=world.now.date(), by=ANNE)
    assert isinstance(done, Taken), done
    return done.contribution


def lies(world: ServiceWorld) -> dict[Book, int]:
    """Where members' money lies; without the empty books."""
    held = balances(world.caisse)
    return {book: held[book, 0] for book in BOX if held.get((book, 0))}


def audited(world: ServiceWorld, folder: Path) -> Report:
    """What an auditor says of the books."""
    path = folder / "audit.sqlite3"
    export_audit(world.caisse, path)
    return audit(read_export(path))


def test_each_means_lies_where_it_is(world: ServiceWorld) -> None:
    """Promise: cash is in the box, cheques beside it, transfers at the bank, each cent once."""
    pay(world, 20_00)
    pay(world, 30_00, Means.CHEQUE)
    pay(world, 50_00, Means.TRANSFER, reference="VIR20261001")
    pay(world, 25_00, Means.STANDING_ORDER, reference="VP-1")
    assert lies(world) == {
        Book.CONTRIBUTED: -125_00,
        Book.CASH_BOX: 20_00,
        Book.CHEQUES: 30_00,
        Book.BANKED: 75_00,
    }


def test_quittances_have_no_gap_and_begin_again_with_the_year(world: ServiceWorld) -> None:
    """Promise: each year's numbers are 1, 2, 3 …, whatever is taken back or comes by the bank."""
    first = pay(world, 20_00)
    pay(world, 50_00, Means.TRANSFER, reference="VIR1")
    second = pay(world, 30_00, Means.CHEQUE)
    back(world, second)
    third = pay(world, 30_00, Means.CHEQUE)
    world.clock.pass_time(timedelta(days=91, hours=15))  # 00:00 in Paris on 1 January 2027
    assert world.now == datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    fourth = pay(world, 20_00)
    told = [it.reference for it in (first, second, third, fourth)]
    assert told == ["Q2026-00001", "Q2026-00002", "Q2026-00003", "Q2027-00001"]


def test_the_paper_stub_and_the_books_have_one_number(world: ServiceWorld) -> None:
    """Promise: a quittance that was written by hand is entered under its own number, or not yet."""

    def written(number: int) -> Taken | NotTaken:
        return payments.take(
            world.caisse,
            account(),
            20_00,
            means=Means.CASH,
            value_date=TODAY,
            number=number,
            by=ANNE,
        )

    assert written(2) is NotTaken.ANOTHER_NUMBER
    assert isinstance(written(1), Taken)
    assert written(1) is NotTaken.ANOTHER_NUMBER
    assert isinstance(written(2), Taken)


def test_a_mistake_is_taken_back_once_by_an_entry_that_names_it(world: ServiceWorld) -> None:
    """Promise: a quittance is never edited: its annulation is an entry, and there is just one."""
    wrong = pay(world, 200_00)
    undone = back(world, wrong)
    assert (undone.amount_cents, undone.reference) == (-200_00, "A-Q2026-00001")
    assert PaymentMeans.objects.get(contribution=undone).cancels == wrong
    again = payments.take_back(world.caisse, wrong, day=TODAY, by=ANNE)
    assert again is NotTaken.TAKEN_BACK_ALREADY
    of_it = payments.take_back(world.caisse, undone, day=TODAY, by=ANNE)
    assert of_it is NotTaken.TAKEN_BACK_ALREADY
    assert lies(world) == {}
    for rows in (PaymentMeans.objects.all(), Contribution.objects.all()):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.delete()


@pytest.mark.parametrize(
    ("cents", "reference", "day", "why"),
    [
        (0, "V1", TODAY, NotTaken.NO_AMOUNT),
        (-5, "V1", TODAY, NotTaken.NO_AMOUNT),
        (2**31, "V1", TODAY, NotTaken.NO_AMOUNT),
        (20_00, "V1", date(2026, 10, 2), NotTaken.DAY_AHEAD),
        (20_00, "MARTHE LECOEUR", TODAY, NotTaken.NO_CODE),
        (20_00, "MARTHE", TODAY, NotTaken.NO_CODE),
        (20_00, "", TODAY, NotTaken.NO_CODE),
        (20_00, "Q2026-00001", TODAY, NotTaken.NO_CODE),
        (20_00, "V" * 34 + "1", TODAY, NotTaken.NO_CODE),
    ],
)
def test_what_is_no_payment_leaves_no_trace(
    world: ServiceWorld, cents: int, reference: str, day: date, why: NotTaken
) -> None:
    """Promise: no name stands in a reference, and what is refused is in no book and no act."""
    before = ActRow.objects.count()
    done = payments.take(
        world.caisse,
        account(),
        cents,
        means=Means.TRANSFER,
        value_date=day,
        reference=reference,
        by=ANNE,
    )
    assert done is why
    assert ActRow.objects.count() == before


def test_a_name_is_on_the_paper_and_nowhere_else(world: ServiceWorld) -> None:
    """Promise 7: the quittance names its member when it is printed; erased, it names nobody."""
    person = people.register(world.caisse, "Marthe Lecœur")
    taken = payments.take(
        world.caisse, person.account, 20_00, means=Means.CASH, value_date=TODAY, by=ANNE
    )
    assert isinstance(taken, Taken)

    def printed() -> list[str]:
        done = payments.print_quittance(world.caisse, taken.contribution, by=ANNE)
        assert isinstance(done, Quittance)
        return list(quittance_lines(done, caisse_name="Caisse de Flers"))

    first = printed()
    stub = first.index("SOUCHE")
    assert "Reçu de : Marthe Lecœur" in first[:stub]
    assert not any("Marthe" in line for line in first[stub:])
    assert "DUPLICATA" not in first
    assert "DUPLICATA" in printed()
    people.erase(world.caisse, person, by=ANNE)
    assert not any("Marthe" in line for line in printed())
    back(world, taken.contribution)
    assert "ANNULÉE par l’écriture A-Q2026-00001" in printed()
    log = b"".join(bytes(row.content) for row in ActRow.objects.all())
    assert b"Marthe" not in log


def test_a_transfer_has_no_quittance(world: ServiceWorld) -> None:
    """Promise: a quittance is given for what went through a hand, never for what the bank shows."""
    paid = pay(world, 20_00, Means.TRANSFER, reference="VIR1")
    assert payments.print_quittance(world.caisse, paid, by=ANNE) is NotTaken.NO_QUITTANCE


@pytest.mark.parametrize(
    ("counted", "off_cents", "difference_cents"),
    [("20x1 0,50x1", 50, -50), ("10x1 5x1", -5_00, 5_00), ("20x1", 0, 0), ("", -20_00, 20_00)],
)
def test_what_was_counted_is_what_the_books_say(
    world: ServiceWorld, tmp_path: Path, counted: str, off_cents: int, difference_cents: int
) -> None:
    """Promise: a count is signed by who counted, and its difference is a posting, not an edit."""
    pay(world, 20_00)
    pieces = read_pieces(counted)
    assert not isinstance(pieces, NotCounted)
    done = cash_box.count(world.caisse, pieces, by=ANNE)
    assert done.counted_cents - done.booked_cents == off_cents
    assert done.counted_by == ANNE
    assert cash_box.box(world.caisse).cash_cents == 20_00 + off_cents
    assert lies(world).get(Book.CASH_DIFFERENCE, 0) == difference_cents
    posted = Posting.objects.filter(subject=f"cash-count/{done.act_id}", cause=done.act.digest)
    assert posted.count() == bool(off_cents)
    assert rebuild.differences(world.caisse) == []
    assert audited(world, tmp_path).findings == ()


@given(pieces=st.dictionaries(st.sampled_from(VALUES_CENTS), st.integers(1, 500), max_size=15))
def test_a_count_is_worth_its_coins_and_notes(pieces: dict[int, int]) -> None:
    """Promise: counting is exact, in whatever order coins and notes are told."""
    text = " ".join(f"{value / 100:.2f}".replace(".", ",") + f"x{n}" for value, n in pieces.items())
    read = read_pieces(text)
    assert not isinstance(read, NotCounted)
    assert sum_cents(read) == sum(value * n for value, n in pieces.items())
    assert [it.value_cents for it in read] == sorted(pieces, reverse=True)


@pytest.mark.parametrize("word", ["3x1", "20", "x5", "20x1 20x2", "20x-1", "0,03x1", "=1"])
def test_what_is_no_coin_is_not_counted(word: str) -> None:
    """Promise: a note that does not exist, or one that is counted twice, is said so."""
    assert isinstance(read_pieces(word), NotCounted)


def test_what_is_handed_in_leaves_the_box(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise: cash and cheques go to the bank once, never more than there is, by a slip."""
    pay(world, 60_00)
    kept, undone = pay(world, 30_00, Means.CHEQUE), pay(world, 35_00, Means.CHEQUE)
    back(world, undone)

    def cash(cents: int | None) -> MoneyDeposit | NotDeposited:
        return cash_box.hand_in_cash(world.caisse, cents, day=TODAY, reference="BORD-1", by=ANNE)

    def cheques() -> MoneyDeposit | NotDeposited:
        return cash_box.hand_in_cheques(world.caisse, day=TODAY, reference="BORD-2", by=ANNE)

    assert cash(60_01) is NotDeposited.MORE_THAN_HELD
    assert isinstance(cash(40_00), MoneyDeposit)
    slip = cheques()
    assert isinstance(slip, MoneyDeposit)
    assert [it.contribution for it in slip.cheques.all()] == [kept]
    assert cheques() is NotDeposited.NOTHING
    assert isinstance(cash(None), MoneyDeposit)
    assert cash(None) is NotDeposited.NOTHING
    assert lies(world) == {Book.CONTRIBUTED: -90_00, Book.BANKED: 90_00}
    back(world, kept)  # not covered: the bank takes it back
    assert lies(world) == {Book.CONTRIBUTED: -60_00, Book.BANKED: 60_00}
    assert rebuild.differences(world.caisse) == []
    assert audited(world, tmp_path).findings == ()


def test_a_slip_bears_no_name(world: ServiceWorld) -> None:
    """Promise 7: what names a deposit is a number."""
    pay(world, 60_00)
    done = cash_box.hand_in_cash(world.caisse, None, day=TODAY, reference="chez Marthe", by=ANNE)
    assert done is NotDeposited.NO_CODE
    assert not MoneyDeposit.objects.exists()


def test_a_full_box_is_told_by_the_voted_ceiling(world: ServiceWorld) -> None:
    """Promise: how much cash the box may hold is a vote."""
    rules_in_force.set_rule(world.caisse, RuleName.CASH_BOX_MAX_CENTS, 50_00, from_day=TODAY)
    pay(world, 50_00)
    assert not cash_box.box(world.caisse).is_too_full
    pay(world, 1)
    assert cash_box.box(world.caisse).is_too_full


def test_every_cent_that_came_in_is_somewhere(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise: contributions = cash + cheques + bank - what was taken back; anybody finds it."""
    pay(world, 20_00)
    pay(world, 45_00, Means.CHEQUE)
    pay(world, 100_00, Means.TRANSFER, reference="VIR1")
    back(world, pay(world, 25_00))
    back(world, pay(world, 70_00, Means.TRANSFER, reference="VIR2"))
    cash_box.count(world.caisse, (Piece(value_cents=10_00, count=1),), by=ANNE)
    sum_of_all = Contribution.objects.aggregate(sum=Sum("amount_cents"))["sum"]
    assert sum_of_all == 165_00
    held = lies(world)
    assert -held[Book.CONTRIBUTED] == sum_of_all
    assert sum(held.values()) == 0
    assert rebuild.differences(world.caisse) == []
    assert audited(world, tmp_path).findings == ()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_at_the_till_no_cent_is_lost(
    world: ServiceWorld, tmp_path: Path, seed: int
) -> None:
    """Promise: after any payments, annulations, counts and slips, books, log and auditor agree."""
    chance = random.Random(seed)
    came_cents = 0
    for _ in range(40):
        world.clock.pass_time(timedelta(days=chance.choice((0, 0, 1, 20))))
        day = world.now.astimezone(PARIS).date()
        match chance.randrange(6):
            case 0 | 1 | 2:
                means = chance.choice(list(Means))
                cents = chance.randrange(1, 200_00)
                done = payments.take(
                    world.caisse,
                    account(chance.randrange(1, 4)),
                    cents,
                    means=means,
                    value_date=day,
                    reference="VIR1",
                    by=ANNE,
                )
                assert isinstance(done, Taken)
                came_cents += cents
            case 3:
                known = list(Contribution.objects.all())
                if known:
                    one = chance.choice(known)
                    undone = payments.take_back(world.caisse, one, day=day, by=ANNE)
                    came_cents -= one.amount_cents if isinstance(undone, Taken) else 0
            case 4:
                pieces = (Piece(value_cents=20_00, count=chance.randrange(1, 9)),)
                cash_box.count(world.caisse, pieces, by=ANNE)
            case 5:
                slip = f"B-{chance.randrange(10**6)}"
                part = chance.choice((None, 50_00))
                cash_box.hand_in_cash(world.caisse, part, day=day, reference=slip, by=ANNE)
                cash_box.hand_in_cheques(world.caisse, day=day, reference=slip, by=ANNE)
    held = lies(world)
    assert -held.get(Book.CONTRIBUTED, 0) == came_cents
    assert sum(held.values()) == 0
    cheques_cents = cash_box.box(world.caisse).cheques_cents
    assert held.get(Book.CHEQUES, 0) == cheques_cents
    numbers = PaymentMeans.objects.exclude(quittance_number=None)
    for year in set(numbers.values_list("quittance_year", flat=True)):
        of_year = numbers.filter(quittance_year=year).order_by("contribution__act")
        told = list(of_year.values_list("quittance_number", flat=True))
        assert told == list(range(1, len(told) + 1))
    assert rebuild.differences(world.caisse) == []
    assert audited(world, tmp_path).findings == ()


def _contribution(**changes: object) -> ContributionReceived:
    told: dict[str, object] = {
        "account": (1).to_bytes(16),
        "amount_cents": 20_00,
        "value_date": TODAY,
        "reference": "Q2026-00002",
        "means": Means.CASH,
    }
    return ContributionReceived(**told | changes)  # type: ignore[arg-type]  # fields by name


def _deposit(**changes: object) -> MoneyDeposited:
    told: dict[str, object] = {
        "means": Means.CASH,
        "amount_cents": 20_00,
        "day": TODAY,
        "reference": "B1",
    }
    return MoneyDeposited(**told | changes)  # type: ignore[arg-type]  # fields by name


COUNT = CashCounted(day=TODAY, booked_cents=20_00, pieces=())
TWENTY = Piece(value_cents=20_00, count=1)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda _: _contribution(reference="Q2026-00003"), "Q2026-00002 follows"),
        (lambda _: _contribution(means=Means.TRANSFER), "bears the number"),
        (lambda _: _contribution(amount_cents=-5_00), "given back"),
        (lambda it: _contribution(amount_cents=-5_00, cancels=it), "another amount"),
        (lambda it: _contribution(account=bytes(16), amount_cents=-20_00, cancels=it), "another"),
        (lambda _: _deposit(amount_cents=20_01), "more than there was"),
        (lambda it: _deposit(means=Means.CHEQUE, cheques=(it,)), "no cheque in the box"),
        (lambda _: replace(COUNT, booked_cents=19_00), "another sum"),
        (lambda _: replace(COUNT, pieces=(TWENTY, TWENTY)), "one twice"),
        (lambda _: replace(COUNT, pieces=(replace(TWENTY, value_cents=3_00),)), "no coin or note"),
    ],
)
def test_an_auditor_sees_who_breaks_the_rules_with_the_services_key(
    world: ServiceWorld, tmp_path: Path, made: Callable[[int], ActBody], words: str
) -> None:
    """Promise 4: a gap, another sum taken back, an invented count are found from the log alone."""
    first = pay(world, 20_00)
    assert audited(world, tmp_path).findings == ()
    acts.record(world.caisse, made(first.act_id), by=ANNE)
    (tmp_path / "audit.sqlite3").unlink()
    found = audited(world, tmp_path).findings
    assert any(words in it.words for it in found), found


def test_an_auditor_sees_a_count_by_nobody(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 4: a difference of the till box has an author."""
    pay(world, 20_00)
    acts.record(world.caisse, COUNT, by=0)
    assert "nobody counted" in {it.words for it in audited(world, tmp_path).findings}


@given(number=st.binary(min_size=16, max_size=16), before=st.text(max_size=20))
def test_a_payment_reference_is_found_in_any_text(number: bytes, before: str) -> None:
    """Promise: what a member was told to write is found among what banks add, in any grouping."""
    reference = payment_reference(number)
    assert reference in set(references_in(f"{before} {in_groups(reference).lower()} /MOTIF"))


def test_a_typing_error_is_no_reference() -> None:
    """Promise: a wrong digit, or two that changed places, is no reference (ISO 11649)."""
    assert check_digits("539007547034") == "18"  # the standard's own example
    right = payment_reference(bytes(range(16)))
    assert list(references_in(right)) == [right]
    for index in range(2, len(right)):
        others = {right[:index] + it + right[index + 1 :] for it in "0123456789"}
        swapped = right[: index - 1] + right[index] + right[index - 1] + right[index + 1 :]
        for wrong in (others | {swapped}) - {right}:
            assert list(references_in(wrong)) == []


@given(year=st.integers(2000, 9999), number=st.integers(1, 10**8))
def test_a_quittance_is_its_year_and_number(year: int, number: int) -> None:
    """Promise: a number is written one way, and read back as itself."""
    assert read_quittance(quittance(year, number)) == (year, number)
    assert read_quittance(f"Q{year}-{number}") in {None, (year, number)}


def test_an_auditor_sees_what_no_service_would_write(world: ServiceWorld) -> None:
    """Promise 4: what is taken back twice, and a cheque handed in twice, the log alone betrays."""
    cheque = _contribution(reference="Q2026-00001", means=Means.CHEQUE)
    back = replace(cheque, amount_cents=-20_00, cancels=1, reference="A-Q2026-00001")
    slip = _deposit(means=Means.CHEQUE, cheques=(1,))
    told = {
        "takes back act 1 a second time": (cheque, back, back),
        "takes back act 9, which is no contribution": (cheque, replace(back, cancels=9)),
        "hands in act 1, which is no cheque in the box": (cheque, slip, slip),
        "hands in another sum than its cheques": (cheque, replace(slip, amount_cents=19_00)),
        "hands in what was at the bank already": (replace(slip, means=Means.TRANSFER),),
    }
    for words, bodies in told.items():
        evidence = Evidence()
        key = world.caisse.ring.service
        for seq, body in enumerate(bodies, start=1):
            act = sign_act(key, body, seq=seq, prev=bytes(32), at=world.now, by=ANNE)
            evidence.acts.append(act)
        check_contributions(evidence)
        assert words in {it.words for it in evidence.findings}
