"""What acts about members' money do: contributions, the till box, what is handed in."""

from __future__ import annotations

from cardkit.acts import ContributionReceived
from cardkit.errors import must
from cardkit.till_box import CashCounted, Means, MoneyDeposited
from server_stub.models import (
    Account,
    ActRow,
    CashCount,
    Contribution,
    DepositedCheque,
    MoneyDeposit,
    PaymentMeans,
)
from server_stub.rules.cash_box import difference, handed_in, sum_cents
from server_stub.rules.ledger import Book, Lines
from server_stub.rules.payments import WITH_QUITTANCE, read_quittance, received, stands_in
from server_stub.services.books import post
from server_stub.services.caisse import Caisse


def contribution_came(caisse: Caisse, row: ActRow, body: ContributionReceived) -> None:
    """Enter a contribution, or one that is taken back, where its money is."""
    account, _ = Account.objects.using(caisse.using).get_or_create(number=body.account)
    contribution = Contribution.objects.using(caisse.using).create(
        act=row,
        account=account,
        amount_cents=body.amount_cents,
        value_date=body.value_date,
        reference=body.reference,
    )
    cancelled = None if body.cancels is None else _of_act(caisse, body.cancels)
    if body.means is not None:
        _keep_means(caisse, contribution, body, cancelled)
    place = _place(caisse, body.means, cancelled)
    _post(caisse, row, f"contribution/{row.seq}", received(body.amount_cents, into=place))


def box_counted(caisse: Caisse, row: ActRow, body: CashCounted, *, by: int) -> None:
    """Enter a count, and as a difference what the books said otherwise."""
    counted_cents = sum_cents(body.pieces)
    CashCount.objects.using(caisse.using).create(
        act=row,
        day=body.day,
        booked_cents=body.booked_cents,
        counted_cents=counted_cents,
        counted_by=by,
    )
    lines = difference(counted_cents, body.booked_cents)
    _post(caisse, row, f"cash-count/{row.seq}", lines)


def money_deposited(caisse: Caisse, row: ActRow, body: MoneyDeposited, *, by: int) -> None:
    """Take what was handed in out of the till box."""
    must(body.means in WITH_QUITTANCE, "cash or cheques are handed in")
    deposit = MoneyDeposit.objects.using(caisse.using).create(
        act=row,
        means=int(body.means),
        amount_cents=body.amount_cents,
        day=body.day,
        reference=body.reference,
        deposited_by=by,
    )
    DepositedCheque.objects.using(caisse.using).bulk_create(
        DepositedCheque(deposit=deposit, contribution=_of_act(caisse, seq)) for seq in body.cheques
    )
    lines = handed_in(body.amount_cents, out_of=stands_in(body.means))
    _post(caisse, row, f"deposit/{row.seq}", lines)


def _keep_means(
    caisse: Caisse,
    contribution: Contribution,
    body: ContributionReceived,
    cancelled: Contribution | None,
) -> None:
    year, number = None, None
    if body.means in WITH_QUITTANCE and cancelled is None:
        numbered = read_quittance(body.reference)
        must(numbered is not None, "cash and cheques bear the number of a quittance")
        assert numbered is not None  # noqa: S101 - what must() said, for the type checker
        year, number = numbered
    PaymentMeans.objects.using(caisse.using).create(
        contribution=contribution,
        means=int(body.means or 0),
        quittance_year=year,
        quittance_number=number,
        cancels=cancelled,
    )


def _place(caisse: Caisse, means: Means | None, cancelled: Contribution | None) -> Book:
    """Return where the money is; a cheque that comes back after it was handed in was banked."""
    if cancelled is None:
        return stands_in(means)
    deposited = DepositedCheque.objects.using(caisse.using).filter(contribution=cancelled)
    return Book.BANKED if deposited.exists() else stands_in(means)


def _of_act(caisse: Caisse, seq: int) -> Contribution:
    found = Contribution.objects.using(caisse.using).filter(act_id=seq).first()
    must(found is not None, "an act names a contribution that came in")
    assert found is not None  # noqa: S101 - what must() said, for the type checker
    return found


def _post(caisse: Caisse, row: ActRow, subject: str, lines: Lines) -> None:
    post(caisse, card=None, subject=subject, lines=lines, cause=row.digest)
