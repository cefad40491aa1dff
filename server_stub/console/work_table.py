"""The work list, disputes and slips as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cardkit.clock import business_date
from server_stub.console.words import ADVICE, FINDINGS, facts_in_words
from server_stub.models import CardTransaction, PaperSlip, Proposal
from server_stub.services.amounts import euros
from server_stub.services.resolve import Work
from server_stub.services.resolved import DisputeAsItIs
from server_stub.services.work_words import (
    DEEDS,
    KEPT,
    WHOSE,
    by_itself_in_words,
    doubts_in_words,
    stage_in_words,
)

NUMBER_SHOWN: Final = 8


def work_table(items: Iterable[Work], numbers: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Yield two lines a finding: what it is and costs, and what happens by itself."""
    empty = True
    for item in items:
        empty = False
        finding, language = item.finding, get_language() or "fr"
        number = numbers.get((finding.kind.value, finding.key), 0)
        age = _("%(days)s j") % {"days": item.age_days}
        title = FINDINGS.get(finding.kind.value, finding.kind.value)
        yield f"{number:>5}  {age:>6}  {_cost(item, language)}  {title}"
        yield f"{'':15}{by_itself_in_words(item)}"
    if empty:
        yield _("Rien à faire : tout se recoupe.")


def work_page(item: Work, number: int) -> Iterator[str]:
    """Yield all that there is to say of one finding."""
    finding, language = item.finding, get_language() or "fr"
    kind = finding.kind
    yield f"{number}  {FINDINGS.get(kind.value, kind.value)}"
    where = [_("terminal %(number)s") % {"number": finding.terminal}] if finding.terminal else []
    where += [_("carte %(uid)s") % {"uid": finding.card}] if finding.card else []
    facts = facts_in_words(dict(finding.facts), language)
    yield "  " + ", ".join((*where, facts))
    yield "  " + str(KEPT[kind])
    yield "  " + _("En jeu : %(cost)s") % {"cost": _cost(item, language)}
    yield "  " + by_itself_in_words(item)
    yield "  " + str(ADVICE.get(kind.value, ""))
    for deed in item.deeds:
        two = _(" (deux personnes)") if deed in item.two_people else ""
        yield f"    {deed.value:<15}{DEEDS[deed]}{two}"


def proposal_line(proposal: Proposal, numbers: Mapping[tuple[str, str], int]) -> str:
    """Return what waits for a second person as a line."""
    what, _space, named = proposal.subject.partition(" ")
    kind, _space, key = named.partition(" ")
    place = numbers.get((kind, key), named) if what == "finding" else named
    return _("Attend une deuxième personne : %(what)s %(place)s, %(deed)s") % {
        "what": what,
        "place": place,
        "deed": str(proposal.content[0]).lower(),
    }


def dispute_line(dispute: DisputeAsItIs, card: str) -> str:
    """Return one dispute as a line."""
    language = get_language() or "fr"
    number = dispute.number.hex()[:NUMBER_SHOWN]
    day = f"  ≤ {dispute.answer_by.isoformat()}" if dispute.answer_by else ""
    cents = euros(dispute.amount_cents, language)
    return f"{number}  {card} #{dispute.tmc}  {cents}  {stage_in_words(dispute.stage)}{day}"


def sale_line(sale: CardTransaction) -> str:
    """Return one proven sale as a line: its counter, its day, whose, and how much."""
    day = "" if sale.claim is None else business_date(sale.claim.at).isoformat()
    cents = euros(sale.amount_cents)
    merchant = _("producteur %(merchant)s") % {"merchant": sale.merchant}
    return f"#{sale.tmc:<6}{day:<12}{merchant}  {cents}  {sale.state}"


def slip_line(slip: PaperSlip, doubts: int) -> str:
    """Return one slip that waits as a line, with what speaks against it."""
    cents = euros(slip.amount_cents)
    said = "; ".join(doubts_in_words(doubts))
    return f"{slip.carnet_id}-{slip.number}  {slip.day.isoformat()}  {cents}  {said}".rstrip()


def _cost(item: Work, language: str) -> str:
    """Say how much hangs on a finding, and for whom."""
    return f"{euros(item.cost_cents, language)} ({WHOSE[item.whose]})"
