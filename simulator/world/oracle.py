"""The judge: holds tills and service against what plastic, screens and wires say happened.

Each violation names the invariant that is broken, V1 to V14, and what a person needs to look at.
What the protocol does not promise (docs/protocol.md, 10) is left out here, each at its place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Sum

from cardkit.bodies import EntryKind, Sale
from cardkit.errors import DocumentError, JournalDamaged
from server_stub.models import (
    AllowanceIssued,
    CardTransaction,
    Finding,
    PostingLine,
    RefundClaim,
    StoredEntry,
)
from server_stub.models import Terminal as TerminalRow
from server_stub.rules.facts import State
from server_stub.rules.findings import FindingKind
from server_stub.rules.ledger import Book
from server_stub.rules.verdict import DOCUMENTS_UNKNOWN
from server_stub.services.books import balances
from server_stub.services.rebuild import differences
from simulator.world.founding import WORLD, founding
from simulator.world.marks import Mark
from simulator.world.rulings import check_rulings, is_beyond_window, owed_by_rulings
from simulator.world.truth import Debit, Green, Misdeed, debits_of
from terminal.sync import INBOX_MAX

if TYPE_CHECKING:
    from simulator.world.till import WorldTill
    from simulator.world.world import World

ACCUSING: Final = frozenset(
    {
        FindingKind.NOT_GENUINE,
        FindingKind.CARD_UNKNOWN,
        FindingKind.TWO_PROOFS,
        FindingKind.COUNTER_WENT_DOWN,
        FindingKind.CARD_BRANCHED,
        FindingKind.CARD_ROLLED_BACK,
        FindingKind.CARD_FORKED,
        FindingKind.AMOUNT_DIFFERS,
        FindingKind.TOKEN_WRONG,
        FindingKind.ENC_TMRI_WRONG,
        FindingKind.SEQ_FORK,
        FindingKind.CHAIN_BROKEN,
        FindingKind.WITHHELD,
        FindingKind.TWO_OUTCOMES,
        FindingKind.UNREADABLE,
    }
)
"""What no honest mishap brings about."""
OF_A_REWOUND_TILL: Final = frozenset({FindingKind.WITHHELD, FindingKind.TWO_OUTCOMES})
"""What a disk that was put back explains as well: its numbers were given out twice."""
MERCHANTS_BOOKS: Final = tuple(
    book.value for book in Book if book.name in {"PAYABLE", "IN_PAYMENT", "PAID"}
)
"""Where a merchant's money is, until it left the bank and after."""
OF_A_KEY: Final = frozenset(
    {
        FindingKind.SEQ_FORK,
        FindingKind.CHAIN_BROKEN,
        FindingKind.WITHHELD,
        FindingKind.TWO_OUTCOMES,
        FindingKind.UNREADABLE,
    }
)
"""What only the holder of a terminal's keys brings about: nobody else may make it look so."""
OUTBOX_MAX: Final = 8
_ENTRIES: Final = 1_000
_MONEY: Final = (EntryKind.INTENT, EntryKind.EVIDENCE)
"""Kinds from the one to the other are about sales and cards."""
_REBUILT: Final = 20
"""Of so many worlds one has its books computed again from the signed facts: that is dear."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken."""

    invariant: str
    words: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.words}"


def check_till(world: World, stall: WorldTill) -> None:
    """Hold one till that is on against what was seen of it: V6, V9 and V14; cheap."""
    journal, truth = stall.till.journal, world.truth
    if stall.number not in truth.rewound:
        for green in truth.greens[-8:]:
            if green.terminal == stall.number and not _is_sold(stall, green):
                world.complain("V6", f"green {green.seq} of {stall.number} is not on its disk")
    known = max(truth.heard[stall.number].values(), default=0)
    answer = stall.till.store.answer
    is_of_now = answer is not None and answer.epoch == world.centre.epoch
    misled = truth.rewound | truth.lied_to
    if is_of_now and journal.acknowledged_seq > known and stall.number not in misled:
        world.complain(
            "V9", f"{stall.number} takes {journal.acknowledged_seq} for sent, heard is {known}"
        )
    if len(list(stall.data.outbox.iterdir())) > OUTBOX_MAX:
        world.complain("V14", f"the outbox of {stall.number} grows without end")
    if len(list(stall.data.inbox.iterdir())) > INBOX_MAX:
        world.complain("V14", f"the inbox of {stall.number} grows without end")


def check_books(world: World) -> None:
    """Hold everything against the truth once the world has healed."""
    _check_liveness(world)
    _check_sums(world)
    judge = _Judge(world)
    judge.check_greens()
    judge.check_debits()
    judge.check_cards()
    judge.check_refunds()
    judge.check_merchants()
    judge.check_findings()
    check_rulings(world)
    world.treasury.check()
    _check_bank(world)
    if world.chance.seed % _REBUILT == 0:
        _check_rebuilt(world)


def _check_bank(world: World) -> None:
    """V3, V11: the books know of every transfer that left the bank, each once."""
    left: Counter[int] = Counter()
    for _, merchant, cents in world.truth.paid_out:
        left[merchant] += cents
    settled: Counter[int] = Counter()
    for (book, merchant), cents in balances(world.centre.caisse).items():
        if book in {Book.IN_PAYMENT, Book.PAID}:
            settled[merchant] += cents
    for merchant in sorted(left.keys() | settled.keys()):
        if left[merchant] != settled[merchant]:
            words = f"the bank paid {left[merchant]} to {merchant}, the books {settled[merchant]}"
            world.complain("V11", words)


def _check_rebuilt(world: World) -> None:
    """V12: the books are what was signed comes to, whatever the order in which it came.

    Of a terminal that no root has certified nothing is computed: that is how it comes out.
    """
    known = set(TerminalRow.objects.using(WORLD).values_list("id", flat=True))
    ghosts = known - set(founding().folders) - set(world.stalls)
    try:
        different = differences(world.centre.caisse)[:5]
    except DocumentError as error:
        if not ghosts:
            world.complain("V12", f"what was signed can't be read: {error}")
        return
    if ghosts:
        world.complain("V8", f"terminals {ghosts} stand in the books, and no root knows them")
    for one in different:
        world.complain("V12", f"rebuilt from what was signed: {one}")


def unnoticed(world: World, findings: Sequence[Finding]) -> list[Misdeed]:
    """Return misdeeds that had to come out and did not; a service that was put back may forget."""
    if world.marks.counts[Mark.SERVICE_RESTORED]:
        return []
    at_terminals = {(one.terminal_id, one.kind) for one in findings}
    at_cards = {(one.card.uid, one.kind) for one in findings if one.card is not None}
    return [
        it
        for it in world.truth.mischief
        if it.betrayed_by
        and not any(
            (it.terminal, kind) in at_terminals or (it.uid, kind) in at_cards
            for kind in it.betrayed_by
        )
    ]


def owes_money(stall: WorldTill) -> bool:
    """Whether anything that money hangs on is not acknowledged yet."""
    journal = stall.till.journal
    unsent = journal.entries(journal.acknowledged_seq, _ENTRIES)
    return any(_MONEY[0] <= entry.envelope.kind <= _MONEY[1] for entry in unsent)


def _is_sold(stall: WorldTill, green: Green) -> bool:
    outcome = stall.till.journal.outcome(green.seq)
    return outcome is not None and isinstance(outcome.body, Sale)


def _check_liveness(world: World) -> None:
    for stall in world.stalls.values():
        if not stall.is_on:
            if stall.number not in world.lost:
                world.complain("liveness", f"{stall.number} never came back: {stall.why}")
            continue
        journal = stall.till.journal
        try:
            journal.verify()
        except JournalDamaged as error:
            # What rots after it was acknowledged is held elsewhere, and looked at when it is asked.
            is_held = stall.number in world.truth.rewound and error.seq <= journal.acknowledged_seq
            if not is_held:
                world.complain("V6", f"the journal of {stall.number}: {error}")
        if owes_money(stall):
            unsent = f"{journal.acknowledged_seq} of {journal.head.seq}"
            world.complain("liveness", f"{stall.number} got no further than {unsent}")
        if journal.open_intents():
            world.complain("liveness", f"{stall.number} has open sales")


def _check_sums(world: World) -> None:
    lines = PostingLine.objects.using(WORLD)
    unbalanced = (
        lines.values("posting_id").annotate(sum=Sum("amount_cents")).exclude(sum=0).order_by()
    )
    if unbalanced.exists():
        world.complain("V2", f"postings that do not sum to zero: {list(unbalanced[:3])}")


def _by_card(book: Book) -> Counter[bytes]:
    """Return what each card has in a book."""
    rows = (
        PostingLine.objects.using(WORLD)
        .filter(account=book.value)
        .values_list("posting__card__uid")
        .annotate(Sum("amount_cents"))
        .order_by()
    )
    return Counter({bytes(uid): cents for uid, cents in rows if uid is not None})


class _Judge:
    """The books as they are, beside the truth."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._truth = world.truth
        self._debits = world.truth.debits()
        self._rows = list(CardTransaction.objects.using(WORLD).select_related("card", "claim"))
        self._refunds = list(RefundClaim.objects.using(WORLD).filter(granted=True))
        self._paid: dict[tuple[int, int], list[CardTransaction]] = defaultdict(list)
        for row in self._rows:
            if row.state == State.PAYABLE.value:
                self._paid[row.terminal, row.seq].append(row)
        findings = Finding.objects.using(WORLD).select_related("card")
        self._findings = list(findings)
        self._gaps = {
            (one.card.uid, tmc)
            for one in self._findings
            if one.card is not None
            and one.closed_at is None
            and one.kind in {FindingKind.GAP, FindingKind.UNCLAIMED}
            for tmc in range(int(one.facts["first_tmc"]), int(one.facts["last_tmc"]) + 1)
        }

        self._ahead = {
            one.card.uid: int(one.facts["tmc"])
            for one in self._findings
            if one.card is not None and one.closed_at is None and one.kind == FindingKind.SEEN_AHEAD
        }
        """How far cards were seen beyond what is proven: such spend is not returned."""

    def check_greens(self) -> None:
        """V3: every green is owed exactly once; what a till took with it may be gone."""
        for green in self._truth.greens:
            if green.uid in self._truth.cloned:
                continue  # of two pieces of one card neither can be told from the other
            if (green.terminal, green.seq) in self._truth.counterfeit:
                continue  # an emulated card at an offline stall is not promised
            if green.by_record and self._is_covered_up(green):
                continue
            paid = [
                row
                for row in self._paid[green.terminal, green.seq]
                if (row.card.uid, row.amount_cents) == (green.uid, green.amount_cents)
            ]
            if (
                len(paid) != 1
                and not self._may_be_gone(green)
                and not self._is_forgotten(green)
                and not is_beyond_window(self._world, green)
            ):
                self._world.complain(
                    "V3",
                    f"green {green.seq} of {green.terminal}, {green.amount_cents} cents of "
                    f"{green.uid.hex()}, is owed {len(paid)} times; {self._standing(green)}",
                )

    def check_debits(self) -> None:
        """V4: nothing is owed that no card has paid to that terminal's own mark."""
        copies = (debit for clone in self._truth.clones for debit in debits_of(clone))
        made = {
            (it.uid, it.tmc, it.terminal, it.seq, it.amount_cents)
            for it in (*self._debits, *copies)
        }
        for rows in self._paid.values():
            for row in rows:
                place = (row.card.uid, row.tmc, row.terminal, row.seq, row.amount_cents)
                if place not in made:
                    self._world.complain("V4", f"{row} is owed, and no card has paid it")

    def check_cards(self) -> None:
        """V1, V5, V7: every cent that left a card is in one book, with a reason."""
        spent, waiting = _by_card(Book.SPENT), _by_card(Book.WAITING)
        shown = {(row.card.uid, row.tmc): row for row in self._rows}
        last: Counter[bytes] = Counter()
        for uid, tmc in shown:
            last[uid] = max(last[uid], tmc)
        for card in self._truth.cards:
            if card.uid in self._truth.cloned:
                continue
            mine = [it for it in self._debits if it.uid == card.uid]
            told_cents = sum(it.amount_cents for it in mine if it.tmc <= last[card.uid])
            if spent[card.uid] != -told_cents:
                words = f"{card.uid.hex()} paid {told_cents}, the books say {-spent[card.uid]}"
                self._world.complain("V1", words)
            if waiting[card.uid]:
                words = f"of {card.uid.hex()} {waiting[card.uid]} cents wait for ever"
                self._world.complain("V5", words)
            for debit in mine:
                if card.uid in self._truth.meddled and debit.tmc > last[card.uid]:
                    continue  # nothing that is proven comes after it
                self._check_debit(debit, shown.get((debit.uid, debit.tmc)))

    def _check_debit(self, debit: Debit, row: CardTransaction | None) -> None:
        seen = self._has_seen_green(debit)
        if row is None:
            is_named = (debit.uid, debit.tmc) in self._gaps or self._is_ahead(debit)
            if not is_named and not self._is_last(debit):
                self._world.complain("V7", f"nobody tells of {debit}, and no finding names it")
            return
        if row.state == State.WAITING.value:
            self._world.complain("V5", f"{debit} waits for ever: {row.reason}")
        if row.state == State.PROVISIONAL.value and not self._forgets(debit.terminal):
            self._world.complain("V5", f"{debit} is kept for a till that can tell")
        if not seen and row.state == State.PAYABLE.value and not self._is_told_sold(debit):
            self._world.complain("V5", f"{debit} was never green, and is kept: {row.reason}")

    def check_refunds(self) -> None:
        """V1: what is given back is given back once, and is somebody's word."""
        told = {(it.terminal, it.seq): it.amount_cents for it in self._truth.refunds}
        for row in self._refunds:
            self._world.marks.hit(Mark.REFUND_GRANTED)
            if told.get((row.terminal_id, row.seq), row.amount_cents) != row.amount_cents:
                self._world.complain("V1", f"{row} gives back another sum than was said")
        if AllowanceIssued.objects.using(WORLD).exclude(refunds=[]).exists():
            self._world.marks.hit(Mark.REFUND_IN_ALLOWANCE)
        given: Counter[tuple[int, int]] = Counter()
        for row in self._refunds:
            given[row.selling_terminal, row.intent_seq] += row.amount_cents
        for place, cents in given.items():
            if cents > max((it.amount_cents for it in self._paid[place]), default=0):
                self._world.complain("V1", f"of sale {place} {cents} cents are given back")

    def check_merchants(self) -> None:
        """V13: what each merchant is owed is its sales less its refunds, and what people ruled."""
        owed = owed_by_rulings(self._world)
        for rows in self._paid.values():
            for row in rows:
                owed[row.merchant] += row.amount_cents
        for refund in self._refunds:
            owed[refund.merchant] -= refund.amount_cents
        lines = PostingLine.objects.using(WORLD).filter(account__in=MERCHANTS_BOOKS)
        sums = lines.values_list("merchant").annotate(Sum("amount_cents")).order_by()
        booked: Counter[int] = Counter(dict(sums))
        for merchant in sorted(owed.keys() | booked.keys()):
            if owed[merchant] != booked[merchant]:
                words = f"merchant {merchant} sold {owed[merchant]}, booked {booked[merchant]}"
                self._world.complain("V13", words)

    def check_findings(self) -> None:
        """V8: no honest mishap accuses anybody."""
        states = {row.state for row in self._rows}
        hits = {
            State.HELD.value: Mark.HELD,
        }
        for state, mark in hits.items():
            if state in states:
                self._world.marks.hit(mark)
        for row in self._rows:
            if row.state == State.RETURNED.value:
                contradicted = row.reason == "void_contradicted"
                self._world.marks.hit(
                    Mark.RETURNED_CONTRADICTED if contradicted else Mark.RETURNED_NEVER_GREEN
                )
        for one in self._findings:
            kind = FindingKind(one.kind)
            if kind is FindingKind.GAP:
                self._world.marks.hit(Mark.GAP_SEEN)
            if kind is FindingKind.UNCLAIMED:
                self._world.marks.hit(Mark.RETURNED_UNCLAIMED)
            if kind in ACCUSING and self._truth.is_honest and not self._explained(kind):
                self._world.complain("V8", f"an honest mishap is called {one}: {one.facts}")
            misled = self._truth.hostile | self._truth.rewound
            if kind in OF_A_KEY and one.terminal_id not in misled:
                self._world.complain("V8", f"an honest till is blamed: {one}: {one.facts}")
        for misdeed in unnoticed(self._world, self._findings):
            self._world.complain("V8", f"nothing tells of the {misdeed.actor}, who {misdeed.words}")

    def _explained(self, kind: FindingKind) -> bool:
        return bool(self._truth.rewound) and kind in OF_A_REWOUND_TILL

    def _may_be_gone(self, green: Green) -> bool:
        """A green of a till that is gone, or was put back, and that the service never heard of.

        Once two cards have told of it, it is expected back; a sale that no later tap proves is
        not promised (docs/protocol.md, 10).
        """
        tellers = self._truth.burnt | self._truth.rewound | self._world.lost | self._truth.hostile
        if green.terminal not in tellers:
            return False
        heard = set(self._truth.heard[green.terminal].values())
        return not any(seq > green.seq for seq in heard) or green.terminal in self._truth.rewound

    def _is_covered_up(self, green: Green) -> bool:
        """The only record of a torn sale's proof was to be in the transaction after it, and that
        was made by somebody with key 1, who wrote none.
        """
        return any(
            it.tmc + 1 in self._truth.meddled.get(it.uid, ())
            for it in self._debits
            if (it.terminal, it.seq, it.uid) == (green.terminal, green.seq, green.uid)
        )

    def _is_forgotten(self, green: Green) -> bool:
        """A sale on a directory that a restored service has forgotten is held for two people."""
        return self._world.marks.counts[Mark.SERVICE_RESTORED] > 0 and any(
            (row.terminal, row.seq, row.card.uid) == (green.terminal, green.seq, green.uid)
            and (row.state, row.reason) == (State.HELD.value, DOCUMENTS_UNKNOWN)
            for row in self._rows
        )

    def _has_seen_green(self, debit: Debit) -> bool:
        return any(
            (it.terminal, it.seq, it.uid) == (debit.terminal, debit.seq, debit.uid)
            for it in self._truth.greens
        )

    def _is_told_sold(self, debit: Debit) -> bool:
        """A till that was cut between the sale on disk and green has said that it sold."""
        stored = StoredEntry.objects.using(WORLD).filter(
            terminal=debit.terminal, kind=int(EntryKind.SALE), about_seq=debit.seq
        )
        is_told = stored.exists() or (debit.terminal, debit.seq) in self._truth.answers
        return is_told or self._forgets(debit.terminal)

    def _forgets(self, terminal: int) -> bool:
        """A till that burnt, or was put back to a time before: a person decides for its sales."""
        world = self._world
        return terminal in world.lost | world.lost_too_soon | self._truth.rewound

    def _is_ahead(self, debit: Debit) -> bool:
        """Nothing that the card has proven comes after it, and a finding says how far it came."""
        proven_tmc = max((row.tmc for row in self._rows if row.card.uid == debit.uid), default=0)
        return proven_tmc < debit.tmc <= self._ahead.get(debit.uid, 0)

    def _is_last(self, debit: Debit) -> bool:
        """Nothing proves what a card did last, when nobody ever reads it again."""
        return not any(it.uid == debit.uid and it.tmc > debit.tmc for it in self._debits)

    def _standing(self, green: Green) -> str:
        rows = [row for row in self._rows if (row.terminal, row.seq) == (green.terminal, green.seq)]
        return ", ".join(f"{row} {row.state} {row.reason}" for row in rows) or "no transaction"
