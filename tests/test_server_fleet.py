"""Terminals as people look after them: health, missing ranges, loans that end by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cardkit.clock import ClockTrust
from cardkit.decide import Reason
from cardkit.sync import Health
from server_stub.models import PermitIssued, Terminal, TerminalReport
from server_stub.rules.fleet import Condition, Trouble, troubles
from server_stub.rules.missing import Evidence, Missing, Range, held_ranges, missing
from server_stub.services import fleet, lending, recover, sync, theft
from server_stub.services.documents import permit_of
from server_stub.services.lending import NotPermitted
from server_stub.services.rebuild import differences
from tests.service_books import payable_cents, state_of
from tests.service_world import MERCHANT, ServiceWorld, Stall

ANNE = 1
OTHER = 8
NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
WELL = Condition(
    last_seen_at=NOW,
    permit_until=NOW + timedelta(days=35),
    has_gap=False,
    unsent_entries=0,
    clock_trusted=True,
    undervoltage=0,
    disk_free_mb=200,
    fsync_p95_ms=250,
    temperature_c=79,
)
HEALTH = Health(
    software_version="1.2.0",
    sqlite_version="3.46.1",
    clock=ClockTrust.UNTRUSTED,
    fsync_p95_ms=310,
    disk_free_mb=150,
    temperature_c=84,
    undervoltage=0x50005,
)


@pytest.fixture
def world(db: None) -> ServiceWorld:
    """A caisse with two merchants."""
    world = ServiceWorld.make()
    world.merchant(OTHER)
    return world


def state_at(world: ServiceWorld, terminal: int = 3) -> fleet.TerminalState:
    """A terminal as people see it."""
    return fleet.state_of(world.caisse, Terminal.objects.get(id=terminal))


# Which numbers are missing, as values


@pytest.mark.parametrize(
    ("cursor", "beyond", "told", "marked", "held", "lacks"),
    [
        (0, [], 0, [], [], []),
        (5, [], 5, [], [(1, 5)], []),
        (5, [], 6, [], [(1, 5)], [(6, 6, "told")]),
        (0, [], 1, [], [], [(1, 1, "told")]),
        (5, [7], 7, [], [(1, 5), (7, 7)], [(6, 6, "later_entries")]),
        (5, [6], 6, [], [(1, 6)], []),
        (0, [2], 2, [], [(2, 2)], [(1, 1, "later_entries")]),
        (5, [8, 8, 9, 12], 13, [], [(1, 5), (8, 9), (12, 12)],
         [(6, 7, "later_entries"), (10, 11, "later_entries"), (13, 13, "told")]),
        (5, [], 3, [], [(1, 5)], []),
        (5, [], 5, [5], [(1, 5)], []),
        (5, [], 5, [6], [(1, 5)], [(6, 6, "cards")]),
        (5, [], 7, [9, 6], [(1, 5)], [(6, 7, "told"), (8, 9, "cards")]),
    ],
)  # fmt: skip
def test_a_missing_range_is_named_exactly(  # noqa: PLR0917 - columns of the table above
    cursor: int,
    beyond: list[int],
    told: int,
    marked: list[int],
    held: list[tuple[int, int]],
    lacks: list[tuple[int, int, str]],
) -> None:
    """Promise: first and last missing number are just those, at every edge, and each is told once.

    Red with any of the five ±1 of `held_ranges` and `missing` changed.
    """
    ranges = held_ranges(cursor, beyond)
    assert [(it.first_seq, it.last_seq) for it in ranges] == held
    found = missing(ranges, told_head_seq=told, marked_seqs=marked)
    assert found == tuple(
        Missing(Range(first, last), Evidence(evidence)) for first, last, evidence in lacks
    )


def test_every_number_is_held_or_missing() -> None:
    """Promise: what is held and what is missing is together just 1 to the last known number."""
    for bits in range(2**7):
        seqs = [seq for seq in range(1, 8) if bits >> (seq - 1) & 1]
        cursor = next(seq for seq in range(8) if seq + 1 not in seqs)
        held = held_ranges(cursor, [seq for seq in seqs if seq > cursor])
        lacks = missing(held, told_head_seq=9, marked_seqs=[10])
        spans = [*held, *(it.numbers for it in lacks)]
        numbers = [n for it in spans for n in range(it.first_seq, it.last_seq + 1)]
        assert sorted(numbers) == list(range(1, 11))
        assert [n for it in held for n in range(it.first_seq, it.last_seq + 1)] == seqs


def test_the_service_names_what_it_lacks(world: ServiceWorld) -> None:
    """Promise: the service knows, of each terminal, what is here, what is not, and why it knows."""
    card, stall = world.card(), world.stall()
    stall.sync()
    first = stall.sell(card, 1_00)
    stall.sell(card, 2_00)
    stall.sell(card, 3_00)
    later = [it.signed.encoded for it in stall.entries[first + 1 : first + 3]]
    stall.sync(later)
    state = state_at(world)
    assert state.held == (Range(1, first - 1), Range(first + 2, first + 3))
    assert state.missing == (
        Missing(Range(first, first + 1), Evidence.LATER_ENTRIES),
        Missing(Range(first + 4, first + 5), Evidence.TOLD),
    )
    assert state.unsent_entries == 2
    assert set(state.troubles) == {Trouble.ENTRIES_MISSING, Trouble.UNSENT}
    stall.acknowledged = first - 1
    stall.sync()
    assert (state_at(world).held, state_at(world).missing) == ((Range(1, first + 5),), ())


def test_a_card_tells_of_a_number_that_its_terminal_never_sent(world: ServiceWorld) -> None:
    """Promise: later evidence counts: a mark on a card names the number that is not here."""
    card, silent, other = world.card(), world.stall(), world.stall(4)
    silent.sync()
    other.sync()
    seq = silent.sell(card, 5_00)
    other.sell(card, 1_00)
    other.inspect(card)
    other.sync()
    assert state_at(world).missing == (
        Missing(Range(silent.acknowledged + 1, seq), Evidence.CARDS),
    )


# Health


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"last_seen_at": None}, [Trouble.NEVER_HEARD]),
        ({"last_seen_at": NOW - timedelta(days=7)}, [Trouble.SILENT]),
        ({"last_seen_at": NOW - timedelta(days=7) + timedelta(seconds=1)}, []),
        ({"permit_until": NOW}, [Trouble.PERMIT_ENDS]),
        ({"permit_until": NOW - timedelta(seconds=1)}, [Trouble.PERMIT_ENDED]),
        ({"permit_until": NOW + timedelta(days=7)}, []),
        ({"clock_trusted": False}, [Trouble.CLOCK_UNTRUSTED]),
        ({"undervoltage": 0x1}, [Trouble.UNDERVOLTAGE]),
        ({"undervoltage": 0x10000}, [Trouble.UNDERVOLTAGE]),
        ({"undervoltage": 0x2}, []),
        ({"disk_free_mb": 199}, [Trouble.DISK_LOW]),
        ({"fsync_p95_ms": 251}, [Trouble.DISK_SLOW]),
        ({"temperature_c": 80}, [Trouble.HOT]),
        ({"has_gap": True, "unsent_entries": 1}, [Trouble.ENTRIES_MISSING, Trouble.UNSENT]),
    ],
)
def test_what_somebody_should_look_at(change: dict[str, object], found: list[Trouble]) -> None:
    """Promise: each sign is told from its bound on, and a terminal that is well says nothing."""
    condition = replace(WELL, **change)  # type: ignore[arg-type]  # fields by name
    assert list(troubles(condition, now=NOW, silent_days=7)) == found


def test_a_report_is_kept_and_an_older_one_says_nothing(world: ServiceWorld) -> None:
    """Promise: what is shown is the newest word; a stick that comes late takes nothing back."""
    card, stall = world.card(), world.stall()
    stall.sync()
    old = replace(stall.request([]), health=replace(HEALTH, temperature_c=20))
    stall.sell(card, 1_00)
    sync.sync(world.caisse, replace(stall.request(), health=HEALTH))
    sync.sync(world.caisse, old)
    state = state_at(world)
    assert state.report is not None
    assert (state.report.temperature_c, state.clock) == (84, ClockTrust.UNTRUSTED)
    assert state.terminal.software_version == "1.2.0"
    assert set(state.troubles) >= {
        Trouble.CLOCK_UNTRUSTED,
        Trouble.UNDERVOLTAGE,
        Trouble.DISK_LOW,
        Trouble.DISK_SLOW,
        Trouble.HOT,
    }
    assert TerminalReport.objects.count() == 1


# Loans


def lend(world: ServiceWorld, stall: Stall) -> PermitIssued:
    """Lend a stall's terminal for today."""
    done = lending.lend(world.caisse, Terminal.objects.get(id=stall.terminal), by=ANNE)
    assert isinstance(done, PermitIssued)
    return done


def test_a_loan_ends_by_itself(world: ServiceWorld) -> None:
    """Promise: without network a lent till sells until midnight in Paris and not a second longer.

    The next exchange brings the permit that it had before, without anybody doing anything.
    """
    card, spare = world.card(), world.stall()
    spare.sync()
    before = permit_of(PermitIssued.objects.filter(terminal=3).last().content)  # type: ignore[union-attr]
    lend(world, spare)
    spare.sync()
    lent = permit_of(PermitIssued.objects.get(digest=spare.permit_digest).content)
    assert [it.merchant for it in lent.merchants] == [MERCHANT, OTHER]
    assert (lent.loan, lent.valid_until) == (True, datetime(2026, 10, 1, 21, 59, 59, tzinfo=UTC))
    spare.merchant = OTHER
    last_second = spare.entries[sell_at(spare, card, lent.valid_until) - 1].digest
    first_after = spare.entries[
        sell_at(spare, card, lent.valid_until + timedelta(seconds=1)) - 1
    ].digest
    world.clock.set(lent.valid_until + timedelta(hours=9))
    spare.sync()
    assert state_of(last_second) == ("payable", "")
    assert state_of(first_after) == ("held", Reason.PERMIT_EXPIRED.name.lower())
    assert payable_cents(world, OTHER) == 1_00
    again = permit_of(PermitIssued.objects.get(digest=spare.permit_digest).content)
    assert (again.loan, again.merchants) == (False, before.merchants)
    assert again.valid_until > lent.valid_until + timedelta(days=30)
    assert differences(world.caisse) == []


def sell_at(stall: Stall, card: object, moment: datetime) -> int:
    """Sell at an instant."""
    stall.world.clock.set(moment)
    return stall.sell(card, 1_00)  # type: ignore[arg-type]  # a virtual card


def test_a_loan_is_not_renewed_while_it_lasts(world: ServiceWorld) -> None:
    """Promise: an exchange during the loan neither prolongs nor ends it."""
    spare = world.stall()
    lend(world, spare)
    spare.sync()
    versions = PermitIssued.objects.filter(terminal=3).count()
    world.clock.pass_time(timedelta(hours=5))
    assert spare.sync().permit is None
    assert PermitIssued.objects.filter(terminal=3).count() == versions


def test_a_loan_tells_nobody_what_others_are_owed(world: ServiceWorld) -> None:
    """Promise 7: a lent terminal serves every merchant and shows none of their accounts."""
    card, spare = world.card(), world.stall()
    spare.sell(card, 5_00)
    assert [it.payable_cents for it in spare.sync().accounts] == [5_00]
    lend(world, spare)
    assert spare.sync().accounts == ()
    world.clock.pass_time(timedelta(days=1))
    assert [it.merchant for it in spare.sync().accounts] == [MERCHANT]


def test_a_loan_is_for_a_day_and_for_who_has_a_convention(world: ServiceWorld) -> None:
    """Promise: today or tomorrow, in use, under convention; each refusal says which."""
    world.stall()
    row = Terminal.objects.get(id=3)

    def refused(**more: object) -> object:
        return lending.lend(world.caisse, row, by=ANNE, **more)  # type: ignore[arg-type]

    assert refused(day=date(2026, 9, 30)) is NotPermitted.NOT_A_DAY
    assert refused(day=date(2026, 10, 3)) is NotPermitted.NOT_A_DAY
    assert refused(merchants=(99,)) is NotPermitted.NO_MERCHANT
    theft.revoke(world.caisse, row, by=ANNE)
    assert refused() is NotPermitted.NOT_IN_USE


def test_whom_a_lent_terminal_sold_for_is_asked_when_it_burns(world: ServiceWorld) -> None:
    """Promise 2: cards tell no merchant: after a loan nobody is paid by a guess.

    Red when only the last permit is looked at.
    """
    card, spare, other = world.card(), world.stall(), world.stall(4)
    spare.sync()
    other.sync()
    lend(world, spare)
    spare.sync()
    spare.merchant = OTHER
    spare.sell(card, 5_00)
    other.sell(card, 1_00)
    other.inspect(card)
    other.sync()
    world.clock.pass_time(timedelta(days=1))
    spare.sync([])
    row = Terminal.objects.get(id=3)
    shown = theft.exposure(world.caisse, row)
    assert {it.account.merchant for it in shown.owed} == {MERCHANT, OTHER}
    theft.declare_stolen(world.caisse, row, window_cents=shown.window_cents, by=ANNE)
    (sale,) = recover.recovered(world.caisse, row)
    assert (sale.merchant, sale.amount_cents) == (0, 5_00)
    recover.confirm(world.caisse, sale, by=ANNE, merchant=OTHER)
    assert (payable_cents(world, MERCHANT), payable_cents(world, OTHER)) == (1_00, 5_00)
    assert differences(world.caisse) == []


def test_a_terminal_of_a_producers_shop_serves_several(world: ServiceWorld) -> None:
    """Promise: one terminal may sell for several merchants, and each is owed its own sales."""
    card, shop = world.card(), world.stall()
    row = Terminal.objects.get(id=3)
    done = lending.assign(world.caisse, row, (OTHER, MERCHANT), by=ANNE)
    assert isinstance(done, PermitIssued)
    shop.sync()
    shop.sell(card, 2_00)
    shop.merchant = OTHER
    shop.sell(card, 3_00)
    shop.sync()
    assert (payable_cents(world, MERCHANT), payable_cents(world, OTHER)) == (2_00, 3_00)
    assert lending.assign(world.caisse, row, (), by=ANNE) is NotPermitted.NO_MERCHANT
    assert differences(world.caisse) == []
