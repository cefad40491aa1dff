"""A member leaves: last dues, the card, what was not spent; all that was signed stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum, unique

from django.db.models import QuerySet

from cardkit.clock import PARIS, business_date
from cardkit.membership import CommitmentChanged, CommitmentChangeKind, CreditLapsed, MemberLeft
from server_stub.models import Account, Card, CardStatus, Commitment, Person
from server_stub.rules.allowances import month_of, months_from
from server_stub.rules.dues import AccountPaid
from server_stub.rules.scheme import LeavingCredit, RuleName
from server_stub.services import acts, blocks, issue
from server_stub.services.behind import lock
from server_stub.services.caisse import Caisse
from server_stub.services.cards import reconcile_cards
from server_stub.services.entitled import as_rule, paid_before
from server_stub.services.membership import is_waiting, left_from
from server_stub.services.rules_in_force import voted


@unique
class CardIs(StrEnum):
    """Where a leaver's card is."""

    KEPT = "kept"
    """With the member, who spends what is left, where that is voted."""
    BACK = "back"
    LOST = "lost"


@unique
class NotLeft(Enum):
    """Why a member can't leave as asked."""

    NOT_A_MEMBER = "no wave has admitted this account"
    LEFT_ALREADY = "this account has left"
    CREDIT_SIGNED = "credit of that month is signed already, and is the member's"
    NOT_A_MONTH = "a member leaves with the end of a month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What happens when a member leaves, told before it does."""

    account: Account
    from_month: date
    """The first month without dues and without credit."""
    commitments: tuple[Commitment, ...]
    """Those that are ended early."""
    last_dues: AccountPaid
    """Of every month before `from_month`."""
    blocked: tuple[Card, ...]
    left_cents: int
    """On all cards, as far as sales are proven."""
    lapses: bool
    """Whether that is the caisse's again, once every stall knows that the card is blocked."""
    spendable_until: datetime | None
    """Until when it can be spent otherwise."""


def plan(
    caisse: Caisse, account: Account, *, card: CardIs, from_month: date | None = None
) -> Leaving | NotLeft:
    """Return what leaving would do, by the rules in force today; writes nothing."""
    if is_waiting(caisse, account.pk):
        return NotLeft.NOT_A_MEMBER
    if left_from(caisse, account.pk) is not None:
        return NotLeft.LEFT_ALREADY
    first = _first_unsigned(caisse, account)
    month = first if from_month is None else from_month
    if month.day != 1:
        return NotLeft.NOT_A_MONTH
    if month < first:
        return NotLeft.CREDIT_SIGNED
    rule = LeavingCredit(voted(caisse, RuleName.LEAVING_CREDIT) or LeavingCredit.SPENDABLE)
    lapses = card is not CardIs.KEPT or rule is LeavingCredit.LAPSES
    active = _cards(caisse, account).filter(status=CardStatus.ACTIVE)
    return Leaving(
        account=account,
        from_month=month,
        commitments=tuple(_speaking_of(caisse, account, month)),
        last_dues=paid_before(caisse, account.pk, month),
        blocked=tuple(active) if lapses else (),
        left_cents=sum(blocks.left_cents(caisse, it) for it in _cards(caisse, account)),
        lapses=lapses,
        spendable_until=_spendable_until(caisse, account),
    )


def leave(
    caisse: Caisse,
    account: Account,
    *,
    card: CardIs,
    from_month: date | None = None,
    by: int,
) -> Leaving | NotLeft:
    """Do what `plan` tells, as one transaction; a name is kept for the voted time from now on."""
    with caisse.alone():
        planned = plan(caisse, account, card=card, from_month=from_month)
        if isinstance(planned, NotLeft):
            return planned
        for commitment in planned.commitments:
            body = CommitmentChanged(
                number=bytes(commitment.number),
                kind=CommitmentChangeKind.ENDED,
                from_month=max(planned.from_month, commitment.first_month),
            )
            acts.record(caisse, body, by=by)
        left = MemberLeft(account=bytes(account.number), from_month=planned.from_month)
        acts.record(caisse, left, by=by)
        for one in planned.blocked:
            blocks.block_card(caisse, one, by=by)
        today = business_date(caisse.now())
        people = Person.objects.using(caisse.using).filter(account=account)
        people.update(last_contact_on=today)
        return planned


def take_card_back(caisse: Caisse, account: Account, *, by: int) -> int:
    """Block what cards a leaver had kept until now; returns how many."""
    with caisse.alone():
        if left_from(caisse, account.pk) is None:
            return 0
        kept = list(_cards(caisse, account).filter(status=CardStatus.ACTIVE))
        for one in kept:
            blocks.block_card(caisse, one, by=by)
        return len(kept)


def lapse_due(caisse: Caisse, *, by: int = 0) -> int:
    """Take back what leavers' blocked cards have left, once no stall can sell to them; in cents.

    What such a card is given back later, as of a sale that nobody claims, lapses next time.
    """
    lapsed_cents = 0
    with caisse.alone():
        if lock(caisse) is not None:
            return 0
        blocked = Card.objects.using(caisse.using).filter(
            status=CardStatus.BLOCKED, account__departure__isnull=False
        )
        for card in blocked.order_by("id"):
            left_cents = blocks.left_cents(caisse, card)
            if left_cents <= 0 or blocks.not_past_block(caisse, card):
                continue
            body = CreditLapsed(
                uid=bytes(card.uid), generation=card.generation, amount_cents=left_cents
            )
            acts.record(caisse, body, by=by)
            reconcile_cards(caisse, [card.id])
            lapsed_cents += left_cents
    return lapsed_cents


def _cards(caisse: Caisse, account: Account) -> QuerySet[Card]:
    cards = Card.objects.using(caisse.using).filter(account=account)
    return cards.exclude(status=CardStatus.ISSUING).order_by("id")


def _speaking_of(caisse: Caisse, account: Account, month: date) -> list[Commitment]:
    """Return commitments that ask for something of a month or a later one."""
    rows = Commitment.objects.using(caisse.using).filter(account=account)
    return [
        row
        for row, rule in ((row, as_rule(row)) for row in rows.prefetch_related("changes"))
        if rule.after_last_month > month and rule.ended_on is None
    ]


def _first_unsigned(caisse: Caisse, account: Account) -> date:
    """Return the first month after this one whose credit no card of an account has yet."""
    signed = issue.last_signed_month(caisse, account.pk)
    this_month = month_of(caisse.now(), PARIS)
    *_, following = months_from(max(signed or this_month, this_month), count=2)
    return following


def _spendable_until(caisse: Caisse, account: Account) -> datetime | None:
    held = (issue.held_allowance(caisse, it) for it in _cards(caisse, account))
    return max((one.spendable_until for one in held if one is not None), default=None)
