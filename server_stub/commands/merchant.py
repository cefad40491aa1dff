"""The commands for merchants: who they are, their conventions, who may act for them."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import click

from server_stub.commands.context import acting, opened, person_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from server_stub.rules.conventions import Span, Terms

_DAY = click.DateTime(["%Y-%m-%d"])
_ONE_DAY = timedelta(days=1)
_WHOLE_PERCENT = 100
_number = click.argument("number", type=int)


@click.group("merchant")
def merchants() -> None:
    """Keep merchants, their conventions and their deputies."""


@merchants.command("list")
def list_merchants() -> None:
    """Show every merchant, and until when it may sell."""
    from server_stub.console.merchant_table import merchants_table
    from server_stub.services.merchants import merchants as states

    for line in merchants_table(states(opened())):
        click.echo(line)


@merchants.command()
@_number
def show(number: int) -> None:
    """Show merchant NUMBER: conventions, deputies of today, what was sold outside."""
    from server_stub.console.merchant_table import merchant_lines
    from server_stub.models import Merchant
    from server_stub.services.merchants import state_of

    caisse = opened()
    found = Merchant.objects.using(caisse.using).filter(id=number).first()
    if found is None:
        _refuse("NO_MERCHANT")
    for line in merchant_lines(state_of(caisse, found)):
        click.echo(line)


@merchants.command()
@click.argument("name")
@click.option("--grocery", is_flag=True, help="A shop, and no producer.")
def add(name: str, grocery: bool) -> None:
    """Give the merchant of this public NAME a number; it sells nothing before a convention."""
    from server_stub.models import MerchantKind
    from server_stub.services.conventions import register

    kind = MerchantKind.GROCERY if grocery else MerchantKind.PRODUCER
    click.echo(str(register(opened(), name, kind=kind).id))


def _convention(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say what a convention is."""
    for option in reversed(
        (
            _number,
            click.option("--from", "first", type=_DAY, required=True, help="Its first day."),
            click.option("--last-day", "last", type=_DAY, required=True, help="Still covered."),
            click.option("--signed-on", "signed", type=_DAY, required=True),
            click.option("--km", type=click.IntRange(min=0), required=True, help="By road."),
            click.option(
                "--category",
                "categories",
                multiple=True,
                required=True,
                metavar="NAME[=PERCENT]",
                help="What may be sold, and how much of it credit pays where that is voted.",
            ),
            click.option(
                "--product",
                "products",
                multiple=True,
                metavar="CATEGORY:LABEL",
                help="One of the eligible products; without any, the whole category is.",
            ),
            click.option(
                "--exception-minutes",
                "minutes",
                default="",
                metavar="TEXT",
                help="The minutes that let it in from beyond the voted radius; no person's name.",
            ),
            acting,
        )
    ):
        command = option(command)
    return command


@merchants.command()
@_convention
def sign(*, number: int, signed: datetime, by: str, **said: Any) -> None:
    """Put a signed convention of merchant NUMBER on record."""
    from server_stub.rules.conventions import NotSigned
    from server_stub.services import conventions

    caisse = opened()
    days, terms = _agreed(**said)
    done = conventions.sign(
        caisse, number, days, terms, signed_on=signed.date(), by=person_of(caisse, by)
    )
    if isinstance(done, NotSigned):
        _refuse(done.name)


@merchants.command()
@_convention
def change(*, number: int, signed: datetime, by: str, **said: Any) -> None:
    """End the convention of merchant NUMBER the day before, and put the new one on record."""
    from server_stub.rules.conventions import NotEnded, NotSigned
    from server_stub.services import conventions

    caisse = opened()
    days, terms = _agreed(**said)
    done = conventions.change(
        caisse, number, days, terms, signed_on=signed.date(), by=person_of(caisse, by)
    )
    if isinstance(done, NotSigned | NotEnded):
        _refuse(done.name)


@merchants.command()
@_number
@click.option("--last-day", "last", type=_DAY, required=True, help="Still covered.")
@acting
def end(number: int, last: datetime, by: str) -> None:
    """Let the convention of merchant NUMBER end sooner than it says."""
    from server_stub.services import conventions

    caisse = opened()
    day = (last + _ONE_DAY).date()
    refused = conventions.end(caisse, number, day, by=person_of(caisse, by))
    if refused is not None:
        _refuse(refused.name)


@merchants.command()
@_number
@click.argument("name")
@click.option("--telephone", default="", help="Where they are called back.")
@click.option("--from", "first", type=_DAY, help="Today by default.")
@click.option("--last-day", "last", type=_DAY, help="Until further notice by default.")
@acting
def deputy(
    *,
    number: int,
    name: str,
    telephone: str,
    first: datetime | None,
    last: datetime | None,
    by: str,
) -> None:
    """Put down that NAME may act for merchant NUMBER."""
    from server_stub.services import deputies

    caisse = opened()
    done = deputies.appoint(
        caisse,
        number,
        name,
        by=person_of(caisse, by),
        telephone=telephone,
        from_day=first.date() if first else None,
        until_day=(last + _ONE_DAY).date() if last else None,
    )
    if isinstance(done, deputies.NotDeputed):
        _refuse_deputy(done.name)
    click.echo(str(done.pk))


@merchants.command("deputy-end")
@click.argument("deputy_number", type=int)
@click.option("--forget", is_flag=True, help="Erase the name as well.")
def deputy_end(deputy_number: int, forget: bool) -> None:
    """Let a deputation end today, by its own number."""
    from server_stub.services import deputies

    caisse = opened()
    refused = deputies.dismiss(caisse, deputy_number)
    if refused is not None:
        _refuse_deputy(refused.name)
    if forget:
        deputies.erase(caisse, deputy_number)


@merchants.command()
@_number
@click.argument("siret")
@click.option("--address", help="Where the merchant is; lines separated by commas.")
@acting
def siret(number: int, siret: str, address: str | None, by: str) -> None:
    """Say the official number of merchant NUMBER, for papers; "" erases it."""
    from server_stub.commands.paper import as_lines
    from server_stub.services.details import NotKept, keep_merchant
    from server_stub.services.paper_words import NOT_KEPT

    caisse = opened()
    where = None if address is None else as_lines(address)
    done = keep_merchant(caisse, number, siret=siret, address=where, by=person_of(caisse, by))
    if isinstance(done, NotKept):
        click.echo(f"clafoutis-server: {NOT_KEPT[done.name]}", err=True)
        sys.exit(1)


def _agreed(
    *,
    first: datetime,
    last: datetime,
    km: int,
    categories: tuple[str, ...],
    products: tuple[str, ...],
    minutes: str,
) -> tuple[Span, Terms]:
    from server_stub.rules.conventions import Category, Span, Terms

    named: dict[str, int | None] = {}
    for said in categories:
        name, _, percent = said.partition("=")
        if percent and not (percent.isdigit() and int(percent) <= _WHOLE_PERCENT):
            raise click.UsageError(f"--category {said}: NAME[=PERCENT], 0..100")
        named[name.strip()] = int(percent) * _WHOLE_PERCENT if percent else None
    eligible: dict[str, list[str]] = {name: [] for name in named}
    for said in products:
        name, _, label = said.partition(":")
        if name.strip() not in eligible or not label.strip():
            raise click.UsageError(f"--product {said}: CATEGORY:LABEL, of a --category")
        eligible[name.strip()].append(label.strip())
    return Span(first.date(), (last + _ONE_DAY).date()), Terms(
        distance_km=km,
        exception_minutes=minutes.strip(),
        categories=tuple(
            Category(name=name, coverage_bp=rate, products=tuple(eligible[name]))
            for name, rate in named.items()
        ),
    )


def _refuse(why: str) -> NoReturn:
    from server_stub.console.merchant_words import NOT_SIGNED

    click.echo(f"clafoutis-server: {NOT_SIGNED[why]}", err=True)
    sys.exit(1)


def _refuse_deputy(why: str) -> NoReturn:
    from server_stub.console.merchant_words import NOT_DEPUTED

    click.echo(f"clafoutis-server: {NOT_DEPUTED[why]}", err=True)
    sys.exit(1)
