"""`clafoutis-server fund`: how long the fund lasts, and how many more members it carries."""

# ruff: noqa: PLC0415 - Django is set up by the group above, and no model may be imported before

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from cardkit.money import format_cents

if TYPE_CHECKING:
    from server_stub.rules.fund import MonthLine

_DAY = "%Y-%m-%d"


@click.command()
@click.option("--until", type=click.DateTime([_DAY]), required=True, help="Day of the last month.")
def fund(until: datetime) -> None:
    """Project the fund, cautiously, as expected and hopefully."""
    from django.utils.translation import gettext as _

    from server_stub.services.fund import forecast
    from server_stub.wiring import caisse

    made = forecast(caisse(), until.date())
    outlooks = (_("prudent €"), _("attendu €"), _("optimiste €"))
    heads = "".join(f"{it:>14}" for it in outlooks)
    click.echo(f"{_('mois'):<8}{_('membres'):>8}{heads}")
    for lines in zip(*made.bands, strict=True):
        worths = "".join(f"{format_cents(it.worth_cents):>14}" for it in lines)
        click.echo(f"{_month(lines[0]):<8}{lines[0].members:>8}{worths}")
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
