"""The commands for merchants' bank accounts, and for the files that go to a bank or a trésorier."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from server_stub.commands.context import acting, opened, person_of

if TYPE_CHECKING:
    from server_stub.exports.papers import Letterhead
    from server_stub.exports.payout import Debtor
    from server_stub.exports.runs import Exported, Make, NoAccount, NotExported
    from server_stub.models import Merchant
    from server_stub.services.caisse import Caisse

PAPERS: Final = ("etat-liquidatif", "etat-liquidatif.pdf", "bordereau.csv", "bordereau.pdf")
PAYMENT_FILES: Final = ("pain.001.001.09", "pain.001.001.03")


@click.group()
def bank() -> None:
    """Say where merchants are paid: one person enters an account, another confirms it."""


@bank.command("enter")
@click.argument("merchant", type=int)
@click.option("--iban", required=True)
@click.option("--holder", required=True, help="Exactly as the bank knows the name.")
@acting
def enter(*, merchant: int, iban: str, holder: str, by: str) -> None:
    """Put an account down for MERCHANT; nothing is paid to it before somebody else confirms."""
    from server_stub.services import bank_details
    from server_stub.services.bank_details import BankRefusal

    caisse = opened()
    done = bank_details.enter(
        caisse, _merchant(caisse, merchant), iban=iban, holder=holder, by=person_of(caisse, by)
    )
    if isinstance(done, BankRefusal):
        _refuse(done.name)


@bank.command("confirm")
@click.argument("merchant", type=int)
@acting
def confirm(merchant: int, by: str) -> None:
    """Confirm the account that was entered last for MERCHANT, compared with its own paper."""
    from django.utils.translation import gettext as _

    from server_stub.models import BankDetails
    from server_stub.services import bank_details
    from server_stub.services.bank_details import BankRefusal

    caisse = opened()
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


_debtor_name = click.option(
    "--debtor-name", envvar="CLAFOUTIS_DEBTOR_NAME", show_envvar=True, required=True
)


@click.command("file")
@click.argument("name")
@click.option("--form", type=click.Choice(PAPERS + PAYMENT_FILES), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A file that is new.")
@click.option("--merchant", type=int, help="Whose bordereau.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day of execution, for a bank.")
@_debtor_name
@click.option("--debtor-iban", envvar="CLAFOUTIS_DEBTOR_IBAN", show_envvar=True, default="")
@click.option("--debtor-bic", envvar="CLAFOUTIS_DEBTOR_BIC", show_envvar=True, default="")
@acting
def file_of_run(
    *,
    name: str,
    form: str,
    out: Path,
    merchant: int | None,
    on: datetime | None,
    debtor_name: str,
    debtor_iban: str,
    debtor_bic: str,
    by: str,
) -> None:
    """Write a run that was sent as a file: always the same one under the same form."""
    from server_stub.exports.papers import PaperForm, paper_of
    from server_stub.exports.payout import Debtor
    from server_stub.exports.runs import export

    caisse = opened()
    person = person_of(caisse, by)
    if form in PAPERS:
        paper = PaperForm(form)
        if paper.of_one_creditor != (merchant is not None):
            raise click.UsageError("--merchant")
        head = _letterhead(debtor_name)
        done = paper_of(caisse, name, paper, head, by=person, merchant=merchant)
    else:
        debtor = Debtor(name=debtor_name, iban=debtor_iban, bic=debtor_bic)
        done = export(caisse, name, form, _maker(form, debtor, on), by=person)
    _write(_made(done), out)


@click.command("papers")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), required=True, help="A folder.")
@_debtor_name
@acting
def papers_of_run(*, name: str, into: Path, debtor_name: str, by: str) -> None:
    """Write what the public accountant and each creditor are given, as PDF and as CSV."""
    from django.utils.translation import ngettext

    from server_stub.exports.papers import paper_of, papers_of

    caisse = opened()
    person, head = person_of(caisse, by), _letterhead(debtor_name)
    into.mkdir(parents=True, exist_ok=True)
    papers = list(papers_of(caisse, name))
    if not papers:
        _refuse("NO_SUCH_RUN")
    for form, merchant in papers:
        done = paper_of(caisse, name, form, head, by=person, merchant=merchant)
        _write(_made(done), into / form.file_name(merchant))
    text = ngettext(
        "%(count)s papier écrit dans %(folder)s.",
        "%(count)s papiers écrits dans %(folder)s.",
        len(papers),
    )
    click.echo(text % {"count": len(papers), "folder": into}, err=True)


def _letterhead(debtor_name: str) -> Letterhead:
    from django.conf import settings

    from server_stub.console.words import REASONS
    from server_stub.exports.papers import Letterhead

    own = settings.DATA_DIR / "papers"
    return Letterhead(debtor_name=debtor_name, reasons=REASONS, own=own)


def _maker(form: str, debtor: Debtor, on: datetime | None) -> Make:
    from server_stub.exports.pain001 import PainVersion, payment_file

    if on is None or not debtor.iban:
        raise click.UsageError("--on, --debtor-iban")
    day = on.date()
    return lambda payout: payment_file(
        payout, debtor, execution_date=day, version=PainVersion(form)
    )


def _made(done: Exported | NotExported | NoAccount) -> bytes:
    """Return the file; that none was made is a sentence and status 1."""
    from server_stub.exports.runs import NoAccount, NotExported

    if isinstance(done, NotExported):
        _refuse(done.name)
    elif isinstance(done, NoAccount):
        _refuse("NO_ACCOUNT", merchants=", ".join(str(it) for it in done.merchants))
    else:
        return done.content
    raise AssertionError("the program has ended")


def _write(content: bytes, out: Path) -> None:
    """Write a new file; the same one may lie there already."""
    if out.exists() and out.read_bytes() == content:
        return
    try:
        with out.open("xb") as file:
            file.write(content)
    except OSError as error:
        _refuse("NOT_WRITTEN", path=str(out), error=str(error))


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
