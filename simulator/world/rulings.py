"""The judge of what people decided: each decision is somebody's, and moves what it says, once.

Disputes take from merchants what was theirs, slips give them what stands on paper, and a stolen
terminal moves no more by itself than its loss window.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.db.models import Sum

from cardkit.acts import ActKind
from server_stub.models import CardDecision, CardTransaction, Dispute, PaperClaim, RefundClaim
from server_stub.models import Terminal as TerminalRow
from server_stub.rules.disputes import OPEN, Stage
from server_stub.rules.facts import DisputeFacts, State
from server_stub.rules.window import BEYOND_LOSS_WINDOW
from server_stub.services.resolved import facts_of_dispute
from simulator.world.founding import WORLD
from simulator.world.marks import Mark
from simulator.world.truth import Green

if TYPE_CHECKING:
    from simulator.world.world import World


def check_rulings(world: World) -> None:
    """V5, V11, V13: of disputes, slips and thefts, once the world has healed."""
    for dispute in _disputes():
        _check_dispute(world, facts_of_dispute(dispute))
    _check_slips(world)
    for terminal in world.truth.stolen:
        _check_window(world, terminal)


def owed_by_rulings(world: World) -> Counter[int]:
    """Return what each merchant is owed beside sales and refunds: slips, less what was disputed."""
    owed: Counter[int] = Counter()
    for slip in world.truth.slips:
        owed[slip.merchant] += slip.amount_cents
    left: dict[tuple[int, int], int] = {}
    for dispute in _disputes():
        sale = CardTransaction.objects.using(WORLD).filter(card=dispute.card_id, tmc=dispute.tmc)
        row, facts = sale.first(), facts_of_dispute(dispute)
        if row is None or row.state != State.PAYABLE.value or facts.stage != Stage.CHARGED:
            continue
        place = row.terminal, row.seq
        left.setdefault(place, row.amount_cents - _refunded_cents(place))
        cents = min(facts.returned_cents, max(0, left[place]))
        left[place] -= cents
        owed[row.merchant] -= cents
    return owed


def is_beyond_window(world: World, green: Green) -> bool:
    """Whether a green of a stolen till is held, as it may be.

    What was sold before the theft fits the window, unless a service that was put back has to be
    told more than the till ever held unsent, or nothing but a record proves it.
    """
    stolen_at = world.truth.stolen.get(green.terminal)
    if stolen_at is None:
        return False
    excused = green.by_record or world.marks.counts[Mark.SERVICE_RESTORED]
    if green.at < stolen_at and not excused:
        return False
    held = CardTransaction.objects.using(WORLD).filter(
        terminal=green.terminal,
        seq=green.seq,
        card__uid=green.uid,
        state=State.HELD.value,
        reason=BEYOND_LOSS_WINDOW,
    )
    return held.exists()


def _disputes() -> list[Dispute]:
    return list(Dispute.objects.using(WORLD).order_by("act").prefetch_related("steps"))


def _check_dispute(world: World, facts: DisputeFacts) -> None:
    truth, name = world.truth, facts.number.hex()
    if truth.disputed.get(facts.number) != facts.amount_cents:
        world.complain("V11", f"nobody disputed {facts.amount_cents} cents as {name}")
    if Stage(facts.stage) in OPEN:
        world.complain("V5", f"{facts.amount_cents} cents of dispute {name} wait for ever")
        return
    by_people = truth.decided.get(facts.number)
    if by_people is None:
        world.marks.hit(Mark.DISPUTE_RULED)
    allowed = by_people if by_people is not None else {0, facts.amount_cents}
    if facts.returned_cents not in allowed:
        world.complain("V11", f"dispute {name} gives {facts.returned_cents}, said {allowed}")


def _check_slips(world: World) -> None:
    written = Counter(
        (slip.merchant, slip.number, slip.amount_cents, slip.uid) for slip in world.truth.slips
    )
    paid = Counter(
        (claim.carnet, claim.slip, claim.amount_cents, claim.card.uid if claim.card else b"")
        for claim in PaperClaim.objects.using(WORLD).filter(paid__isnull=False)
    )
    for slip, times in (written - paid).items():
        world.complain("V3", f"slip {slip} is owed {paid[slip]} times, and not {times}")
    for slip in paid - written:
        world.complain("V4", f"slip {slip} is paid, and nobody wrote it")


def _check_window(world: World, terminal: int) -> None:
    """V4: what came after a theft moves no more than the window, but for what people confirmed."""
    row = TerminalRow.objects.using(WORLD).get(id=terminal)
    if row.loss_window_cents is None:
        world.complain("V4", f"nobody knows any more that {terminal} was stolen")
        return
    confirmed = CardDecision.objects.using(WORLD).filter(kind=ActKind.RECOVERY_CONFIRMED)
    by_people = set(confirmed.values_list("card", "tmc"))
    late = CardTransaction.objects.using(WORLD).filter(
        terminal=terminal, seq__gt=row.lost_after_seq or 0, state=State.PAYABLE.value
    )
    told = [it for it in late if it.claim_id and (it.card_id, it.tmc) not in by_people]
    if told:
        world.marks.hit(Mark.STOLEN_TILL_TOLD)
    cents = sum(it.amount_cents for it in told)
    if cents > row.loss_window_cents:
        window = row.loss_window_cents
        world.complain("V4", f"stolen {terminal} moved {cents}, its window is {window}")


def _refunded_cents(sale: tuple[int, int]) -> int:
    refunds = RefundClaim.objects.using(WORLD).filter(
        granted=True, selling_terminal=sale[0], intent_seq=sale[1]
    )
    return int(refunds.aggregate(sum=Sum("amount_cents"))["sum"] or 0)
