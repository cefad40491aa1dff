"""What the issuer signs: allowances, permits, and money given back as a higher allowance."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from cardkit.acts import ActKind, CreditMoved, DocumentHeld
from cardkit.acts import AllowanceIssued as AllowanceAct
from cardkit.allowance import (
    REFUNDS_MAX,
    Allowance,
    RefundRef,
    accept_allowance,
    sign_allowance,
)
from cardkit.clock import PARIS
from cardkit.errors import DocumentError, must
from cardkit.money import CARD_CENTS_MAX
from cardkit.permit import Caps, MerchantGrant, Permit, sign_permit
from server_stub.models import (
    AllowanceIssued,
    Card,
    CardDecision,
    CardStatus,
    DirectoryVersion,
    Merchant,
    PermitIssued,
    RefundClaim,
    Terminal,
)
from server_stub.rules.allowances import (
    Change,
    MonthCredit,
    midnight,
    month_of,
    months_from,
    next_allowance,
)
from server_stub.rules.refunds import ALREADY_RETURNED
from server_stub.rules.scheme import RuleName
from server_stub.services import acts, conventions, withheld
from server_stub.services.behind import lock
from server_stub.services.caisse import Caisse
from server_stub.services.documents import allowance_of, permit_of, row_at
from server_stub.services.entitled import entitlements
from server_stub.services.rules_in_force import value

logger = logging.getLogger(__name__)

GIVEN_BACK = (ActKind.SPEND_RETURNED, ActKind.DISPUTE_DECIDED)
"""Acts whose amount is the member's again."""

PERMIT_RENEWED_AFTER = timedelta(days=1)
"""A terminal that syncs holds a permit of today."""


def issue_due(caisse: Caisse) -> int:
    """Sign what months are due for every account; returns how many versions.

    Of several cards of an account the last one issued carries all.
    """
    active = Card.objects.using(caisse.using).filter(status=CardStatus.ACTIVE).order_by("id")
    carriers = {card.account_id: card for card in active.select_related("account")}
    if not carriers:
        return 0
    signed_up, with_slips = _signed_up(caisse), withheld.accounts(caisse)
    due = [
        card
        for card in carriers.values()
        if card.id not in signed_up or card.account_id in with_slips
    ]
    return sum(issue_allowance(caisse, card) is not None for card in due)


def _signed_up(caisse: Caisse) -> set[int]:
    """Cards that have every month that may be signed by now, and list no refund.

    Whatever is voted or promised, a version that says more than theirs can't follow, but where
    something was held back for a paper slip; so a day on which nothing is due costs two queries,
    and reading what this process has not read yet.
    """
    ahead = value(caisse, RuleName.MONTHS_AHEAD)
    *_, last = months_from(month_of(caisse.now(), PARIS), count=ahead + 1)
    newest = AllowanceIssued.objects.using(caisse.using).order_by("epoch", "version")
    contents = dict(newest.values_list("card_id", "content"))
    held = {
        card_id: allowance_of(bytes(content), caisse.ring.trust)
        for card_id, content in contents.items()
    }
    return {
        card_id
        for card_id, one in held.items()
        if one.steps[-1].from_at >= midnight(last, PARIS) and not one.refunds
    }


def issue_allowance(caisse: Caisse, card: Card) -> AllowanceIssued | None:
    """Sign the months that are due for one card, by the rules in force; None: nothing is new.

    A month that was signed for another card of the account is not signed again: what that card
    has left of it follows by `blocks.move_remainder`.
    """
    months_ahead = value(caisse, RuleName.MONTHS_AHEAD)
    first = month_of(caisse.now(), PARIS)
    months = tuple(
        MonthCredit(from_at=midnight(day, PARIS), amount_cents=cents)
        for day, cents in entitlements(caisse, card.account_id, first, count=months_ahead + 1)
        if not _signed_elsewhere(caisse, card, midnight(day, PARIS))
    )
    held = held_allowance(caisse, card)
    last_step = held.steps[-1].from_at if held else None
    with caisse.alone():
        given = withheld.share(caisse, card, months, signed_until=last_step)
        version = _issue(caisse, card, months=given.months, raise_cents=given.raise_cents, new=())
        if version is not None:
            withheld.keep(caisse, card, given.taken)
        return version


def issue_months(
    caisse: Caisse, card: Card, months: Sequence[MonthCredit]
) -> AllowanceIssued | None:
    """Sign given months for one card; those that are signed already stay as they are."""
    return _issue(caisse, card, months=tuple(months), raise_cents=0, new=())


def give_back(caisse: Caisse, card_ids: Iterable[int]) -> None:
    """Raise the allowances of cards that have money back which no version contains yet."""
    must(not caisse.replaying, "nothing is issued while the books are recomputed")
    wanted = set(card_ids)
    if not wanted:
        return
    refunds = RefundClaim.objects.using(caisse.using).filter(
        card__in=wanted, granted=True, allowance__isnull=True
    )
    returns = CardDecision.objects.using(caisse.using).filter(
        card__in=wanted, kind__in=GIVEN_BACK, allowance__isnull=True
    )
    owed = {row.card_id for row in refunds if row.card_id} | {row.card_id for row in returns}
    if not owed:
        return
    for card in Card.objects.using(caisse.using).filter(id__in=owed).order_by("id"):
        _give_back(
            caisse,
            card,
            [row for row in refunds if row.card_id == card.id],
            [row for row in returns if row.card_id == card.id],
        )


def kept_waiting(caisse: Caisse) -> set[int]:
    """Cards with refunds that no version has had room for: it may have now."""
    refunds = RefundClaim.objects.using(caisse.using).filter(granted=True, allowance__isnull=True)
    return {card_id for card_id in refunds.values_list("card_id", flat=True) if card_id}


def held_allowance(caisse: Caisse, card: Card) -> Allowance | None:
    """Return the newest allowance of a card."""
    last = _last(caisse, card)
    return allowance_of(bytes(last.content), caisse.ring.trust) if last else None


def issue_permit(
    caisse: Caisse,
    terminal: Terminal,
    *,
    merchants: Sequence[int],
    training: bool = False,
    lent_until: datetime | None = None,
    by: int = 0,
) -> PermitIssued:
    """Sign a permit to sell for these merchants, until the rule says, or for as long as it is lent.

    `lent_until` is the last second of a loan, which ends by itself.
    """
    with caisse.alone():
        epoch, now = acts.epoch(caisse), caisse.now()
        last = PermitIssued.objects.using(caisse.using).filter(terminal=terminal).last()
        permit = Permit(
            epoch=epoch,
            version=last.version + 1 if last and last.epoch == epoch else 1,
            terminal=terminal.id,
            issued_at=now,
            valid_until=lent_until or now + timedelta(days=value(caisse, RuleName.PERMIT_DAYS)),
            merchants=_grants(caisse, merchants),
            caps=_caps(caisse),
            refund_days=value(caisse, RuleName.REFUND_DAYS),
            training=training,
            loan=lent_until is not None,
        )
        signed = sign_permit(caisse.ring.issuer, permit)
        acts.record(caisse, DocumentHeld(content=signed.encoded), by=by)
        return PermitIssued.objects.using(caisse.using).get(digest=signed.digest)


def current_permit(caisse: Caisse, terminal: Terminal) -> PermitIssued | None:
    """Return a terminal's permit as it should be now; None when it has none.

    It is renewed when it is not of today, or a convention says something else since. A loan is
    never renewed: when it is over, the permit before it is.
    """
    last = PermitIssued.objects.using(caisse.using).filter(terminal=terminal).last()
    if last is None:
        return None
    permit = permit_of(last.content)
    lent_until = permit.valid_until if permit.loan else None
    if lent_until is not None and caisse.now() > lent_until:
        permit, lent_until = _before_loan(caisse, terminal), None
    elif _is_current(caisse, last, permit):
        return last
    merchants = [grant.merchant for grant in permit.merchants]
    return issue_permit(
        caisse, terminal, merchants=merchants, training=permit.training, lent_until=lent_until
    )


def own_permit(caisse: Caisse, terminal: Terminal) -> Permit | None:
    """Return what a terminal's newest permit says that is no loan; None when it has none."""
    issued = PermitIssued.objects.using(caisse.using).filter(terminal=terminal)
    permits = (permit_of(row.content) for row in issued.reverse().iterator())
    return next((permit for permit in permits if not permit.loan), None)


def move_credit(caisse: Caisse, old: Card, new: Card, amount_cents: int) -> AllowanceIssued | None:
    """Give a card from now on what another one had."""
    with caisse.alone():
        version = _issue(caisse, new, months=(), raise_cents=amount_cents, new=())
        if version is not None:
            body = CreditMoved(
                uid=old.uid,
                generation=old.generation,
                to_uid=new.uid,
                to_generation=new.generation,
                amount_cents=amount_cents,
            )
            acts.record(caisse, body)
        return version


def last_signed_month(caisse: Caisse, account_id: int) -> date | None:
    """Return the last month that some card of an account has the credit of; None: there is none."""
    cards = Card.objects.using(caisse.using).filter(account_id=account_id)
    held = (held_allowance(caisse, card) for card in cards)
    last = max((one.steps[-1].from_at for one in held if one is not None), default=None)
    return None if last is None else month_of(last, PARIS)


def _signed_elsewhere(caisse: Caisse, card: Card, from_at: datetime) -> bool:
    others = Card.objects.using(caisse.using).filter(account_id=card.account_id)
    held = (held_allowance(caisse, other) for other in others.exclude(id=card.id))
    return any(one is not None and one.steps[-1].from_at >= from_at for one in held)


def _issue(
    caisse: Caisse,
    card: Card,
    *,
    months: tuple[MonthCredit, ...],
    raise_cents: int,
    new: tuple[RefundRef, ...],
) -> AllowanceIssued | None:
    with caisse.alone():
        if lock(caisse) is not None:
            return None  # what was signed after the backup is not known: it is never undercut
        held = held_allowance(caisse, card)
        change = Change(
            months=months,
            raise_cents=raise_cents,
            refunds=(*_unlearnt(caisse, card, held), *new),
            spendable_until=_spendable_until(caisse, months),
        )
        allowance = next_allowance(
            held,
            change,
            uid=card.uid,
            generation=card.generation,
            epoch=acts.epoch(caisse),
            now=caisse.now(),
        )
        if allowance is None:
            return None
        signed = sign_allowance(caisse.ring.issuer, allowance)
        try:
            accept_allowance(signed.encoded, caisse.ring.trust)
        except DocumentError as error:  # nobody would believe it: it never leaves this function
            refused = {"card": card.pk, "what": type(error).__name__}
            logger.error("a card is not given more", extra=refused)
            return None
        acts.record(caisse, AllowanceAct(content=signed.encoded, account=card.account.number))
        return AllowanceIssued.objects.using(caisse.using).get(digest=signed.digest)


def _give_back(
    caisse: Caisse,
    card: Card,
    refunds: Sequence[RefundClaim],
    returns: Sequence[CardDecision],
) -> None:
    """One version for all that was given back, as far as it has room to list refunds."""
    held = held_allowance(caisse, card)
    if held is None:
        return
    room = REFUNDS_MAX - len(_unlearnt(caisse, card, held))
    once = _not_listed_yet(caisse, card, refunds)
    listed = sorted(once, key=lambda row: (row.terminal_id, row.seq))[:room]
    raise_cents = sum(row.amount_cents for row in listed if row.reason != ALREADY_RETURNED)
    raise_cents += sum(row.amount_cents for row in returns)
    if not listed and not returns:
        return
    if held.steps[-1].cumulative_cents + raise_cents > CARD_CENTS_MAX:
        full = {"card": card.pk, "cents": raise_cents}
        logger.error("a card can't hold more: replace it", extra=full)
        return
    version = _issue(
        caisse,
        card,
        months=(),
        raise_cents=raise_cents,
        new=tuple(RefundRef(row.terminal_id, row.seq) for row in listed),
    )
    if version is None:
        return
    contained = {"allowance": version}
    manager = RefundClaim.objects.using(caisse.using)
    manager.filter(pk__in=[row.pk for row in listed]).update(**contained)
    decisions = CardDecision.objects.using(caisse.using)
    decisions.filter(pk__in=[row.pk for row in returns]).update(**contained)


def _not_listed_yet(
    caisse: Caisse, card: Card, refunds: Sequence[RefundClaim]
) -> list[RefundClaim]:
    """Leave out numbers that were signed twice, and given back for the other entry."""
    listing = AllowanceIssued.objects.using(caisse.using).filter(card=card).exclude(refunds=[])
    given = {tuple(ref) for refs in listing.values_list("refunds", flat=True) for ref in refs}
    return [row for row in refunds if (row.terminal_id, row.seq) not in given]


def _unlearnt(caisse: Caisse, card: Card, held: Allowance | None) -> tuple[RefundRef, ...]:
    """Refunds that must stay listed: their terminals have not shown that they know.

    Whoever holds a directory with the listing version, or a later one, has.
    """
    if held is None:
        return ()
    kept = []
    for ref in held.refunds:
        row = (
            RefundClaim.objects.using(caisse.using)
            .filter(terminal_id=ref.terminal, seq=ref.seq, card=card, allowance__isnull=False)
            .select_related("allowance", "terminal")
            .first()
        )
        if row is None or row.allowance is None or not _knows(caisse, row, card):
            kept.append(ref)
    return tuple(kept)


def _knows(caisse: Caisse, refund: RefundClaim, card: Card) -> bool:
    """Whether the directory that a terminal holds gives the card an allowance with its refund."""
    terminal, listed = refund.terminal, refund.allowance
    directory = (
        DirectoryVersion.objects.using(caisse.using)
        .filter(epoch=terminal.directory_epoch, version=terminal.directory_version)
        .first()
    )
    if directory is None or listed is None:
        return False
    row = row_at(caisse, directory, card.uid)
    if row is None or row.allowance is None or row.generation != card.generation:
        return False
    given = accept_allowance(row.allowance, caisse.ring.trust)
    return (given.epoch, given.version) >= (listed.epoch, listed.version)


def _last(caisse: Caisse, card: Card) -> AllowanceIssued | None:
    return AllowanceIssued.objects.using(caisse.using).filter(card=card).last()


def _spendable_until(caisse: Caisse, months: Sequence[MonthCredit]) -> datetime:
    last_month = max((month.from_at for month in months), default=caisse.now())
    return last_month + timedelta(days=value(caisse, RuleName.SPENDABLE_DAYS))


def _is_current(caisse: Caisse, issued: PermitIssued, permit: Permit) -> bool:
    is_of_today = permit.loan or caisse.now() - issued.issued_at < PERMIT_RENEWED_AFTER
    granted = [grant.merchant for grant in permit.merchants]
    return (
        is_of_today
        and issued.epoch == acts.epoch(caisse)
        and permit.merchants == _grants(caisse, granted)
    )


def _before_loan(caisse: Caisse, terminal: Terminal) -> Permit:
    permit = own_permit(caisse, terminal)
    must(permit is not None, "a terminal that was lent has a permit of its own")
    assert permit is not None  # noqa: S101 - what must() said, for the type checker
    return permit


def _grants(caisse: Caisse, merchants: Sequence[int]) -> tuple[MerchantGrant, ...]:
    rows = Merchant.objects.using(caisse.using)
    return tuple(conventions.grant_of(caisse, rows.get(id=number)) for number in merchants)


def _caps(caisse: Caisse) -> Caps:
    return Caps(
        sale_max_cents=value(caisse, RuleName.SALE_MAX_CENTS),
        card_day_max_cents=value(caisse, RuleName.CARD_DAY_MAX_CENTS),
        card_day_stale_max_cents=value(caisse, RuleName.CARD_DAY_STALE_MAX_CENTS),
        fresh_days=value(caisse, RuleName.FRESH_DAYS),
        unsent_max_cents=value(caisse, RuleName.UNSENT_MAX_CENTS),
    )
