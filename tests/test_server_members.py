"""The life of a member: a wave, a promise, its changes and renewal, an exit."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from auditor.audit import audit
from auditor.export import read_export
from auditor.findings import Class
from cardkit.clock import PARIS
from cardkit.membership import (
    AdmissionOrder,
    CommitmentChangeKind,
    CreditLapsed,
    MemberLeft,
    WaveAdmitted,
    drawn,
)
from server_stub.models import (
    Account,
    ActRow,
    Admission,
    Card,
    CardStatus,
    Commitment,
    Helper,
    HelperRole,
    Person,
)
from server_stub.rules.ledger import Book
from server_stub.rules.renewals import Stage
from server_stub.rules.scheme import LeavingCredit, RuleName
from server_stub.services import (
    acts,
    books,
    commitments,
    exits,
    issue,
    people,
    rebuild,
    renewals,
    rules_in_force,
    waves,
)
from server_stub.services.audit_export import export_audit
from server_stub.services.commitments import NotPromised, Promised
from server_stub.services.exits import CardIs, Leaving, NotLeft
from server_stub.services.renewals import NotRenewed
from server_stub.services.waves import NotDrawn, WaveDraw
from simulator.card import VirtualCard
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER, DECEMBER, JANUARY, FEBRUARY, APRIL = (
    date(2026, 10, 1),
    date(2026, 11, 1),
    date(2026, 12, 1),
    date(2027, 1, 1),
    date(2027, 2, 1),
    date(2027, 4, 1),
)
ANNE = 1
LONG_BEFORE = date(2026, 1, 1)


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse where credit needs a commitment, on 1 October 2026."""
    world = ServiceWorld.make()
    vote(world, RuleName.COMMITMENT_NEEDED, 1)
    return world


def vote(world: ServiceWorld, name: RuleName, number: int, day: date = LONG_BEFORE) -> None:
    """A rule that the caisse has."""
    rules_in_force.set_rule(world.caisse, name, number, from_day=day)


def apply(world: ServiceWorld, *names: str) -> list[Person]:
    """People who apply, one after the other."""
    return [people.register(world.caisse, name) for name in names]


def admit(world: ServiceWorld, places: int, seed: str = "") -> WaveDraw:
    """A wave."""
    made = waves.admit(world.caisse, places=places, seed=seed, by=ANNE)
    assert isinstance(made, WaveDraw)
    return made


def member(
    world: ServiceWorld, name: str = "Marthe", *, persons: int = 1, cents: int = 20_00
) -> tuple[Account, VirtualCard]:
    """A member since October, with a card that has its months."""
    account = apply(world, name)[0].account
    admit(world, 1)
    made = commitments.commit(
        world.caisse, account, cents, first_month=OCTOBER, persons=persons, by=ANNE
    )
    assert isinstance(made, Promised)
    return account, world.card(account=bytes(account.number))


def change(
    world: ServiceWorld, kind: CommitmentChangeKind, month: date, **what: int
) -> Promised | NotPromised:
    """A change of the one commitment that there is."""
    row = Commitment.objects.get()
    return commitments.change(world.caisse, row, kind, from_month=month, by=ANNE, **what)


def signed(world: ServiceWorld, card: VirtualCard) -> dict[date, int]:
    """The sum up to each month that the newest allowance has."""
    held = issue.held_allowance(world.caisse, world.row(card))
    steps = () if held is None else held.steps
    return {it.from_at.astimezone(PARIS).date(): it.cumulative_cents for it in steps}


def audited(world: ServiceWorld, path: Path) -> list[str]:
    """What the auditor finds, but for the total that the stall of these tests does not keep."""
    export_audit(world.caisse, path)
    found = audit(read_export(path)).findings
    return [str(it) for it in found if it.kind is not Class.TOTAL]


# Waves


def test_the_order_of_application_is_nobodys_choice(world: ServiceWorld) -> None:
    """Promise: nobody is passed over: who applied first is in the first wave that has a place."""
    for name, day in (("C", 3), ("A", 1), ("B", 2)):
        people.register(world.caisse, name, applied_on=date(2026, 9, day))
    shown = waves.draw(world.caisse, places=2)
    assert isinstance(shown, WaveDraw)
    assert not Admission.objects.exists(), "a draw writes nothing"
    assert [it.name for it in shown.admitted] == ["A", "B"]
    assert [it.name for it in admit(world, 2).admitted] == ["A", "B"]
    assert [it.name for it in waves.waiting_list(world.caisse)] == ["C"]
    assert [it.name for it in admit(world, 5).admitted] == ["C"]
    assert sorted(Admission.objects.values_list("wave__number", "place")) == [
        (1, 1),
        (1, 2),
        (2, 1),
    ]


def test_a_draw_is_the_same_for_whoever_repeats_it(world: ServiceWorld) -> None:
    """Promise: SHA-256 of seed and account is the whole lottery, whatever the order of asking."""
    vote(world, RuleName.ADMISSION_ORDER, AdmissionOrder.DRAW)
    waiting = [bytes(it.account.number) for it in apply(world, "A", "B", "C", "D")]
    seed = "Loto du 3 octobre 2026 : 4 8 15 16 23 – 42"
    by_hand = sorted(waiting, key=lambda it: hashlib.sha256(seed.encode() + it).hexdigest())
    assert all(drawn(seed, order) == by_hand for order in permutations(waiting))
    shown, made = waves.draw(world.caisse, places=2, seed=seed), admit(world, 2, seed)
    assert isinstance(shown, WaveDraw)
    assert [bytes(it.account.number) for it in shown.people] == by_hand
    assert [it.pk for it in made.people] == [it.pk for it in shown.people]
    rows = Admission.objects.order_by("place").values_list("account__number", flat=True)
    assert [bytes(it) for it in rows] == by_hand[:2]
    assert made.fingerprint == hashlib.sha256(b"".join(sorted(waiting))).digest()


@pytest.mark.parametrize(
    ("order", "places", "seed", "why"),
    [
        (AdmissionOrder.DRAW, 1, "", NotDrawn.SEED_NEEDED),
        (AdmissionOrder.DRAW, 1, "x" * 121, NotDrawn.SEED_NEEDED),
        (AdmissionOrder.APPLICATION, 1, "x", NotDrawn.SEED_NOT_USED),
        (AdmissionOrder.APPLICATION, 0, "", NotDrawn.NO_PLACES),
    ],
)
def test_a_wave_follows_the_vote(
    world: ServiceWorld, order: AdmissionOrder, places: int, seed: str, why: NotDrawn
) -> None:
    """Promise: who coordinates can't choose another order than the one that was voted."""
    vote(world, RuleName.ADMISSION_ORDER, order)
    assert waves.admit(world.caisse, places=1, seed="x", by=ANNE) is NotDrawn.NOBODY_WAITS
    apply(world, "A")
    assert waves.admit(world.caisse, places=places, seed=seed, by=ANNE) is why
    assert not Admission.objects.exists()


def test_who_waits_has_no_credit(world: ServiceWorld) -> None:
    """Promise: a member on the waiting list has no credit and no promise, whatever the card."""
    vote(world, RuleName.COMMITMENT_NEEDED, 0, date(2026, 2, 1))
    (person,) = apply(world, "Marthe")
    card = world.card(account=bytes(person.account.number))
    refused = commitments.commit(world.caisse, person.account, 20_00, first_month=OCTOBER, by=ANNE)
    assert refused is NotPromised.WAITING
    assert signed(world, card) == {}
    admit(world, 1)
    issue.issue_due(world.caisse)
    assert signed(world, card) == {OCTOBER: 100_00, NOVEMBER: 200_00}


# Changes before the end


def test_a_month_off_has_neither_dues_nor_credit(world: ServiceWorld) -> None:
    """Promise: a month off asks nothing and gives nothing; the month after it is as before."""
    account, card = member(world)
    off = CommitmentChangeKind.MONTH_OFF
    assert change(world, off, NOVEMBER) is NotPromised.SIGNED_ALREADY
    assert isinstance(change(world, off, DECEMBER), Promised)
    world.clock.pass_time(timedelta(days=75))  # 15 December
    issue.issue_due(world.caisse)
    assert signed(world, card) == {NOVEMBER: 200_00, JANUARY: 300_00}  # January: grace
    months = [it.month for it in commitments.standing(world.caisse, account).months]
    assert months == [OCTOBER, NOVEMBER]


def test_hardship_lowers_the_dues_alone(world: ServiceWorld) -> None:
    """Promise: in hardship less is due, nothing even; an amount is never raised before its end."""
    account, card = member(world, cents=30_00)
    amount = CommitmentChangeKind.AMOUNT
    assert change(world, amount, NOVEMBER, monthly_cents=45_00) is NotPromised.NOT_LOWER
    assert isinstance(change(world, amount, NOVEMBER, monthly_cents=0), Promised)
    world.clock.pass_time(timedelta(days=35))
    issue.issue_due(world.caisse)
    due = [it.due_cents for it in commitments.standing(world.caisse, account).months]
    assert due == [30_00, 0]
    assert signed(world, card)[DECEMBER] == 300_00


def test_a_household_is_a_number_from_a_month_on(world: ServiceWorld) -> None:
    """Promise: one more person gives what is voted, from a month that is not signed yet."""
    vote(world, RuleName.EXTRA_PERSON_CENTS, 30_00)
    _, card = member(world, persons=2)
    persons = CommitmentChangeKind.PERSONS
    assert change(world, persons, NOVEMBER, persons=3) is NotPromised.SIGNED_ALREADY
    assert change(world, persons, DECEMBER, persons=0) is NotPromised.NO_HOUSEHOLD
    assert isinstance(change(world, persons, DECEMBER, persons=3), Promised)
    world.clock.pass_time(timedelta(days=35))
    issue.issue_due(world.caisse)
    assert signed(world, card) == {NOVEMBER: 260_00, DECEMBER: 420_00}
    assert rebuild.differences(world.caisse) == []


def test_a_month_has_the_credit_of_its_own_day(world: ServiceWorld) -> None:
    """Promise: a vote counts from its day, also for a month that is signed ahead."""
    vote(world, RuleName.MONTHLY_CREDIT_CENTS, 90_00, NOVEMBER)
    _, card = member(world)
    assert signed(world, card) == {OCTOBER: 100_00, NOVEMBER: 190_00}


# Renewal


def test_the_campaign_lists_each_once_and_renewal_continues(world: ServiceWorld) -> None:
    """Promise: five weeks ahead, in grace, then nothing; who renewed stands on no list."""
    account, card = member(world)
    assert renewals.campaign(world.caisse) == []
    world.clock.pass_time(timedelta(days=65))  # 5 December: promised until the end of it
    (row,) = renewals.campaign(world.caisse)
    assert (row.renewal.stage, row.renewal.nothing_from) == (Stage.TO_RENEW, FEBRUARY)
    made = renewals.renew(world.caisse, account, monthly_cents=25_00, by=ANNE)
    assert isinstance(made, Promised)
    assert (made.commitment.first_month, made.commitment.months) == (JANUARY, 3)
    assert renewals.campaign(world.caisse) == []
    world.clock.pass_time(timedelta(days=130))  # 14 April: a month of grace
    issue.issue_due(world.caisse)
    (row,) = renewals.campaign(world.caisse)
    assert (row.renewal.stage, row.renewal.nothing_from) == (Stage.IN_GRACE, date(2027, 5, 1))
    assert max(signed(world, card)) == APRIL
    world.clock.pass_time(timedelta(days=20))  # 4 May
    issue.issue_due(world.caisse)
    assert renewals.campaign(world.caisse)[0].renewal.stage is Stage.NOTHING
    assert max(signed(world, card)) == APRIL, "who did not renew receives nothing"


def test_many_are_renewed_at_once_and_whom_to_ask_is_left(world: ServiceWorld) -> None:
    """Promise: a dry run says just what is then done; whoever paid less for a while is asked."""
    eased, _ = member(world, "Marthe", cents=30_00)
    change(world, CommitmentChangeKind.AMOUNT, DECEMBER, monthly_cents=5_00)
    plain, _ = member(world, "Ali", cents=25_00)
    world.clock.pass_time(timedelta(days=65))
    signed_before = ActRow.objects.count()
    planned = renewals.plan_same(world.caisse)
    assert ActRow.objects.count() == signed_before, "a dry run writes nothing"
    assert {it.row.account.pk: it.refusal for it in planned} == {
        eased.pk: NotRenewed.ASK_FIRST,
        plain.pk: None,
    }
    assert renewals.renew_same(world.caisse, by=ANNE) == planned
    assert [it.account_id for it in Commitment.objects.filter(first_month=JANUARY)] == [plain.pk]
    assert ActRow.objects.count() == signed_before + 1
    assert [it.refusal for it in renewals.plan_same(world.caisse)] == [NotRenewed.ASK_FIRST]


# Exit


def test_leaving_is_told_before_it_is_done(world: ServiceWorld) -> None:
    """Promise: the plan is what happens; last dues stay due, and signed credit the member's."""
    account, card = member(world)
    signed_before = ActRow.objects.count()
    told = exits.plan(world.caisse, account, card=CardIs.KEPT)
    assert isinstance(told, Leaving)
    assert ActRow.objects.count() == signed_before, "a plan writes nothing"
    assert told.from_month == DECEMBER, "November's credit is signed"
    assert [it.missing_cents for it in told.last_dues.months] == [20_00, 20_00]
    assert (told.left_cents, told.lapses, told.blocked) == (200_00, False, ())
    assert exits.leave(world.caisse, account, card=CardIs.KEPT, by=ANNE) == told
    world.clock.pass_time(timedelta(days=75))
    issue.issue_due(world.caisse)
    assert max(signed(world, card)) == NOVEMBER
    assert commitments.standing(world.caisse, account).late_cents == 40_00
    assert renewals.campaign(world.caisse) == []
    assert exits.plan(world.caisse, account, card=CardIs.KEPT) is NotLeft.LEFT_ALREADY
    late = commitments.commit(world.caisse, account, 20_00, first_month=FEBRUARY, by=ANNE)
    assert late is NotPromised.LEFT
    stall = world.stall()
    stall.sell(card, 50_00)
    stall.sync()
    assert books.balances(world.caisse)[Book.PAYABLE, 7] == 50_00, "what is left can be spent"


def test_who_left_gets_no_month_where_all_get_it(world: ServiceWorld) -> None:
    """Promise: leaving ends the credit also in a caisse that asks for no commitment."""
    vote(world, RuleName.COMMITMENT_NEEDED, 0, date(2026, 2, 1))
    (person,) = apply(world, "Marthe")
    admit(world, 1)
    card = world.card(account=bytes(person.account.number))
    exits.leave(world.caisse, person.account, card=CardIs.KEPT, by=ANNE)
    world.clock.pass_time(timedelta(days=75))
    issue.issue_due(world.caisse)
    assert max(signed(world, card)) == NOVEMBER


def test_a_month_that_was_signed_is_not_left_out(world: ServiceWorld) -> None:
    """Promise: nobody leaves so early that credit is kept without its dues."""
    account, _ = member(world)
    early = exits.plan(world.caisse, account, card=CardIs.BACK, from_month=NOVEMBER)
    assert early is NotLeft.CREDIT_SIGNED
    (waiting,) = apply(world, "Ali")
    assert exits.plan(world.caisse, waiting.account, card=CardIs.BACK) is NotLeft.NOT_A_MEMBER


def test_what_lapses_is_taken_once_no_stall_can_sell(world: ServiceWorld, tmp_path: Path) -> None:
    """Promises 2, 6, 8: a leaver's rest is the caisse's once every stall knows, to the cent."""
    vote(world, RuleName.LEAVING_CREDIT, LeavingCredit.LAPSES)
    account, card = member(world)
    stall = world.stall()
    stall.sell(card, 12_50)
    told = exits.leave(world.caisse, account, card=CardIs.KEPT, by=ANNE)
    assert isinstance(told, Leaving)
    assert (told.lapses, [it.pk for it in told.blocked]) == (True, [world.row(card).pk])
    assert Card.objects.get(pk=world.row(card).pk).status == CardStatus.BLOCKED
    assert exits.lapse_due(world.caisse) == 0, "a stall may have sold to it"
    stall.sync()
    stall.sync()
    assert exits.lapse_due(world.caisse) == 187_50
    assert exits.lapse_due(world.caisse) == 0
    balances = books.balances(world.caisse)
    assert balances[Book.LAPSED, 0] == 187_50
    assert balances[Book.ISSUED, 0] == -200_00
    assert balances[Book.CREDIT, 0] + balances[Book.SPENT, 0] == 0
    assert rebuild.differences(world.caisse) == []
    assert audited(world, tmp_path / "audit.sqlite3") == []


def test_a_card_that_was_kept_comes_back_later(world: ServiceWorld) -> None:
    """Promise: who kept the card to spend the rest can hand it in; a member's card is not taken."""
    account, card = member(world)
    assert exits.take_card_back(world.caisse, account, by=ANNE) == 0
    exits.leave(world.caisse, account, card=CardIs.KEPT, by=ANNE)
    assert exits.take_card_back(world.caisse, account, by=ANNE) == 1
    assert Card.objects.get(pk=world.row(card).pk).status == CardStatus.BLOCKED


# Names


def test_helpers_are_known_and_forgotten_with_the_member(
    world: ServiceWorld, tmp_path: Path
) -> None:
    """Promise 7: whoever helps is shown to the member, goes with them, and no book has changed."""
    account, card = member(world)
    person = Person.objects.get()
    people.add_helper(world.caisse, person, "Mme Tutrice", role=HelperRole.GUARDIAN, telephone="02")
    people.add_helper(world.caisse, person, "Karim", role=HelperRole.RELATIVE)
    told = people.all_about(world.caisse, person)
    assert [(it["name"], it["role"]) for it in told["helpers"]] == [
        ("Mme Tutrice", "guardian"),
        ("Karim", "relative"),
    ]
    assert (told["wave"], told["left_from"]) == (1, None)
    stall = world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    exits.leave(world.caisse, account, card=CardIs.BACK, by=ANNE)
    before = rebuild.picture("default"), audited(world, tmp_path / "before.sqlite3")
    people.erase(world.caisse, person, by=ANNE)
    assert not Helper.objects.exists()
    after = rebuild.picture("default"), audited(world, tmp_path / "after.sqlite3")
    assert after == before
    assert after[1] == []
    assert rebuild.differences(world.caisse) == []


def test_the_clock_of_a_name_starts_with_the_exit(world: ServiceWorld) -> None:
    """Promise: a member with a promise is known; two years after leaving, nobody is (CNIL)."""
    vote(world, RuleName.RETENTION_DAYS, 10)
    account, _ = member(world)
    world.clock.pass_time(timedelta(days=60))
    assert people.erase_due(world.caisse) == 0, "December is promised"
    exits.leave(world.caisse, account, card=CardIs.BACK, by=ANNE)
    world.clock.pass_time(timedelta(days=10))
    assert people.erase_due(world.caisse) == 0
    world.clock.pass_time(timedelta(days=25))
    assert people.erase_due(world.caisse) == 1
    assert not Person.objects.exists()
    assert Admission.objects.filter(account=account).exists()


def test_who_is_forgotten_while_waiting_is_not_admitted_by_it(world: ServiceWorld) -> None:
    """Promise: erasing somebody from the waiting list gives their account nothing."""
    vote(world, RuleName.COMMITMENT_NEEDED, 0, date(2026, 2, 1))
    (person,) = apply(world, "Marthe")
    card = world.card(account=bytes(person.account.number))
    people.erase(world.caisse, person, by=ANNE)
    issue.issue_due(world.caisse)
    assert signed(world, card) == {}


# Whoever has the service's key


def test_a_wave_that_no_seed_draws_is_found(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 6: who signs another order than the seed's, or than the voted one, is found out."""
    vote(world, RuleName.ADMISSION_ORDER, AdmissionOrder.DRAW)
    waiting = drawn("4 8 15", [bytes(it.account.number) for it in apply(world, "A", "B", "C")])
    favoured = (waiting[2], waiting[0], waiting[1])

    def sign(number: int, **facts: object) -> None:
        body = {"order": AdmissionOrder.DRAW, "places": 1, "seed": "4 8 15", **facts}
        acts.record(world.caisse, WaveAdmitted(wave=number, **body), by=ANNE)  # type: ignore[arg-type]  # facts of several types

    sign(1, candidates=favoured)
    sign(2, candidates=(waiting[0], waiting[1]), order=AdmissionOrder.APPLICATION, seed="")
    sign(3, candidates=(waiting[1], waiting[1]))
    words = [it.split(": ", 2)[2] for it in audited(world, tmp_path / "audit.sqlite3")]
    assert words == [
        "wave 1 is not what its seed draws",
        "wave 2 is not in the order that is voted",
        "wave 3 does not name each of its places once",
    ]


def test_credit_of_who_stays_is_not_taken(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 6: credit lapses of nobody but a leaver, and of no card that still buys."""
    account, card = member(world)
    body = CreditLapsed(uid=card.uid, generation=1, amount_cents=5_00)
    acts.record(world.caisse, body, by=ANNE)
    left = MemberLeft(account=bytes(account.number), from_month=DECEMBER)
    acts.record(world.caisse, left, by=ANNE)
    acts.record(world.caisse, body, by=ANNE)
    words = [it.split(": ", 2)[2] for it in audited(world, tmp_path / "audit.sqlite3")]
    uid = card.uid.hex()
    assert words == [
        f"takes credit from card {uid}, whose member stays (500 cents)",
        f"takes credit from card {uid}, which still buys (500 cents)",
    ]
