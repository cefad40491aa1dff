"""`clafoutis-server rule`: the committee's votes, put on record and printed."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from server_stub.commands.context import opened, person_of

if TYPE_CHECKING:
    from server_stub.rules.voting import NotVoted
    from server_stub.services.caisse import Caisse

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def rule() -> None:
    """Show the voted rules, and put a vote on record."""


@rule.command("list")
@click.option("--on", "on", type=_DAY, help="The rules of that day; today's without it.")
def list_rules(on: datetime | None) -> None:
    """Print the rules in force: what is voted, since when, and in which minutes."""
    from cardkit.clock import business_date
    from server_stub.services.rules_in_force import printed

    caisse = opened()
    day = business_date(caisse.now()) if on is None else on.date()
    lines = printed(caisse, day)
    width = max((len(it.name) for it in lines), default=0)
    for one in lines:
        click.echo(f"{one.name:<{width}}  {one.line}")


@rule.command("set")
@click.argument("name")
@click.argument("value")
@click.option("--from", "from_day", type=_DAY, required=True, help="The first day that it counts.")
@click.option("--voted-on", type=_DAY, help="The day of the minutes; today without it.")
@click.option("--minutes", required=True, help="The title of the vote in the minutes; no name.")
@click.option("--by", required=True, metavar="NAME", help="Who does it: a console user.")
def set_one(
    *,
    name: str,
    value: str,
    from_day: datetime,
    voted_on: datetime | None,
    minutes: str,
    by: str,
) -> None:
    """Put a vote on record: rule NAME has VALUE (euros, a number, or an answer) from a day on."""
    from cardkit.clock import business_date
    from server_stub.rules.voting import NotVoted
    from server_stub.services.rules_in_force import printed
    from server_stub.services.votes import vote

    caisse = opened()
    today = business_date(caisse.now())
    made = vote(
        caisse,
        name,
        value,
        from_day=from_day.date(),
        voted_on=today if voted_on is None else voted_on.date(),
        minutes=minutes,
        by=person_of(caisse, by),
    )
    if isinstance(made, NotVoted):
        _refuse(caisse, made, name)
        return
    for one in printed(caisse, made.from_day):
        if one.name == made.name:
            click.echo(one.line)


def _refuse(caisse: Caisse, why: NotVoted, name: str) -> None:
    """Say why nothing was put on record, and end with status 1."""
    from server_stub.rules.scheme import RuleName
    from server_stub.rules.voting import NotVoted
    from server_stub.services.member_words import refusal_in_words
    from server_stub.services.rule_words import day_in_words, form_in_words
    from server_stub.services.votes import open_from

    if why is NotVoted.CLOSED_PERIOD:
        words = refusal_in_words(why, day=day_in_words(open_from(caisse)))
    elif why is NotVoted.NOT_A_VALUE:
        words = f"{refusal_in_words(why)} {form_in_words(RuleName(name))}"
    else:
        words = refusal_in_words(why)
    click.echo(f"clafoutis-server: {words}", err=True)
    sys.exit(1)
