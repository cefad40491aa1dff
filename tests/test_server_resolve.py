"""What a coordinator does about findings: who may, what moves, what is signed, and the way back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cardkit import acts as log
from cardkit import bodies
from cardkit.acts import ActKind
from cardkit.certificates import Role
from cardkit.directory import CardStatus as RowStatus
from cardkit.resolutions import ActReversed, DisputeKind
from server_stub.console.work_table import proposal_line, work_page, work_table
from server_stub.models import (
    ActRow,
    ActText,
    CardStatus,
    CardTransaction,
    Finding,
    PermitIssued,
    Proposal,
    Terminal,
    TerminalStatus,
)
from server_stub.rules.findings import FindingKind
from server_stub.rules.ledger import Book
from server_stub.rules.scheme import RuleName
from server_stub.rules.worklist import Deed
from server_stub.services import deciding, disputes, recover, resolve, reverse, rules_in_force
from server_stub.services.deciding import Done, NeedsSecond, NotDone, Result
from tests.agreed_books import conserved
from tests.service_books import available_cents, in_book, payable_cents
from tests.service_world import ServiceWorld, Stall
from tests.test_server_unclaimed import denied

pytestmark = pytest.mark.django_db

ANNE, BENOIT = 1, 2


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse where one person decides up to 20 €."""
    world = ServiceWorld.make()
    rules_in_force.set_rule(
        world.caisse, RuleName.SINGLE_SIGNATURE_MAX_CENTS, 20_00, from_day=date(2026, 1, 1)
    )
    return world


def held_sale(world: ServiceWorld, amount_cents: int = 12_50) -> Stall:
    """A stall that sold with a permit that was over: proven, and held."""
    card, stall = world.card(), world.stall()
    stall.sync()
    permit = PermitIssued.objects.filter(terminal_id=stall.terminal).latest("id")
    world.clock.pass_time(permit.valid_until - world.now + timedelta(seconds=1))
    stall.sell(card, amount_cents)
    stall.sync()
    assert in_book(world, Book.HELD) == amount_cents
    return stall


def the(kind: FindingKind) -> Finding:
    """The one open finding of a kind."""
    return Finding.objects.select_related("card", "terminal").get(kind=kind, closed_at=None)


def act_of(world: ServiceWorld, done: Result) -> log.Act:
    """The act by which it was done."""
    assert isinstance(done, Done), done
    keys = list(world.caisse.ring.trust.keys(Role.SERVICE))
    return log.open_act(ActRow.objects.get(seq=done.act).content, keys, caisse="flers")


def test_a_held_sale_is_paid_by_two_and_taken_back_by_two(world: ServiceWorld) -> None:
    """Promise 2: no limit lets one person pay it; both ways are acts, with both their names."""
    held_sale(world)
    held = the(FindingKind.HELD)
    assert resolve.pay(world.caisse, held, by=ANNE) == NeedsSecond(ANNE)
    assert resolve.pay(world.caisse, held, by=ANNE) == NeedsSecond(ANNE)
    assert payable_cents(world) == 0
    (waits,) = deciding.waiting(world.caisse)
    numbers = resolve.numbers(world.caisse)
    assert proposal_line(waits, numbers).endswith(f"finding {held.pk}, pay")
    act = act_of(world, resolve.pay(world.caisse, held, by=BENOIT))
    assert (act.envelope.kind, act.envelope.by) == (ActKind.CLAIM_ACCEPTED, BENOIT)
    assert payable_cents(world) == 12_50
    assert not Proposal.objects.exists()
    conserved(world)
    seq = act.envelope.seq
    assert reverse.take_back(world.caisse, seq, by=ANNE) == NeedsSecond(ANNE)
    reversal = act_of(world, reverse.take_back(world.caisse, seq, by=BENOIT))
    assert isinstance(reversal.body, ActReversed)
    assert (reversal.body.seq, reversal.body.digest) == (seq, act.signed.digest)
    assert (payable_cents(world), in_book(world, Book.HELD)) == (0, 12_50)
    conserved(world)


def test_a_held_sale_is_returned_to_the_member(world: ServiceWorld) -> None:
    """Promise 8: held money does not wait for ever: people give it back, and the card has it."""
    stall = held_sale(world)
    card = next(iter(world.cards.values()))
    done = resolve.give_back(world.caisse, the(FindingKind.HELD), by=ANNE)
    assert act_of(world, done).envelope.kind == ActKind.SPEND_RETURNED
    assert (in_book(world, Book.HELD), in_book(world, Book.RETURNED, 0)) == (0, 12_50)
    assert not Finding.objects.filter(kind=FindingKind.HELD, closed_at=None).exists()
    stall.sync()
    assert available_cents(stall, card.uid, spent_cents=12_50) >= 100_00
    conserved(world)
    assert isinstance(done, Done)
    assert isinstance(reverse.take_back(world.caisse, done.act, by=ANNE), Done)
    assert (in_book(world, Book.HELD), in_book(world, Book.LOSS, 0)) == (12_50, -12_50)
    assert resolve.give_back(world.caisse, the(FindingKind.HELD), by=ANNE) is NotDone.ALREADY
    conserved(world)


def test_above_the_limit_a_return_takes_two(world: ServiceWorld) -> None:
    """Promise 4: the voted limit bounds what one person gives back."""
    held_sale(world, 20_01)
    held = the(FindingKind.HELD)
    assert resolve.give_back(world.caisse, held, by=ANNE) == NeedsSecond(ANNE)
    assert resolve.pay(world.caisse, held, by=BENOIT) == NeedsSecond(BENOIT), "not the same"
    assert in_book(world, Book.RETURNED, 0) == 0
    assert resolve.give_back(world.caisse, held, by=ANNE) == NeedsSecond(ANNE)
    assert isinstance(resolve.give_back(world.caisse, held, by=BENOIT), Done)
    conserved(world)


def test_a_recovered_sale_is_confirmed_and_taken_back(world: ServiceWorld) -> None:
    """Promise 1: a burnt terminal's sale is paid once a person confirms it, and not by itself."""
    card, stall, other = world.card(), world.stall(), world.stall(4)
    for one in (stall, other):
        one.sync()
    stall.sell(card, 5_00)
    other.sell(card, 3_00)
    other.inspect(card)
    other.sync()
    recover.declare_lost(world.caisse, Terminal.objects.get(id=stall.terminal))
    done = resolve.pay(world.caisse, the(FindingKind.RECOVERED), by=ANNE)
    assert payable_cents(world) == 8_00
    conserved(world)
    act = act_of(world, done)
    assert isinstance(reverse.take_back(world.caisse, act.envelope.seq, by=BENOIT), Done)
    assert (payable_cents(world), in_book(world, Book.PROVISIONAL)) == (3_00, 5_00)
    conserved(world)


def test_a_contradiction_is_ended_by_one_person(world: ServiceWorld) -> None:
    """Promise 8: what the rule returns on its day, a person may return today; nobody twice."""
    denied(world)
    point = the(FindingKind.VOID_CONTRADICTED)
    assert resolve.pay(world.caisse, point, by=ANNE) is NotDone.NOT_FOR_THIS
    assert resolve.item(world.caisse, point).due_at is not None
    done = resolve.give_back(world.caisse, point, by=ANNE)
    assert act_of(world, done).envelope.kind == ActKind.SPEND_RETURNED
    assert in_book(world, Book.RETURNED, 0) == 9_00
    assert resolve.give_back(world.caisse, point, by=ANNE) is NotDone.ALREADY
    seq = act_of(world, done).envelope.seq
    assert reverse.take_back(world.caisse, seq, by=ANNE) is NotDone.NOT_REVERSIBLE
    conserved(world)


def test_a_green_after_the_return_is_paid_by_two_as_a_loss(world: ServiceWorld) -> None:
    """Promise 1: a terminal that changes its word is believed by two people, and the fund pays."""
    stall = denied(world)
    resolve.give_back(world.caisse, the(FindingKind.VOID_CONTRADICTED), by=ANNE)
    seq = next(one.seq for one in stall.entries if isinstance(one.body, bodies.Intent))
    proof = bodies.SaleProof.RECORD_ONLY
    stall.append(bodies.Sale(intent_seq=seq, amount_cents=9_00, tmc=2, proof=proof, tmv=None))
    stall.sync()
    green = the(FindingKind.RETURNED_AND_GREEN)
    assert payable_cents(world) == 1_00
    assert resolve.pay(world.caisse, green, by=ANNE) == NeedsSecond(ANNE)
    done = resolve.pay(world.caisse, green, by=BENOIT)
    assert (payable_cents(world), in_book(world, Book.LOSS, 0)) == (10_00, -9_00)
    body = act_of(world, done).body
    assert isinstance(body, log.RecoveryConfirmed)
    assert body.entered_by == ANNE
    sale = CardTransaction.objects.get(amount_cents=9_00)
    again = disputes.open_dispute(world.caisse, sale, DisputeKind.NOT_BOUGHT, by=ANNE)
    assert again is NotDone.ALREADY, "the member has it back"
    conserved(world)


def test_what_no_card_proved_is_not_paid_from_the_list(world: ServiceWorld) -> None:
    """Promise 2: nothing on the list pays a sale that no card made; a slip of two people may."""
    held_sale(world)
    held = the(FindingKind.HELD)
    held.kind = FindingKind.NOT_GENUINE.value
    assert resolve.pay(world.caisse, held, by=ANNE) is NotDone.NO_PROOF
    held.kind = FindingKind.CHAIN_BROKEN.value
    assert resolve.give_back(world.caisse, held, by=ANNE) is NotDone.NOT_FOR_THIS


def test_a_blocked_card_is_freed_by_taking_it_back(world: ServiceWorld) -> None:
    """Promise: to block takes one person and no waiting, and the way back says what it reverses."""
    held_sale(world)
    held = the(FindingKind.HELD)
    done = resolve.block(world.caisse, held, by=ANNE)
    body = act_of(world, done).body
    assert isinstance(body, log.CardStatusSet)
    assert body.status is RowStatus.BLOCKED
    assert held.card is not None
    assert isinstance(reverse.take_back(world.caisse, act_of(world, done).envelope.seq, by=1), Done)
    held.card.refresh_from_db()
    assert held.card.status == CardStatus.ACTIVE
    conserved(world)


def test_a_revoked_terminal_sells_again_by_taking_it_back(world: ServiceWorld) -> None:
    """Promise: a terminal is revoked by one person, at once; what it tells still counts."""
    stall = held_sale(world)
    done = resolve.revoke(world.caisse, the(FindingKind.HELD), by=ANNE)
    assert status(stall) == TerminalStatus.REVOKED
    again = resolve.revoke(world.caisse, the(FindingKind.HELD), by=ANNE)
    assert again is NotDone.ALREADY
    reverse.take_back(world.caisse, act_of(world, done).envelope.seq, by=BENOIT)
    assert status(stall) == TerminalStatus.ACTIVE
    conserved(world)


def test_what_was_accepted_is_off_the_list_until_it_changes(world: ServiceWorld) -> None:
    """Promise: nobody does the same point twice, and nothing new hides behind an old one."""
    held_sale(world)
    held = the(FindingKind.HELD)
    done = resolve.handle(world.caisse, held, Deed.ACCEPT, by=ANNE)
    assert "held" not in kinds(world)
    reverse.take_back(world.caisse, act_of(world, done).envelope.seq, by=ANNE)
    assert "held" in kinds(world)
    resolve.handle(world.caisse, held, Deed.ACCEPT, by=ANNE)
    Finding.objects.filter(pk=held.pk).update(facts={**held.facts, "amount_cents": 1})
    assert "held" in kinds(world)


def test_a_note_stands_beside_the_log(world: ServiceWorld) -> None:
    """Promise 7: a text about people is in no act, and can be erased."""
    held_sale(world)
    done = resolve.note(world.caisse, the(FindingKind.HELD), "Vu avec Mme Martin.", by=ANNE)
    assert b"Martin" not in ActRow.objects.get(seq=act_of(world, done).envelope.seq).content
    assert ActText.objects.get().text == "Vu avec Mme Martin."
    ActText.objects.all().delete()
    conserved(world)


def test_a_sale_that_is_odd_is_held_and_let_go(world: ServiceWorld) -> None:
    """Promise: one person may stop a payment at once; people let it go, or give it back."""
    card, stall = world.card(), world.stall()
    stall.sync()
    stall.sell(card, 12_50)
    stall.sync()
    row = Finding.objects.create(
        kind=FindingKind.TOKEN_WRONG.value,
        key=stall.entries[-2].digest.hex(),
        card=world.row(card),
        terminal_id=stall.terminal,
        facts={"amount_cents": 12_50},
        opened_at=world.now,
    )
    assert isinstance(resolve.hold(world.caisse, row, by=ANNE), Done)
    assert (payable_cents(world), in_book(world, Book.HELD)) == (0, 12_50)
    assert resolve.hold(world.caisse, row, by=ANNE) is NotDone.ALREADY
    conserved(world)
    assert isinstance(resolve.pay(world.caisse, the(FindingKind.DISPUTED), by=BENOIT), Done)
    assert (payable_cents(world), in_book(world, Book.HELD)) == (12_50, 0)
    conserved(world)


@pytest.mark.parametrize("kind", [ActKind.RULE_SET, ActKind.CARD_ISSUED, ActKind.ALLOWANCE_ISSUED])
def test_what_is_signed_for_ever_is_not_taken_back(world: ServiceWorld, kind: ActKind) -> None:
    """Promise: a rule, a card or a credit is changed by its own acts; there is no eraser."""
    world.card()
    seq = ActRow.objects.filter(kind=kind).latest("seq").seq
    assert reverse.take_back(world.caisse, seq, by=ANNE) is NotDone.NOT_REVERSIBLE
    assert reverse.take_back(world.caisse, 10**6, by=ANNE) is NotDone.NO_SUCH_ACT


def kinds(world: ServiceWorld) -> set[str]:
    """What is on the list."""
    return {it.finding.kind.value for it in resolve.open_work(world.caisse)}


def status(stall: Stall) -> str:
    """How a stall's terminal stands."""
    return Terminal.objects.get(id=stall.terminal).status


def test_the_list_tells_what_to_do_in_lines(world: ServiceWorld) -> None:
    """Promise: what is kept, whose cents, what happens by itself, and who decides: on one page."""
    held_sale(world)
    held = the(FindingKind.HELD)
    work = resolve.open_work(world.caisse)
    lines = list(work_table(work, resolve.numbers(world.caisse)))
    assert any("12,50" in line and "le producteur" in line for line in lines)
    assert any("Reste retenu" in line for line in lines)
    page = list(work_page(resolve.item(world.caisse, held), held.pk))
    assert any(line.split()[:2] == ["pay", "payer"] and "deux" in line for line in page)
    assert any("retenue : ni payée, ni rendue" in line for line in page)
