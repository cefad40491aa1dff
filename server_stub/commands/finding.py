"""The commands for findings and disputes: what a coordinator does about each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from server_stub.commands.context import acting, opened, person_of

if TYPE_CHECKING:
    from cardkit.resolutions import DisputeKind
    from server_stub.models import CardTransaction, Dispute, Finding
    from server_stub.services.caisse import Caisse
    from server_stub.services.deciding import Result

_number = click.argument("number", type=int)
SHOWN: Final = 8
"""Characters of a dispute's number that people type."""


@click.group()
def finding() -> None:
    """Go through what does not match: what was kept, what it costs, what can be done."""


@finding.command("list")
def list_findings() -> None:
    """Show the work list, the oldest week first, and what waits for a second person."""
    from server_stub.console.work_table import proposal_line, work_table
    from server_stub.services import deciding, resolve

    caisse = opened()
    numbers = resolve.numbers(caisse)
    for line in work_table(resolve.open_work(caisse), numbers):
        click.echo(line)
    for proposal in deciding.waiting(caisse):
        click.echo(proposal_line(proposal, numbers))


@finding.command()
@_number
def show(number: int) -> None:
    """Show one finding: what happened, what was kept, the possible deeds, and who decides."""
    from server_stub.console.work_table import work_page
    from server_stub.services import resolve

    caisse = opened()
    for line in work_page(resolve.item(caisse, _finding(caisse, number)), number):
        click.echo(line)


@finding.command()
@_number
@click.option(
    "--as",
    "deed",
    type=click.Choice(["accept", "write-merchant", "write-member"]),
    default="accept",
    show_default=True,
)
@acting
def accept(number: int, deed: str, by: str) -> None:
    """Leave a finding as it stands, or put down that somebody was written to."""
    from server_stub.rules.worklist import Deed
    from server_stub.services import resolve

    _do(number, by, lambda it, on, who: resolve.handle(it, on, Deed(deed), by=who))


@finding.command()
@_number
@click.argument("text")
@acting
def note(number: int, text: str, by: str) -> None:
    """Keep what was found out, beside the log; it names no member."""
    from server_stub.services import resolve

    if not 0 < len(text) <= resolve.TEXT_MAX:
        raise click.BadParameter(f"1-{resolve.TEXT_MAX}")
    _do(number, by, lambda it, on, who: resolve.note(it, on, text, by=who))


@finding.command()
@_number
@acting
def hold(number: int, by: str) -> None:
    """Hold what is owed for a sale until people decide."""
    from server_stub.services import resolve

    _do(number, by, lambda it, on, who: resolve.hold(it, on, by=who))


@finding.command()
@_number
@click.option("--merchant", type=int, help="For whom, where the terminal sold for several.")
@acting
def pay(number: int, merchant: int | None, by: str) -> None:
    """Pay what a finding keeps back; where it takes two, each gives the same command."""
    from server_stub.services import resolve

    _do(number, by, lambda it, on, who: resolve.pay(it, on, merchant=merchant, by=who))


@finding.command("return")
@_number
@acting
def give_back(number: int, by: str) -> None:
    """Give a finding's money back to the member; where it takes two, each gives this command."""
    from server_stub.services import resolve

    _do(number, by, lambda it, on, who: resolve.give_back(it, on, by=who))


@finding.command()
@_number
@acting
def block(number: int, by: str) -> None:
    """Block the card of a finding."""
    from server_stub.services import resolve

    _do(number, by, lambda it, on, who: resolve.block(it, on, by=who))


@finding.command()
@_number
@acting
def revoke(number: int, by: str) -> None:
    """Revoke the terminal of a finding."""
    from server_stub.services import resolve

    _do(number, by, lambda it, on, who: resolve.revoke(it, on, by=who))


@finding.command()
@click.argument("act", type=int)
@acting
def undo(act: int, by: str) -> None:
    """Take back an act, by a new one that says which; what had taken two takes two again."""
    from server_stub.services import reverse

    caisse = opened()
    said(reverse.take_back(caisse, act, by=person_of(caisse, by)))


@click.group()
def dispute() -> None:
    """A member says that a sale is not right: ask the producer, then decide."""


@dispute.command("open")
@click.argument("card")
@click.argument("counter", type=int)
@click.option("--amount-cents", type=int, help="What is disputed; left out: the whole sale.")
@acting
def open_dispute(card: str, counter: int, amount_cents: int | None, by: str) -> None:
    """Dispute a sale of CARD (its UID) at COUNTER, as `dispute sales` shows it."""
    from server_stub.models import Dispute
    from server_stub.services import disputes

    caisse = opened()
    kind = _kind(amount_cents)
    sale = _sale(caisse, card, counter)
    made = disputes.open_dispute(
        caisse, sale, kind, amount_cents=amount_cents, by=person_of(caisse, by)
    )
    if not isinstance(made, Dispute):
        said(made)
        return
    _told_of(made)


@dispute.command()
@click.argument("card")
def sales(card: str) -> None:
    """Show the proven sales of CARD (its UID), the newest first, each with its counter."""
    from server_stub.console.work_table import sale_line
    from server_stub.services import disputes

    for sale in disputes.sales_of(opened(), card):
        click.echo(sale_line(sale))


@dispute.command("list")
def list_disputes() -> None:
    """Show every dispute, the newest first."""
    from server_stub.console.work_table import dispute_line
    from server_stub.services import disputes
    from server_stub.services.resolved import facts_of_dispute

    for one in disputes.all_disputes(opened()):
        click.echo(dispute_line(facts_of_dispute(one), str(one.card)))


@dispute.command()
@click.argument("number")
@click.option("--agrees/--contests", required=True)
@click.option("--text", default="", help="What the producer wrote; it can be erased later.")
@acting
def answer(*, number: str, agrees: bool, text: str, by: str) -> None:
    """Put down what the producer answered."""
    from cardkit.resolutions import DisputeAnswer
    from server_stub.services import disputes

    caisse = opened()
    word = DisputeAnswer.AGREES if agrees else DisputeAnswer.CONTESTS
    one = _dispute(caisse, number)
    said(disputes.answer(caisse, one, word, text=text, by=person_of(caisse, by)))


@dispute.command()
@click.argument("number")
@click.option("--return/--reject", "to_member", required=True)
@click.option("--because", type=click.Choice(["shown", "agreed", "withdrawn"]), default="shown")
@acting
def decide(*, number: str, to_member: bool, because: str, by: str) -> None:
    """Give the amount back to the member, or let the sale stand; above the limit, as two."""
    from cardkit.resolutions import DisputeReason
    from server_stub.services import disputes

    caisse = opened()
    one, reason = _dispute(caisse, number), DisputeReason[because.upper()]
    person = person_of(caisse, by)
    said(disputes.decide(caisse, one, to_member=to_member, reason=reason, by=person))


def _do(number: int, by: str, deed: Callable[[Caisse, Finding, int], Result]) -> None:
    caisse = opened()
    person = person_of(caisse, by)
    said(deed(caisse, _finding(caisse, number), person))


def said(result: Result) -> None:
    """Say what was done, or that a second person is needed; a refusal is status 1."""
    from django.utils.translation import gettext as _

    from server_stub.services.deciding import Done, NotDone
    from server_stub.services.work_words import NOT_DONE

    if isinstance(result, NotDone):
        refuse(str(NOT_DONE[result]))
    elif isinstance(result, Done):
        click.echo(_("Fait : acte n° %(act)s.") % {"act": result.act}, err=True)
    else:
        click.echo(
            _("Gardé. Une deuxième personne doit donner la même commande : rien n’a bougé encore."),
            err=True,
        )


def refuse(words: str, *why: str) -> None:
    """Say why nothing was done, and end with status 1."""
    click.echo(f"clafoutis-server: {words}", err=True)
    for line in why:
        click.echo(f"  - {line}", err=True)
    sys.exit(1)


def _told_of(made: Dispute) -> None:
    from django.utils.translation import gettext as _

    number = made.number.hex()[:SHOWN]
    click.echo(
        _("Contestation %(number)s, acte n° %(act)s.") % {"number": number, "act": made.act_id}
    )
    if made.answer_by is not None:
        day = made.answer_by.isoformat()
        click.echo(_("Le producteur a jusqu’au %(day)s pour répondre.") % {"day": day})


def _kind(amount_cents: int | None) -> DisputeKind:
    from cardkit.resolutions import DisputeKind

    return DisputeKind.NOT_BOUGHT if amount_cents is None else DisputeKind.WRONG_AMOUNT


def _finding(caisse: Caisse, number: int) -> Finding:
    from server_stub.services import resolve
    from server_stub.services.deciding import NotDone

    found = resolve.find(caisse, number)
    if isinstance(found, NotDone):
        said(found)
        sys.exit(1)
    return found


def _dispute(caisse: Caisse, number: str) -> Dispute:
    from server_stub.services import disputes
    from server_stub.services.deciding import NotDone

    found = disputes.find(caisse, number)
    if isinstance(found, NotDone):
        said(found)
        sys.exit(1)
    return found


def _sale(caisse: Caisse, card: str, counter: int) -> CardTransaction:
    from django.utils.translation import gettext as _

    from server_stub.services import disputes

    sale = disputes.sale_of(caisse, card, counter)
    if sale is None:
        raise click.BadParameter(_("aucune vente prouvée de cette carte à ce compteur"))
    return sale
