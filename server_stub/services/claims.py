"""Reading entries: which claims, sightings, records and refunds they amount to.

Each entry is read once, when it arrives; in whatever order they arrive, the rows are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cardkit.bodies import (
    AllowanceSeen,
    DeclinedEntry,
    Evidence,
    Indeterminate,
    Intent,
    Refund,
    Resolution,
    Sale,
    Void,
)
from cardkit.card.token import SaleRecord
from cardkit.entries import Entry
from server_stub.models import (
    Card,
    CardStatus,
    Claim,
    RecordSeen,
    RefundClaim,
    Sighting,
    StoredEntry,
    Terminal,
)
from server_stub.rules import proof
from server_stub.rules.verdict import DOCUMENTS_UNKNOWN, Verdict, judge
from server_stub.services import bulk
from server_stub.services.caisse import Caisse
from server_stub.services.card_keys import card_key, token_key
from server_stub.services.documents import Shelf, keep_seen
from server_stub.services.outcomes import WEIGHED, Stored, open_stored, weigh_all

RECORDS_DEPTH: Final = 8
"""A card keeps its last eight sales readable."""


@dataclass(slots=True)
class Touched:
    """What has to be looked at again."""

    cards: dict[int, int] = field(default_factory=dict)
    """By card: the first counter about which something came that its books don't say already."""
    intents: set[int] = field(default_factory=set)
    """Numbers of intents of this terminal about which something was said."""


class Reader:
    """One delivery of one terminal, turned into rows."""

    def __init__(self, caisse: Caisse, terminal: Terminal) -> None:
        self.touched = Touched()
        self.made: dict[int, Claim] = {}
        """The claims that were stored, by id: nobody has to read them again."""
        self.cards: dict[int, Card] = {}
        """The cards that were read of, by id."""
        self._caisse = caisse
        self._terminal = terminal
        self._token_keys: dict[int, bytes | None] = {}
        self._lives: dict[bytes, list[Card]] = {}
        self._card_keys: dict[int, proof.CardKey] = {}

    def read(self, delivery: Sequence[Stored]) -> None:
        """Read entries that have just been stored; those of a training are never money."""
        delivery = [one for one in delivery if not one[1].envelope.training]
        self._fetch_lives(delivery)
        claims = self._claims([(row, body) for row, entry in delivery if (body := _intent(entry))])
        sightings: list[Sighting] = []
        records: list[RecordSeen] = []
        allowances_came = False
        for row, entry in delivery:
            match entry.body:
                case Sale() | Void() | Indeterminate() | Resolution():
                    self.touched.intents.add(entry.body.intent_seq)
                case Evidence():
                    sightings += self._evidence(row, entry.body, records)
                case DeclinedEntry():
                    sightings += self._declined(row, entry.body)
                case Refund():
                    self._refund(row, entry.body)
                case AllowanceSeen():
                    allowances_came |= keep_seen(self._caisse, entry.body.content)
        self._keep_claims(claims, {row.digest: (row, entry) for row, entry in delivery})
        self._keep(sightings)
        bulk.insert(RecordSeen.objects.using(self._caisse.using), records, once=True)
        if allowances_came:
            self._judge_again()

    # Intents

    def _claims(self, intents: Sequence[tuple[StoredEntry, Intent]]) -> list[Claim]:
        if not intents:
            return []
        shelf = Shelf(self._caisse, (intent for _, intent in intents), terminal=self._terminal.id)
        return [
            self._claim(row, intent, self._life(intent.uid, intent.generation), shelf)
            for row, intent in intents
        ]

    def _claim(self, row: StoredEntry, intent: Intent, card: Card | None, shelf: Shelf) -> Claim:
        sale = proof.CardSale(
            tmc=intent.tmc0 + 1,
            terminal=row.terminal_id,
            seq=row.seq,
            spent0_cents=intent.spent0_cents,
            amount_cents=intent.amount_cents,
            tmv0=intent.tmv0,
            token=intent.token,
        )
        token_key = self._token_key(row.terminal_id)
        verdict = self._verdict(row, intent, shelf)
        return bulk.made(
            Claim,
            entry=row,
            terminal=self._terminal,
            seq=row.seq,
            at=row.at,
            merchant=row.merchant,
            card=card,
            tmc=sale.tmc,
            spent0_cents=sale.spent0_cents,
            amount_cents=sale.amount_cents,
            tmv0=sale.tmv0,
            token=sale.token,
            enc_tmri=intent.enc_tmri,
            expected_tmv=self._expected_tmv(sale, card, intent),
            token_right=bool(token_key)
            and proof.attributed(token_key or b"", uid=intent.uid, sale=sale),
            verdict=verdict.text,
            allowance_epoch=verdict.allowance[0],
            allowance_version=verdict.allowance[1],
            leans_on=[list(refund) for refund in verdict.leans_on],
        )

    def _expected_tmv(
        self, sale: proof.CardSale, card: Card | None, intent: Intent
    ) -> bytes | None:
        if card is None or card.status == CardStatus.ISSUING:
            return None
        if card.id not in self._card_keys:
            self._card_keys[card.id] = card_key(self._caisse, card)
        return proof.expected_tmv(self._card_keys[card.id], sale, enc_tmri=intent.enc_tmri)

    def _verdict(self, row: StoredEntry, intent: Intent, shelf: Shelf) -> Verdict:
        return judge(
            intent,
            terminal=row.terminal_id,
            merchant=row.merchant,
            at=row.at,
            documents=shelf.of(intent),
        )

    def _judge_again(self) -> None:
        """Ask decide() again about sales whose allowance had not been seen here before."""
        waiting = list(
            Claim.objects.using(self._caisse.using)
            .filter(terminal=self._terminal, verdict=DOCUMENTS_UNKNOWN)
            .select_related("entry")
        )
        intents = [
            (claim, _intent(open_stored(self._caisse, self._terminal, claim.entry)))
            for claim in waiting
        ]
        known = [(claim, intent) for claim, intent in intents if intent is not None]
        shelf = Shelf(self._caisse, (intent for _, intent in known), terminal=self._terminal.id)
        for claim, intent in known:
            verdict = self._verdict(claim.entry, intent, shelf)
            claim.verdict = verdict.text
            claim.allowance_epoch, claim.allowance_version = verdict.allowance
            claim.leans_on = [list(refund) for refund in verdict.leans_on]
            self._touch(claim.card_id, claim.tmc)
        bulk.update(
            Claim.objects.using(self._caisse.using),
            waiting,
            ("verdict", "allowance_epoch", "allowance_version", "leans_on"),
        )

    def _keep_claims(self, new: Sequence[Claim], at_hand: dict[bytes, Stored]) -> None:
        """Store claims with what was said of them, and weigh older ones of which more was said."""
        manager = Claim.objects.using(self._caisse.using)
        intents = set(self.touched.intents)
        if not self._terminal.forked:  # no number was signed twice: what is new was not there
            intents -= {claim.seq for claim in new}
        known = list(manager.filter(terminal=self._terminal, seq__in=intents)) if intents else []
        claims = [*known, *new]
        sightings = [_seen_before(claim, claim.card) for claim in new if claim.card is not None]
        sightings += weigh_all(self._caisse, self._terminal, claims, at_hand=at_hand)
        for claim in claims:
            self._touch(claim.card_id, claim.tmc)
        bulk.insert(manager, new)
        self.made = {claim.pk: claim for claim in new}
        bulk.update(manager, known, WEIGHED)
        self._keep(sightings)

    # Refunds

    def _refund(self, row: StoredEntry, body: Refund) -> None:
        card = self._life(body.uid, body.generation)
        RefundClaim.objects.using(self._caisse.using).create(
            entry=row,
            terminal=self._terminal,
            seq=row.seq,
            selling_terminal=(
                row.terminal_id if body.selling_terminal is None else body.selling_terminal
            ),
            intent_seq=body.intent_seq,
            amount_cents=body.amount_cents,
            merchant=row.merchant,
            card=card,
        )
        self._touch(card.id if card else None, 0)

    # What cards told without a sale

    def _evidence(
        self, row: StoredEntry, body: Evidence, records: list[RecordSeen]
    ) -> Iterable[Sighting]:
        """Yield what a card showed of its counters, and add the sale records that it kept."""
        for card in self._lives.get(body.uid, ()):
            yield bulk.made(
                Sighting,
                card_id=card.id,
                tmc=body.tmc,
                tmv=body.tmv,
                spent_cents=body.spent_cents,
                next_enc_tmri=body.enc_tmri,
                entry_id=row.id,
            )
            for raw in body.records:
                yield from self._record(row, card, raw, records, newest_tmc=body.tmc)

    def _record(
        self,
        row: StoredEntry,
        card: Card,
        raw: bytes,
        records: list[RecordSeen],
        *,
        newest_tmc: int,
    ) -> Iterable[Sighting]:
        """Place a record by its token: it tells of its own sale, and proves the one before."""
        record = SaleRecord.unpack(raw)
        token_key = self._token_key(record.terminal) if record else None
        if record is None or token_key is None:
            return
        tmc = proof.place(
            token_key,
            uid=card.uid,
            record=record,
            newest_tmc=min(newest_tmc, 2**32 - 1),
            depth=RECORDS_DEPTH,
        )
        if not tmc:
            return
        records.append(RecordSeen(card=card, tmc=tmc, content=raw, entry=row))
        if tmc > 1:
            yield bulk.made(
                Sighting,
                card_id=card.id,
                tmc=tmc - 1,
                tmv=record.tmv0,
                spent_cents=record.spent0_cents,
                entry_id=row.id,
            )

    def _declined(self, row: StoredEntry, body: DeclinedEntry) -> Iterable[Sighting]:
        if body.uid is None or body.tmc is None or body.tmv is None:
            return
        for card in self._lives.get(body.uid, ()):
            yield bulk.made(
                Sighting,
                card_id=card.id,
                tmc=body.tmc,
                tmv=body.tmv,
                spent_cents=body.spent_cents,
                refused=int(body.reason),
                entry_id=row.id,
            )

    # Small things

    def _keep(self, sightings: Sequence[Sighting]) -> None:
        for seen in sightings:
            is_said = _is_proven(self.cards.get(seen.card_id), seen)
            self._touch(seen.card_id, seen.tmc + 1 if is_said else seen.tmc)
        bulk.insert(Sighting.objects.using(self._caisse.using), sightings, once=True)

    def _touch(self, card_id: int | None, tmc: int) -> None:
        if card_id is not None:
            self.touched.cards[card_id] = min(tmc, self.touched.cards.get(card_id, tmc))

    def _fetch_lives(self, delivery: Sequence[Stored]) -> None:
        uids = {
            uid for _, entry in delivery if (uid := getattr(entry.body, "uid", None)) is not None
        }
        for card in Card.objects.using(self._caisse.using).filter(uid__in=uids):
            self.cards[card.id] = card
            self._lives.setdefault(card.uid, []).append(card)

    def _life(self, uid: bytes, generation: int) -> Card | None:
        lives = self._lives.get(uid, ())
        return next((card for card in lives if card.generation == generation), None)

    def _token_key(self, terminal: int) -> bytes | None:
        if terminal not in self._token_keys:
            self._token_keys[terminal] = token_key(self._caisse, terminal)
        return self._token_keys[terminal]


def _intent(entry: Entry) -> Intent | None:
    return entry.body if isinstance(entry.body, Intent) else None


def _is_proven(card: Card | None, seen: Sighting) -> bool:
    """Whether a sighting says no more than the card's last proven state."""
    if card is None or seen.refused:
        return False
    return (card.proven_tmc, card.proven_tmv) == (seen.tmc, seen.tmv)


def _seen_before(claim: Claim, card: Card) -> Sighting:
    """What an intent saw of the card before it asked for anything."""
    return bulk.made(
        Sighting,
        card_id=card.id,
        tmc=claim.tmc - 1,
        tmv=claim.tmv0,
        spent_cents=claim.spent0_cents,
        next_enc_tmri=claim.enc_tmri,
        entry_id=claim.entry.id,
    )
