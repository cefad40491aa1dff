"""What becomes of a claim: the terminal's word, the card's proof, and who had the goods.

A proven card fact beats a `void`. Money goes back to a member only once the terminal can say
nothing more: its own `indeterminate` is here, with everything before it, or it is lost, or it
was put back to a time before.
"""

from __future__ import annotations

from cardkit.acts import ReturnReason
from cardkit.bodies import ResolutionChoice
from cardkit.frozen import dataclass
from server_stub.rules.facts import APPROVED, ClaimFacts, Outcome, State
from server_stub.rules.window import BEYOND_LOSS_WINDOW

NOT_GENUINE = "not_genuine"
OPEN_AT_TERMINAL = "open_at_terminal"
PROOF_NOT_SEEN = "proof_not_seen"
VOID = "void"
VOID_CONTRADICTED = "void_contradicted"
NEVER_GREEN = "never_green"
RECOVERED = "recovered"
SAME_TRANSACTION = "same_transaction"
TWO_PROOFS = "two_proofs"
CARD_UNKNOWN = "card_unknown"
REFUND_NOT_GRANTED = "refund_not_granted"
CLAIM_REFUSED = "claim_refused"
"""People decided not to pay it: what the card spent is the member's again."""
RETURNED_BEFORE = "returned_before"
"""The member has the money back on the terminal's own last word, which it now contradicts."""

_NO_GOODS = frozenset({ResolutionChoice.PAID_OTHERWISE, ResolutionChoice.CLIENT_LEFT})


@dataclass(frozen=True, slots=True)
class Closing:
    """Where the money of a sale belongs, and why."""

    state: State
    reason: str = ""
    return_reason: ReturnReason | None = None


def close_proven(
    claim: ClaimFacts,
    *,
    terminal_lost: bool,
    confirmed: bool,
    refunds_granted: bool,
    returned: ReturnReason | None = None,
    overdue: bool = False,
) -> Closing:
    """Say where the money of a transaction belongs that the card has proven.

    `returned`: why an act has given it back. `overdue`: the rule's days for a contradiction are
    over, and no person has decided otherwise.
    """
    allowed = _allowed(claim, refunds_granted=refunds_granted)
    decided = confirmed or claim.accepted
    if claim.beyond_window and not decided and allowed.state is State.PAYABLE:
        allowed = Closing(State.HELD, BEYOND_LOSS_WINDOW)
    too_late = returned is not None and _said_otherwise(claim, returned, lost=terminal_lost)
    if allowed.state is State.HELD and returned is ReturnReason.CLAIM_REFUSED:
        allowed = Closing(State.RETURNED, CLAIM_REFUSED, ReturnReason.CLAIM_REFUSED)
    if too_late and not confirmed and allowed.state is State.PAYABLE:
        allowed = Closing(State.HELD, RETURNED_BEFORE)
    if claim.outcome is Outcome.SALE:
        return allowed
    if claim.outcome is Outcome.VOID:
        return _contradicted(returned, overdue=overdue)
    said_all = claim.outcome is Outcome.INDETERMINATE and claim.outcome_complete
    # A terminal that was put back has signed another entry under this number: it knows no more.
    if not said_all and not terminal_lost and not claim.number_taken_twice:
        return Closing(State.WAITING, OPEN_AT_TERMINAL)
    if confirmed or claim.choice is ResolutionChoice.GOODS_HANDED_OVER:
        return allowed
    if said_all or claim.choice in _NO_GOODS:
        return Closing(State.RETURNED, NEVER_GREEN, ReturnReason.INTENT_NEVER_GREEN)
    return Closing(State.PROVISIONAL, RECOVERED)


def close_unproven(claim: ClaimFacts, *, other_proven: bool) -> Closing:
    """Say what a claim is that no card has proven; nothing of it is ever posted.

    `other_proven`: the card has proven that something else happened at this counter.
    """
    match claim.outcome:
        case Outcome.VOID:
            return Closing(State.NOTHING, VOID)
        case Outcome.SALE if claim.expected_tmv is None:
            return Closing(State.HELD, CARD_UNKNOWN)
        case Outcome.SALE if other_proven or claim.outcome_tmv is not None:
            return Closing(State.HELD, NOT_GENUINE)
        case Outcome.SALE:
            return Closing(State.WAITING, PROOF_NOT_SEEN)
    if other_proven:
        return Closing(State.NOTHING, VOID)
    open_still = claim.outcome is Outcome.OPEN
    return Closing(State.WAITING, OPEN_AT_TERMINAL if open_still else PROOF_NOT_SEEN)


def _contradicted(returned: ReturnReason | None, *, overdue: bool) -> Closing:
    """A debit that the terminal's last word denies: nobody's goods, and so the member's money."""
    if overdue or returned is ReturnReason.VOID_CONTRADICTED:
        return Closing(State.RETURNED, VOID_CONTRADICTED, ReturnReason.VOID_CONTRADICTED)
    return Closing(State.WAITING, VOID_CONTRADICTED)


def _said_otherwise(claim: ClaimFacts, returned: ReturnReason, *, lost: bool) -> bool:
    """Whether a claim comes from a terminal that had its last word before money was given back.

    That nobody claimed it was the service's conclusion and not the terminal's word: a late green
    is paid all the same, but for one that was signed under a number that is told already. Of the
    other reasons each was the terminal's word; only a rescued journal may know better.
    """
    if returned is ReturnReason.UNCLAIMED:
        return claim.number_taken_twice
    return not lost


def _allowed(claim: ClaimFacts, *, refunds_granted: bool) -> Closing:
    if claim.accepted:
        return Closing(State.PAYABLE)
    if claim.verdict != APPROVED:
        return Closing(State.HELD, claim.verdict)
    if not refunds_granted:
        return Closing(State.HELD, REFUND_NOT_GRANTED)
    return Closing(State.PAYABLE)
