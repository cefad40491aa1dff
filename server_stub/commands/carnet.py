"""The commands for the paper carnet: one person enters slips, another one reads them again."""

from __future__ import annotations

from datetime import datetime

import click

from server_stub.commands.context import acting, opened, person_of
from server_stub.commands.finding import refuse, said

_number = click.argument("number", type=int)
_day = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def carnet() -> None:
    """Slips of the numbered paper carnet: one person enters them, another one reads them again."""


@carnet.command("hand-out")
@_number
@click.argument("merchant", type=int)
@click.argument("first_slip", type=int)
@click.argument("last_slip", type=int)
@acting
def hand_out(number: int, merchant: int, first_slip: int, last_slip: int, by: str) -> None:
    """Put down that carnet NUMBER, with these slips, was given to MERCHANT."""
    from server_stub.services import paper

    caisse = opened()
    made = paper.hand_out(
        caisse,
        number,
        merchant=merchant,
        first_slip=first_slip,
        last_slip=last_slip,
        by=person_of(caisse, by),
    )
    _paid_or_not(made)


@carnet.command()
@_number
@click.argument("slip", type=int)
@click.option("--day", required=True, type=_day, help="As it stands on the slip.")
@click.option("--card", required=True, metavar="NUMBER", help="As it is printed on the card.")
@click.option("--amount-cents", required=True, type=int)
@click.option("--initials/--no-initials", required=True, help="Of the member, on the slip.")
@acting
def enter(
    *, number: int, slip: int, day: datetime, card: str, amount_cents: int, initials: bool, by: str
) -> None:
    """Enter SLIP of carnet NUMBER; nothing is paid before somebody else confirms."""
    from server_stub.services import paper

    caisse = opened()
    made = paper.enter(
        caisse,
        number,
        slip,
        day=day.date(),
        card_number=card,
        amount_cents=amount_cents,
        is_initialled=initials,
        by=person_of(caisse, by),
    )
    _paid_or_not(made)


@carnet.command()
@_number
@click.argument("slip", type=int)
@click.option("--amount-cents", required=True, type=int, help="As you read it yourself.")
@click.option("--all-the-same", is_flag=True, help="Pay it although something speaks against it.")
@acting
def confirm(*, number: int, slip: int, amount_cents: int, all_the_same: bool, by: str) -> None:
    """Pay SLIP of carnet NUMBER, as the second person who has read it."""
    from server_stub.rules.paper import DOUBTS, NotPaid
    from server_stub.services import paper
    from server_stub.services.work_words import doubts_in_words

    caisse = opened()
    done = paper.confirm(
        caisse,
        number,
        slip,
        amount_cents=amount_cents,
        doubts=sum(DOUBTS) if all_the_same else 0,
        by=person_of(caisse, by),
    )
    if done is NotPaid.DOUBTFUL:
        doubts = [
            paper.doubts_about(caisse, it)
            for it in paper.entered(caisse)
            if (it.carnet_id, it.number) == (number, slip)
        ]
        _paid_or_not(done, *(words for bits in doubts for words in doubts_in_words(bits)))
    _paid_or_not(done)


@carnet.command()
@_number
@click.argument("slip", type=int)
def drop(number: int, slip: int) -> None:
    """Forget a slip that was read wrongly and is not paid."""
    from server_stub.services import paper

    _paid_or_not(paper.drop(opened(), number, slip))


@carnet.command("list")
def list_slips() -> None:
    """Show the slips that wait for a second person, and what speaks against each."""
    from server_stub.console.work_table import slip_line
    from server_stub.services import paper

    caisse = opened()
    for slip in paper.entered(caisse):
        click.echo(slip_line(slip, paper.doubts_about(caisse, slip)))


def _paid_or_not(result: object, *why: str) -> None:
    from server_stub.rules.paper import NotPaid
    from server_stub.services.deciding import Done
    from server_stub.services.work_words import NOT_PAID

    if isinstance(result, NotPaid):
        refuse(str(NOT_PAID[result]), *why)
    if isinstance(result, Done):
        said(result)
