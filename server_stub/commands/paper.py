"""`clafoutis-server paper`: forms, posters, labels, carnets, statements, and what heads them."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from server_stub.commands.context import acting, opened, person_of

if TYPE_CHECKING:
    from server_stub.exports.stationery import Stationery

NAMES: Final = (
    "bulletin-adhesion",
    "notice-information",
    "convention",
    "pochettes",
    "affiche-a4",
    "affiche-a3",
    "etiquettes",
    "carnet",
    "releve-membre",
    "avis-compte",
)
_DAY: Final = click.DateTime(["%Y-%m-%d"])
out_option = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE"
)
language_option = click.option(
    "--in", "language", type=click.Choice(["fr", "en"]), default="fr", help="Of the paper."
)


@click.group()
def paper() -> None:
    """Print forms, posters, labels, carnets and statements, each as a PDF."""


@paper.command("list")
def list_papers() -> None:
    """Show what can be printed."""
    from server_stub.services.paper_words import PAPERS

    for name in NAMES:
        click.echo(f"{name:<20} {PAPERS[name]}")


@paper.command("print")
@click.argument("kind", type=click.Choice(NAMES))
@click.option("--merchant", type=int, help="Its number.")
@click.option("--member", "person", type=int, help="Their number.")
@click.option("--card", "cards", multiple=True, help="As it is printed; may be repeated.")
@click.option("--carnet", type=int, help="Its number.")
@click.option("--slips", default="", metavar="FIRST-LAST", help="Of a carnet.")
@click.option("--copies", type=int, default=1, show_default=True, help="Of each label.")
@click.option("--from", "first", type=_DAY, help="Of a statement; three months without it.")
@click.option("--to", "last", type=_DAY, help="Of a statement; today without it.")
@language_option
@out_option
def print_one(
    *,
    kind: str,
    slips: str,
    first: datetime | None,
    last: datetime | None,
    language: str,
    out: Path,
    **whose: Any,
) -> None:
    """Write KIND as a PDF: blank, or for a merchant, a member, cards or a carnet."""
    from server_stub.exports.printed import Asked, NotMade, Printed, print_paper
    from server_stub.services.paper_words import NOT_MADE

    first_slip, last_slip = _slips(slips)
    asked = Asked(
        kind=Printed(kind),
        stationery=stationery(language),
        first_slip=first_slip,
        last_slip=last_slip,
        first_day=first.date() if first else None,
        last_day=last.date() if last else None,
        **whose,
    )
    made = print_paper(opened(), asked)
    if isinstance(made, NotMade):
        end(str(NOT_MADE[made.name]))
    write(made.content, out)


@paper.command()
@click.option("--name")
@click.option("--address", help="Lines separated by commas.")
@click.option("--place", help="The town where letters are written.")
@click.option("--telephone")
@click.option("--lost-card-telephone", help="Where a lost card is told; the same without it.")
@click.option("--email")
@click.option("--hours", help="When somebody is there.")
@click.option("--controller", help="Who answers for what is kept of people, with the address.")
@click.option("--iban", help="The account that contributions are paid to.")
@acting
def head(by: str, iban: str | None, **told: str | None) -> None:
    """Say how the caisse is called and reached; what is not given stays."""
    from server_stub.models import CaisseDetails
    from server_stub.services.details import Contact, NotKept, details_of, keep_details
    from server_stub.services.paper_words import NOT_KEPT

    caisse = opened()
    known = details_of(caisse) or CaisseDetails()
    contact = {name: text or getattr(known, name) for name, text in told.items()}
    contact["address"] = as_lines(contact["address"])
    done = keep_details(caisse, Contact(**contact), iban=iban, by=person_of(caisse, by))
    if isinstance(done, NotKept):
        end(str(NOT_KEPT[done.name]))
    for name in (*Contact.__slots__, "iban"):
        click.echo(f"{name:<20} {' / '.join(getattr(done, name).splitlines())}")


def as_lines(address: str) -> str:
    """Return an address line by line; commas end lines too."""
    return "\n".join(it.strip() for it in address.replace(",", "\n").splitlines() if it.strip())


def stationery(language: str) -> Stationery:
    """Return how papers are made here: the caisse's own templates win."""
    from django.conf import settings

    from server_stub.exports.stationery import Stationery

    return Stationery(language=language, own=settings.DATA_DIR / "papers")


def write(content: bytes, out: Path) -> None:
    """Write a new file; one that lies there already is not written over."""
    from django.utils.translation import gettext as _

    try:
        with out.open("xb") as file:
            file.write(content)
    except OSError as error:
        end(_("%(path)s n’a pas pu être écrit : %(error)s") % {"path": out, "error": error})


def end(words: str) -> NoReturn:
    """Say why nothing was done, and end with status 1."""
    click.echo(f"clafoutis-server: {words}", err=True)
    sys.exit(1)


def _slips(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not text:
        return 1, 0
    if not (first.isdigit() and last.isdigit()):
        raise click.BadParameter(f"--slips {text}: FIRST-LAST")
    return int(first), int(last)
