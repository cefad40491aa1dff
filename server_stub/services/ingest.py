"""Entries come in: verified, stored once, read, reconciled, posted; in one transaction.

Facts are never refused: not those of a revoked terminal, not those out of order, not those whose
kind nobody knows here. Only bytes that carry no signature of the terminal are nobody's facts.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from cardkit.bodies import EntryKind
from cardkit.entries import Entry, open_entry
from cardkit.errors import DocumentError, SignatureInvalid
from cardkit.signing import ContentType, PublicKey, verify
from server_stub.models import (
    Batch,
    CardTransaction,
    Claim,
    Finding,
    StoredEntry,
    Terminal,
    TerminalStatus,
)
from server_stub.rules.facts import Outcome
from server_stub.rules.findings import FindingKind, FindingValue
from server_stub.rules.journal import Link, follow, runs
from server_stub.services import bulk, issue
from server_stub.services.behind import notice_entries
from server_stub.services.bulk import among
from server_stub.services.caisse import Caisse
from server_stub.services.card_facts import AtHand
from server_stub.services.cards import reconcile_cards
from server_stub.services.claims import Reader
from server_stub.services.findings import settle_findings
from server_stub.services.outcomes import Stored, about
from server_stub.services.windows import cards_within

logger = logging.getLogger(__name__)

_OF_TERMINALS = frozenset(
    {
        FindingKind.SEQ_FORK,
        FindingKind.RESTORED,
        FindingKind.CHAIN_BROKEN,
        FindingKind.ENTRIES_MISSING,
        FindingKind.TERMINAL_NOT_ACTIVE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of one delivery."""

    new_entries: int
    refused_entries: int
    up_to_seq: int
    """The journal is held without a gap up to here."""
    head: bytes


def ingest(caisse: Caisse, terminal_id: int, entries: Sequence[bytes]) -> Ingested:
    """Take a delivery of one enrolled terminal; any part of it may have come before."""
    with caisse.alone():
        terminal = Terminal.objects.using(caisse.using).select_for_update().get(id=terminal_id)
        if not entries and terminal.status == TerminalStatus.ACTIVE:
            return _nothing_came(caisse, terminal)
        opened = list(_open(caisse, terminal, entries))
        batch, new = _store(caisse, terminal, entries, opened)
        old_cursor = terminal.cursor_seq
        _advance(caisse, terminal)
        notice_entries(caisse, terminal, (entry for _, entry in new))
        reader = Reader(caisse, terminal)
        reader.read(new)
        again = _now_complete(caisse, terminal, old_cursor) | _forgotten(caisse, terminal, new)
        if terminal.status == TerminalStatus.LOST and new:
            again |= _recovered_for(caisse, terminal) | cards_within(caisse, terminal)
        came = {card: since for card, since in reader.touched.cards.items() if card not in again}
        reconcile_cards(
            caisse, again, came=came, at_hand=AtHand(cards=reader.cards, claims=reader.made)
        )
        if not caisse.replaying:
            issue.give_back(caisse, again | came.keys() | issue.kept_waiting(caisse))
        _review(caisse, terminal)
        return Ingested(
            new_entries=batch.new_entries,
            refused_entries=batch.refused_entries,
            up_to_seq=terminal.cursor_seq,
            head=terminal.cursor_head,
        )


def _nothing_came(caisse: Caisse, terminal: Terminal) -> Ingested:
    """Look at what an empty delivery can change: refunds that there was no room for."""
    if not caisse.replaying and (waiting := issue.kept_waiting(caisse)):
        issue.give_back(caisse, waiting)
    return Ingested(
        new_entries=0,
        refused_entries=0,
        up_to_seq=terminal.cursor_seq,
        head=terminal.cursor_head,
    )


def _open(
    caisse: Caisse, terminal: Terminal, entries: Iterable[bytes]
) -> Iterator[tuple[bytes, Entry]]:
    """Verify each entry that is not stored yet; what is nobody's fact is left out."""
    key = PublicKey.from_bytes(terminal.journal_key)
    for data in entries:
        try:
            yield data, open_entry(data, key, caisse=caisse.name, terminal=terminal.id)
        except SignatureInvalid as error:
            _warn("an entry is not the terminal's own", terminal, error)
        except DocumentError as error:
            _keep_unreadable(caisse, terminal, data, key)
            _warn("an entry can't be read", terminal, error)


def _warn(event: str, terminal: Terminal, error: DocumentError) -> None:
    logger.warning(event, extra={"terminal": terminal.id, "what": type(error).__name__})


def _keep_unreadable(caisse: Caisse, terminal: Terminal, data: bytes, key: PublicKey) -> None:
    """Keep what the terminal signed, though not even its place in the chain can be read."""
    try:
        verify(data, ContentType.ENTRY, caisse=caisse.name, keys=[key])
    except DocumentError:
        return
    Finding.objects.using(caisse.using).get_or_create(
        kind=FindingKind.UNREADABLE.value,
        key=hashlib.sha256(data).hexdigest(),
        closed_at=None,
        defaults={
            "terminal": terminal,
            "facts": {"content": data.hex()},
            "opened_at": caisse.now(),
        },
    )


def _store(
    caisse: Caisse,
    terminal: Terminal,
    entries: Sequence[bytes],
    opened: Sequence[tuple[bytes, Entry]],
) -> tuple[Batch, list[Stored]]:
    manager = StoredEntry.objects.using(caisse.using)
    seqs = [entry.seq for _, entry in opened]
    held = manager.filter(terminal=terminal).filter(among("seq", seqs))
    places = list(held.order_by().values_list("seq", "digest"))
    known = {digest for _, digest in places}
    fresh: dict[bytes, tuple[bytes, Entry]] = {
        entry.digest: (data, entry) for data, entry in opened if entry.digest not in known
    }
    batch = Batch.objects.using(caisse.using).create(
        terminal=terminal,
        received_at=caisse.now(),
        first_seq=min(seqs, default=None),
        last_seq=max(seqs, default=None),
        entries=len(entries),
        new_entries=len(fresh),
        refused_entries=len(entries) - len(opened),
    )
    rows = [
        bulk.made(
            StoredEntry,
            digest=digest,
            terminal=terminal,
            seq=entry.seq,
            prev=entry.envelope.prev,
            kind=entry.envelope.kind,
            readable=entry.body is not None,
            about_seq=about(entry.body),
            at=entry.envelope.at,
            merchant=entry.envelope.merchant,
            content=data,
            batch=batch,
        )
        for digest, (data, entry) in fresh.items()
    ]
    _notice_forks(caisse, terminal, [row.seq for row in rows], taken={seq for seq, _ in places})
    bulk.insert(manager, rows)
    return batch, [(row, fresh[row.digest][1]) for row in rows]


def _notice_forks(
    caisse: Caisse, terminal: Terminal, seqs: Sequence[int], *, taken: set[int]
) -> None:
    """Note whether new entries bear numbers that are taken, or that two of them share."""
    if not terminal.forked and (len(set(seqs)) < len(seqs) or not taken.isdisjoint(seqs)):
        terminal.forked = True
        terminal.save(using=caisse.using, update_fields=["forked"])


def _advance(caisse: Caisse, terminal: Terminal) -> None:
    """Move the cursor along entries that follow each other by number and by hash.

    A journal with two entries under one number is followed from its beginning, so that the end
    is the same in whatever order they came.
    """
    entries = StoredEntry.objects.using(caisse.using).filter(terminal=terminal)
    seq, head = terminal.cursor_seq, terminal.cursor_head
    if terminal.forked:
        seq, head = 0, PublicKey.from_bytes(terminal.journal_key).digest
    later = entries.filter(seq__gt=seq).order_by().values_list("seq", "prev", "digest")
    terminal.cursor_seq, terminal.cursor_head = follow(
        (Link(*place) for place in later), seq=seq, head=head
    )
    terminal.head_seq = max(terminal.head_seq, terminal.cursor_seq)
    terminal.save(using=caisse.using, update_fields=["cursor_seq", "cursor_head", "head_seq"])


def _forked(caisse: Caisse, terminal: Terminal) -> QuerySet[StoredEntry, int]:
    """Numbers that a terminal has signed twice."""
    entries = StoredEntry.objects.using(caisse.using).filter(terminal=terminal)
    twice = entries.values("seq").annotate(count=Count("id")).filter(count__gt=1)
    return twice.order_by("seq").values_list("seq", flat=True)


def _now_complete(caisse: Caisse, terminal: Terminal, old_cursor: int) -> set[int]:
    """Cards of `indeterminate` sales whose journal has just become complete."""
    said = StoredEntry.objects.using(caisse.using).filter(
        terminal=terminal,
        seq__gt=old_cursor,
        seq__lte=terminal.cursor_seq,
        kind=EntryKind.INDETERMINATE,
    )
    intents = {seq for seq in said.order_by().values_list("about_seq", flat=True) if seq}
    if not intents:
        return set()
    claims = Claim.objects.using(caisse.using).filter(
        terminal=terminal,
        seq__in=intents,
        outcome=Outcome.INDETERMINATE.value,
        outcome_seq__gt=old_cursor,
        outcome_seq__lte=terminal.cursor_seq,
        card__isnull=False,
    )
    return {card_id for card_id in claims.values_list("card_id", flat=True) if card_id}


def _forgotten(caisse: Caisse, terminal: Terminal, new: Sequence[Stored]) -> set[int]:
    """Cards of open sales under whose number the terminal has now signed another entry."""
    if not new:
        return set()
    claims = Claim.objects.using(caisse.using).filter(
        terminal=terminal,
        outcome=Outcome.OPEN.value,
        card__isnull=False,
    )
    seqs = {entry.seq for _, entry in new}
    places = claims.filter(among("seq", seqs)).order_by().values_list("seq", "card_id")
    return {card_id for seq, card_id in places if card_id and seq in seqs}


def _recovered_for(caisse: Caisse, terminal: Terminal) -> set[int]:
    """Cards whose recovered sales the lost journal may now confirm or contradict."""
    recovered = CardTransaction.objects.using(caisse.using).filter(
        terminal=terminal.id, claim__isnull=True
    )
    return set(recovered.values_list("card_id", flat=True))


def _review(caisse: Caisse, terminal: Terminal) -> None:
    open_rows = Finding.objects.using(caisse.using).filter(
        terminal=terminal, card__isnull=True, closed_at__isnull=True, kind__in=_OF_TERMINALS
    )
    settle_findings(caisse, _about_chain(caisse, terminal), open_rows)


def _about_chain(caisse: Caisse, terminal: Terminal) -> Iterator[FindingValue]:
    """Say what is odd about a journal; a careless restore explains it as well as a thief."""
    entries = StoredEntry.objects.using(caisse.using).filter(terminal=terminal)
    if terminal.forked:
        yield from _about_forks(terminal, entries.filter(seq__in=_forked(caisse, terminal)))
    beyond = Counter(
        entries.filter(seq__gt=terminal.cursor_seq).order_by().values_list("seq", flat=True)
    )
    following = terminal.cursor_seq + 1
    if following in beyond:
        yield FindingValue(
            FindingKind.CHAIN_BROKEN, f"{terminal.id}/{following}", terminal.id, {"seq": following}
        )
    elif beyond:
        facts = {"first_seq": following, "last_seq": min(beyond) - 1}
        yield FindingValue(
            FindingKind.ENTRIES_MISSING, f"{terminal.id}/{following}", terminal.id, facts
        )
    if terminal.status != TerminalStatus.ACTIVE and _came_later(caisse, terminal):
        yield FindingValue(
            FindingKind.TERMINAL_NOT_ACTIVE,
            str(terminal.id),
            terminal.id,
            {"status": terminal.status},
        )


def _about_forks(terminal: Terminal, twins: QuerySet[StoredEntry]) -> Iterator[FindingValue]:
    """A second branch that grows from one entry, and begins with a start, is a restored image."""
    prevs: dict[int, set[bytes]] = defaultdict(set)
    kinds: dict[int, set[int]] = defaultdict(set)
    for seq, prev, number in twins.order_by("seq").values_list("seq", "prev", "kind"):
        prevs[seq].add(prev)
        kinds[seq].add(number)
    for first_seq, last_seq in runs(prevs):
        started_anew = EntryKind.STARTED in kinds[first_seq] and len(prevs[first_seq]) == 1
        kind = FindingKind.RESTORED if started_anew else FindingKind.SEQ_FORK
        facts = {"first_seq": first_seq, "last_seq": last_seq}
        yield FindingValue(kind, f"{terminal.id}/{first_seq}", terminal.id, facts)


def _came_later(caisse: Caisse, terminal: Terminal) -> bool:
    """Whether a terminal that is no longer active has sent entries since."""
    if terminal.status == TerminalStatus.LOST:
        seq = terminal.lost_after_seq or 0
        held = StoredEntry.objects.using(caisse.using).filter(terminal=terminal, seq__gt=seq)
        return held.exists()
    return True
