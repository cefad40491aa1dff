"""The treasurer, the committee and the bank of a world: merchants are paid while all goes wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cardkit.acts import ActKind
from server_stub.models import ActRow, PayoutEvidence, Settlement, SettlementLine
from server_stub.rules.settle import Refusal, RunState
from server_stub.services import restore, settlement
from server_stub.services.behind import Lock, lock, proven, sent_cents
from simulator.world.catalogue import Kind
from simulator.world.founding import MERCHANTS, STEP_MAX_CENTS, WORLD
from simulator.world.marks import Mark

if TYPE_CHECKING:
    from simulator.world.world import World

TREASURER: Final = 2
COMMITTEE: Final = 3
NO_RUN: Final = "R1-9999"
"""What two people take a line of the statement for that is none of ours."""
PAYS: Final = 0.15
"""How often a deed of the world is a run that pays."""


class Treasury:
    """Two people and a bank that executes what it is handed, once, and forgets nothing."""

    def __init__(self, world: World) -> None:
        self.bank: Counter[tuple[str, int]] = Counter()
        """What it executed: cents, by name of the run and merchant."""
        self.approved: dict[str, bytes] = {}
        """The act of every run as it was approved, by name."""
        self._world = world
        self._chance = world.chance

    def pay(self) -> None:
        """Draw up a run, approve it, hand it to the bank, and find it in the statement."""
        world, caisse = self._world, self._world.centre.caisse
        draft = settlement.draw_up(caisse, by=TREASURER)
        if isinstance(draft, Refusal):
            world.trace.note(world.now, "no run", draft.name)
            return
        name = draft.name
        if self._chance.strikes(Kind.PEOPLE_APPROVES_OWN) is not None:
            self._refused(settlement.approve(caisse, name, by=TREASURER), "of one person")
            world.marks.hit(Mark.OWN_RUN_REFUSED)
        settlement.approve(caisse, name, by=COMMITTEE)
        if self._chance.strikes(Kind.PEOPLE_APPROVE_TWICE) is not None:
            self._refused(settlement.approve(caisse, name, by=COMMITTEE), "that is approved")
        run = Settlement.objects.using(WORLD).select_related("act").get(name=name)
        self.approved[name] = bytes(run.act.content)
        if self._chance.strikes(Kind.PEOPLE_RUN_REVOKED) is not None:
            settlement.revoke(caisse, name, by=TREASURER)
            world.marks.hit(Mark.RUN_REVOKED)
            world.trace.note(world.now, "revoked", name)
            return
        sent = settlement.mark_sent(caisse, name, by=TREASURER, backup=world.backups.make)
        if isinstance(sent, Refusal):
            world.trace.note(world.now, "not sent", name, sent.name)
            return
        self._execute(name)
        if self._chance.strikes(Kind.PEOPLE_CONFIRM_LATE) is None:
            settlement.confirm(caisse, name, by=TREASURER)

    def compare_statement(self) -> None:
        """Confirm what the bank has executed; after a restore, enter what the books forgot."""
        caisse = self._world.centre.caisse
        known = set(Settlement.objects.using(WORLD).values_list("name", flat=True))
        for name in sorted(known):
            state = settlement.state_of(caisse, name)
            executed = any(run == name for run, _ in self.bank)
            if state is RunState.SENT and executed:
                settlement.confirm(caisse, name, by=TREASURER)
            elif state is RunState.APPROVED and lock(caisse) is Lock.UNFINISHED:
                self._decide_forgotten(name, executed=executed)
        self._correct()
        if lock(caisse) is not Lock.UNFINISHED:
            return
        for (name, merchant), cents in sorted(self.bank.items()):
            if self._enter(name, merchant, cents):
                self._world.marks.hit(Mark.PAYOUT_EVIDENCED)
        self._set_aside()

    def _set_aside(self) -> None:
        """Enter what a terminal was told, and no statement shows, as paid and come back.

        Two people had misread the statement, a till was told so, and a second restore forgot it.
        """
        caisse = self._world.centre.caisse
        missing = restore.missing(caisse)
        for told in () if missing.terminals or missing.runs else missing.payouts:
            lacks_cents = max(1, told.total_cents - sent_cents(caisse, told.merchant))
            name = told.settlement
            if self.bank[name, told.merchant]:
                name = f"{name} ?"
            if self._enter(name, told.merchant, lacks_cents):
                settlement.give_back(
                    caisse, name, told.merchant, lacks_cents, entered_by=TREASURER, by=COMMITTEE
                )
                self._world.marks.hit(Mark.EVIDENCE_SET_ASIDE)

    def mistype(self) -> None:
        """After a restore, enter a transfer with a wrong sum, or a line that is no payout."""
        if lock(self._world.centre.caisse) is not Lock.UNFINISHED:
            return
        typed = self._chance.strikes(Kind.PEOPLE_MISTYPES)
        if typed is None:
            return
        for (name, merchant), cents in sorted(self.bank.items()):
            if self._enter(name, merchant, typed.choice((cents * 2, cents + 1, cents // 2 + 1))):
                self._world.trace.note(self._world.now, "mistyped", name)
                return
        merchant = typed.randint(1, MERCHANTS)
        self._enter(NO_RUN, merchant, typed.randrange(1, STEP_MAX_CENTS))
        self._world.trace.note(self._world.now, "mistyped", NO_RUN)

    def has_typo(self) -> bool:
        """Say whether evidence stands that is not what the bank executed."""
        return any(self._typos())

    def _typos(self) -> Iterator[PayoutEvidence]:
        caisse = self._world.centre.caisse
        for one in proven(caisse):
            is_so = one.amount_cents == self.bank[one.settlement, one.merchant]
            if not is_so and not settlement.is_owed_again(caisse, one.settlement, one.merchant):
                yield one

    def _correct(self) -> None:
        """Take back what does not stand in the statement."""
        for one in list(self._typos()):
            gone = restore.take_back(
                self._world.centre.caisse,
                settlement=one.settlement,
                merchant=one.merchant,
                entered_by=TREASURER,
                by=COMMITTEE,
            )
            if not isinstance(gone, Refusal):
                self._world.marks.hit(Mark.EVIDENCE_TAKEN_BACK)

    def _enter(self, name: str, merchant: int, cents: int) -> bool:
        """Enter a transfer as two people; says whether the books did not have it."""
        entered = restore.evidence(
            self._world.centre.caisse,
            settlement=name,
            merchant=merchant,
            amount_cents=cents,
            entered_by=TREASURER,
            by=COMMITTEE,
        )
        return not isinstance(entered, Refusal)

    def _decide_forgotten(self, name: str, *, executed: bool) -> None:
        """Of a run whose sending was forgotten the statement says whether it was executed."""
        decide = settlement.confirm if executed else settlement.revoke
        decide(self._world.centre.caisse, name, by=TREASURER)

    def _execute(self, name: str) -> None:
        world = self._world
        for line in SettlementLine.objects.using(WORLD).filter(settlement=name):
            if self.bank[name, line.merchant]:
                world.complain("V11", f"run {name} is handed to the bank twice")
            self.bank[name, line.merchant] += line.amount_cents
            world.truth.paid_out.append((name, line.merchant, line.amount_cents))
        world.marks.hit(Mark.RUN_PAID)
        if world.marks.counts[Mark.SERVICE_RESTORED]:
            world.marks.hit(Mark.PAID_AFTER_RESTORE)
        world.trace.note(world.now, "paid", name)

    def _refused(self, outcome: object, what: str) -> None:
        if not isinstance(outcome, Refusal):
            self._world.complain("V11", f"a run {what} was approved")

    def check(self) -> None:
        """V11: of an approved run nothing changes, and the books know of every transfer once."""
        approvals = ActRow.objects.using(WORLD).filter(kind=ActKind.SETTLEMENT_APPROVED)
        acts = {bytes(row.content) for row in approvals}
        standing = set(Settlement.objects.using(WORLD).values_list("name", flat=True))
        for name, content in self.approved.items():
            if name in standing and content not in acts:
                self._world.complain("V11", f"run {name} is not what was approved")
