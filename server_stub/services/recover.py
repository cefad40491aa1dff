"""A terminal that burnt: declared lost by a person, its sales rebuilt from the cards."""

from __future__ import annotations

from typing import Final

from cardkit.acts import RecoveryConfirmed, TerminalLost
from cardkit.errors import must
from server_stub.models import ActRow, Card, CardStatus, CardTransaction, Terminal, TerminalStatus
from server_stub.rules.facts import State
from server_stub.services import acts, issue
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards

CARDS_AT_ONCE: Final = 200


def declare_lost(caisse: Caisse, terminal: Terminal, *, by: int = 0) -> int:
    """Declare that a terminal will send nothing any more; returns how many sales are recovered.

    They are provisional: each is a finding until a person confirms it. Later taps recover more.
    """
    with caisse.alone():
        terminal.refresh_from_db(using=caisse.using)
        if terminal.status != TerminalStatus.LOST:
            body = TerminalLost(
                terminal=terminal.id, last_seq=terminal.cursor_seq, head=held_head(terminal)
            )
            acts.record(caisse, body, by=by)
            terminal.refresh_from_db(using=caisse.using)
        look_again(caisse)
        return len(recovered(caisse, terminal))


def held_head(terminal: Terminal) -> bytes | None:
    """Return the digest of the last entry that is held of a journal; None while there is none."""
    return bytes(terminal.cursor_head) if terminal.cursor_seq else None


def look_again(caisse: Caisse) -> None:
    """Reconcile every card that is in use."""
    cards = Card.objects.using(caisse.using).exclude(status=CardStatus.ISSUING)
    ids = list(cards.order_by("id").values_list("id", flat=True))
    for start in range(0, len(ids), CARDS_AT_ONCE):
        some = ids[start : start + CARDS_AT_ONCE]
        reconcile_cards(caisse, some)
        if not caisse.replaying:
            issue.give_back(caisse, some)


def recovered(caisse: Caisse, terminal: Terminal) -> list[CardTransaction]:
    """Return the recovered sales of a terminal that nobody has confirmed yet."""
    rows = CardTransaction.objects.using(caisse.using).filter(
        terminal=terminal.id, state=State.PROVISIONAL.value
    )
    return list(rows.select_related("card").order_by("seq"))


def confirm(
    caisse: Caisse,
    sale: CardTransaction,
    *,
    by: int,
    merchant: int | None = None,
    entered_by: int | None = None,
) -> ActRow:
    """Let a person confirm a recovered sale, or one that was returned before: it becomes payable.

    `merchant` decides for whom where the lost terminal served several; `entered_by` is the first
    of two people, where it took two.
    """
    with caisse.alone():
        waits = {State.PROVISIONAL.value, State.HELD.value}
        must(sale.state in waits, "only a sale that waits for a person is confirmed")
        payee = merchant if merchant is not None else sale.merchant
        must(payee > 0, "a confirmed sale has a merchant")
        body = RecoveryConfirmed(
            uid=sale.card.uid,
            generation=sale.card.generation,
            tmc=sale.tmc,
            terminal=sale.terminal,
            seq=sale.seq,
            amount_cents=sale.amount_cents,
            merchant=payee,
            tmv=sale.tmv,
            entered_by=entered_by,
        )
        row = acts.record(caisse, body, by=by)
        reconcile_cards(caisse, [sale.card_id])
        issue.give_back(caisse, [sale.card_id])
        return row
