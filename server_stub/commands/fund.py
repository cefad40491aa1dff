"""`clafoutis-server fund`: how long the fund lasts, and how many more members it carries."""

from __future__ import annotations

from datetime import datetime
from typing import IO, TYPE_CHECKING

import click

from server_stub.services.amounts import euros

if TYPE_CHECKING:
    from server_stub.rules.fund import FundState, MonthLine
    from server_stub.services.fund import Forecast

_DAY = "%Y-%m-%d"


@click.command()
@click.option("--until", type=click.DateTime([_DAY]), required=True, help="Day of the last month.")
@click.option("--joiners", type=click.IntRange(min=0), default=0, help="What if so many more came.")
@click.option("--leavers", type=click.IntRange(min=0), default=0, help="What if so many left.")
@click.option("--credit", type=click.IntRange(min=1), default=None, help="What if it were so much.")
@click.option("--reserve", type=click.IntRange(min=0), default=0, help="Euros that must be left.")
@click.option("--csv", "out", type=click.File("wb", lazy=True), default=None, metavar="FILE")
def fund(
    *,
    until: datetime,
    joiners: int,
    leavers: int,
    credit: int | None,
    reserve: int,
    out: IO[bytes] | None,
) -> None:
    """Project the fund, cautiously, as expected and hopefully.

    Joiners pay the floor; those who leave are those who pay most; credit and reserve are in euros.
    """
    from server_stub.exports.fund import fund_csv
    from server_stub.rules.fund import Scenario
    from server_stub.services.fund import forecast
    from server_stub.wiring import caisse

    serving = caisse()
    scenario = Scenario(
        joiners=joiners,
        leavers=leavers,
        credit_cents=None if credit is None else 100 * credit,
    )
    made = forecast(serving, until.date(), scenario=scenario, reserve_cents=100 * reserve)
    if out is not None:
        out.write(fund_csv(serving, made))
        return
    _show_state(made.state)
    _show_months(made)
    _show_number(made)


def _show_state(state: FundState) -> None:
    from django.utils.translation import gettext as _

    for words, cents in (
        (_("Disponible"), state.cash_cents),
        (_("Dû aux producteurs"), -state.owed_cents),
        (_("Crédit encore à dépenser"), -state.outstanding_cents),
        (_("Fonds aujourd’hui"), state.worth_cents),
        (_("Cotisations en retard"), state.late_cents),
    ):
        click.echo(f"{words:<28}{euros(cents):>16}")


def _show_months(made: Forecast) -> None:
    from django.utils.translation import gettext as _

    outlooks = (_("prudent"), _("attendu"), _("optimiste"))
    heads = "".join(f"{it:>14}" for it in outlooks)
    click.echo(f"{_('mois'):<8}{_('membres'):>8}{heads}")
    for lines in zip(*made.bands, strict=True):
        worths = "".join(f"{euros(it.worth_cents):>14}" for it in lines)
        click.echo(f"{_month(lines[0]):<8}{lines[0].members:>8}{worths}")


def _show_number(made: Forecast) -> None:
    from django.utils.translation import gettext as _

    cautious, expected, hopeful = made.admissible
    click.echo(
        _(
            "Membres de plus au plancher : %(cautious)s (prudent), %(expected)s (attendu),"
            " %(hopeful)s (optimiste)"
        )
        % {"cautious": cautious, "expected": expected, "hopeful": hopeful}
    )


def _month(line: MonthLine) -> str:
    return f"{line.month:%Y-%m}"
