"""The commands for merchants' bank accounts, and for the files that go to a bank or a trésorier."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from server_stub.money_commands import person_of

if TYPE_CHECKING:
    from server_stub.exports.payout import Debtor
    from server_stub.exports.runs import Make
    from server_stub.models import Merchant
    from server_stub.services.caisse import Caisse

ETAT: Final = "etat-liquidatif"
FORMS: Final = (ETAT, "pain.001.001.09", "pain.001.001.03")
_by = click.option("--by", required=True, metavar="NAME", help="Who does it: a console user.")


@click.group()
def bank() -> None:
    """Say where merchants are paid: one person enters an account, another confirms it."""


@bank.command("enter")
@click.argument("merchant", type=int)
@click.option("--iban", required=True)
@click.option("--holder", required=True, help="Exactly as the bank knows the name.")
@_by
def enter(*, merchant: int, iban: str, holder: str, by: str) -> None:
    """Put an account down for MERCHANT; nothing is paid to it before somebody else confirms."""
    from server_stub.services import bank_details
    from server_stub.services.bank_details import BankRefusal

    caisse = _caisse()
    done = bank_details.enter(
        caisse, _merchant(caisse, merchant), iban=iban, holder=holder, by=person_of(caisse, by)
    )
    if isinstance(done, BankRefusal):
        _refuse(done.name)


@bank.command("confirm")
@click.argument("merchant", type=int)
@_by
def confirm(merchant: int, by: str) -> None:
    """Confirm the account that was entered last for MERCHANT, compared with its own paper."""
    from django.utils.translation import gettext as _

    from server_stub.models import BankDetails
    from server_stub.services import bank_details
    from server_stub.services.bank_details import BankRefusal

    caisse = _caisse()
    rows = BankDetails.objects.using(caisse.using)
    details = rows.filter(merchant=_merchant(caisse, merchant)).last()
    if details is None:
        _refuse("NOTHING_ENTERED")
        return
    done = bank_details.confirm(caisse, details, by=person_of(caisse, by))
    if isinstance(done, BankRefusal):
        _refuse(done.name)
        return
    text = _("%(account)s sert aux virements à partir du %(day)s.")
    click.echo(text % {"account": details, "day": f"{done.usable_from:%Y-%m-%d}"}, err=True)


@click.command("file")
@click.argument("name")
@click.option("--form", type=click.Choice(FORMS), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A file that is new.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day of execution, for a bank.")
@click.option("--debtor-name", envvar="CLAFOUTIS_DEBTOR_NAME", show_envvar=True, required=True)
@click.option("--debtor-iban", envvar="CLAFOUTIS_DEBTOR_IBAN", show_envvar=True, default="")
@click.option("--debtor-bic", envvar="CLAFOUTIS_DEBTOR_BIC", show_envvar=True, default="")
@_by
def file_of_run(
    *,
    name: str,
    form: str,
    out: Path,
    on: datetime | None,
    debtor_name: str,
    debtor_iban: str,
    debtor_bic: str,
    by: str,
) -> None:
    """Write a run that was sent as a file: always the same one under the same form."""
    from server_stub.exports.payout import Debtor
    from server_stub.exports.runs import NoAccount, NotExported, export

    caisse = _caisse()
    debtor = Debtor(name=debtor_name, iban=debtor_iban, bic=debtor_bic)
    done = export(caisse, name, form, _maker(form, debtor, on), by=person_of(caisse, by))
    if isinstance(done, NotExported):
        _refuse(done.name)
    elif isinstance(done, NoAccount):
        _refuse("NO_ACCOUNT", merchants=", ".join(str(it) for it in done.merchants))
    else:
        with out.open("xb") as file:
            file.write(done.content)


def _maker(form: str, debtor: Debtor, on: datetime | None) -> Make:
    from server_stub.exports.etat_liquidatif import etat_liquidatif
    from server_stub.exports.pain001 import PainVersion, payment_file

    if form == ETAT:
        return lambda payout: etat_liquidatif(payout, debtor_name=debtor.name)
    if on is None or not debtor.iban:
        raise click.UsageError("--on, --debtor-iban")
    day = on.date()
    return lambda payout: payment_file(
        payout, debtor, execution_date=day, version=PainVersion(form)
    )


def _refuse(why: str, **facts: str) -> None:
    """Say why nothing was done, and end with status 1."""
    from server_stub.console.words import BANK_REFUSALS

    click.echo(f"clafoutis-server: {BANK_REFUSALS[why] % facts}", err=True)
    sys.exit(1)


def _merchant(caisse: Caisse, number: int) -> Merchant:
    from server_stub.models import Merchant

    found = Merchant.objects.using(caisse.using).filter(id=number).first()
    if found is None:
        _refuse("NO_MERCHANT", merchant=str(number))
        raise AssertionError("the program has ended")
    return found


def _caisse() -> Caisse:
    from server_stub.wiring import caisse

    return caisse()
