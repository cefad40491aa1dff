"""The loss windows of stolen terminals: which entries that turned up they have no room for."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, Q, QuerySet

from server_stub.models import Claim, RefundClaim, StoredEntry, Terminal
from server_stub.rules.facts import Outcome
from server_stub.rules.journal import Link
from server_stub.rules.window import Late, Window, beside, beyond
from server_stub.services.caisse import Caisse


def beyond_windows(caisse: Caisse) -> frozenset[bytes]:
    """Return the digests of sales and refunds that stand beyond a loss window."""
    stolen = Terminal.objects.using(caisse.using).filter(loss_window_cents__isnull=False)
    return frozenset(digest for terminal in stolen for digest in _beyond(caisse, terminal))


def cards_within(caisse: Caisse, terminal: Terminal) -> set[int]:
    """Return the cards whose money moves when the window of a terminal fills otherwise."""
    if terminal.loss_window_cents is None:
        return set()
    late = _late(caisse, terminal)
    cards: set[int] = set()
    for rows in (Claim.objects.using(caisse.using), RefundClaim.objects.using(caisse.using)):
        found = rows.filter(late, terminal=terminal, card__isnull=False)
        cards.update(found.values_list("card_id", flat=True))
    return cards


def _beyond(caisse: Caisse, terminal: Terminal) -> frozenset[bytes]:
    """A sale whose own entry does not bring its card's proof has no place in the window."""
    window = Window(last_seq=terminal.lost_after_seq or 0, cents=terminal.loss_window_cents or 0)
    late = _late(caisse, terminal)
    claims = Claim.objects.using(caisse.using).filter(late, terminal=terminal)
    proven = claims.filter(outcome=Outcome.SALE.value, outcome_tmv=F("expected_tmv"))
    others = claims.exclude(pk__in=proven.values("pk")).exclude(outcome=Outcome.VOID.value)
    refunds = RefundClaim.objects.using(caisse.using).filter(late, terminal=terminal)
    return (
        beyond(window, _sales(proven))
        | frozenset(bytes(digest) for digest in others.values_list("entry__digest", flat=True))
        | beyond(window, _refunds(refunds))
    )


def _sales(proven: QuerySet[Claim]) -> Iterator[Late]:
    rows = proven.values_list("entry__digest", "seq", "amount_cents", "card", "tmc")
    for digest, seq, cents, card, tmc in rows:
        subject = f"{card}/{tmc}".encode()
        yield Late(entry=bytes(digest), seq=seq, amount_cents=cents, subject=subject)


def _refunds(refunds: QuerySet[RefundClaim]) -> Iterator[Late]:
    for digest, seq, cents in refunds.values_list("entry__digest", "seq", "amount_cents"):
        entry = bytes(digest)
        yield Late(entry=entry, seq=seq, amount_cents=cents, subject=entry)


def _late(caisse: Caisse, terminal: Terminal) -> Q:
    """What stands beyond the journal as it was held, or beside it under an older number."""
    last_seq = terminal.lost_after_seq or 0
    return Q(seq__gt=last_seq) | Q(entry__digest__in=_beside(caisse, terminal, last_seq))


def _beside(caisse: Caisse, terminal: Terminal, last_seq: int) -> list[bytes]:
    """Entries of other branches; there are none while no number was signed twice."""
    if terminal.lost_head is None or not terminal.forked:
        return []
    held = StoredEntry.objects.using(caisse.using).filter(terminal=terminal, seq__lte=last_seq)
    links = (Link(*place) for place in held.order_by().values_list("seq", "prev", "digest"))
    return sorted(beside(bytes(terminal.lost_head), links))
