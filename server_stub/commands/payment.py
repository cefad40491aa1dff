"""The commands for members' money that comes in by hand: payments, quittances, the till box."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from cardkit.money import parse_amount
from cardkit.till_box import Means
from server_stub.commands.context import acting, opened, person_of
from server_stub.services.amounts import euros

if TYPE_CHECKING:
    from server_stub.models import Account, Contribution
    from server_stub.services.caisse import Caisse

MEANS: Final = {
    "transfer": Means.TRANSFER,
    "standing-order": Means.STANDING_ORDER,
    "cash": Means.CASH,
    "cheque": Means.CHEQUE,
}
_on = click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day; today by default.")


@click.group()
def contribution() -> None:
    """Take what members pay, print quittances, and see what is late."""


@contribution.command()
@click.argument("account")
@click.argument("amount")
@click.option("--means", type=click.Choice(list(MEANS)), required=True)
@click.option("--reference", default="", help="Of a transfer: the bank's number, never a name.")
@click.option("--number", type=int, help="Of a paper stub that was written already.")
@_on
@acting
def receive(
    *,
    account: str,
    amount: str,
    means: str,
    reference: str,
    number: int | None,
    on: datetime | None,
    by: str,
) -> None:
    """Put down AMOUNT (in euros) for ACCOUNT: its payment reference, or how its number begins."""
    from django.utils.translation import gettext as _

    from server_stub.services import payments
    from server_stub.services.payments import Taken

    caisse = opened()
    done = payments.take(
        caisse,
        account_of(caisse, account),
        parse_amount(amount),
        means=MEANS[means],
        value_date=_day(caisse, on),
        reference=reference,
        number=number,
        by=person_of(caisse, by),
    )
    if not isinstance(done, Taken):
        year, following = payments.next_quittance(caisse)
        refuse(done.name, next=f"Q{year}-{following:05}")
    click.echo(_("Encaissé : %(reference)s") % {"reference": done.contribution.reference})
    _warn_of_box(caisse)


@contribution.command()
@click.argument("reference")
@_on
@acting
def cancel(reference: str, on: datetime | None, by: str) -> None:
    """Take back the payment of REFERENCE, such as Q2026-00012, by an entry of its own."""
    from django.utils.translation import gettext as _

    from server_stub.services import payments
    from server_stub.services.payments import Taken

    caisse = opened()
    found = payment_of(caisse, reference)
    done = payments.take_back(caisse, found, day=_day(caisse, on), by=person_of(caisse, by))
    if not isinstance(done, Taken):
        refuse(done.name)
    click.echo(_("Annulé par : %(reference)s") % {"reference": done.contribution.reference})


@contribution.command()
@click.argument("reference")
@click.option("--caisse-name", envvar="CLAFOUTIS_DEBTOR_NAME", show_envvar=True, required=True)
@acting
def quittance(reference: str, caisse_name: str, by: str) -> None:
    """Print the quittance of REFERENCE with its stub; a second print is a duplicate."""
    from server_stub.exports.quittance import quittance_lines
    from server_stub.services import payments
    from server_stub.services.payments import Quittance

    caisse = opened()
    found = payment_of(caisse, reference)
    done = payments.print_quittance(caisse, found, by=person_of(caisse, by))
    if not isinstance(done, Quittance):
        refuse(done.name)
    for line in quittance_lines(done, caisse_name=caisse_name):
        click.echo(line)


@contribution.command("reference")
@click.argument("account")
def reference_of(account: str) -> None:
    """Show what the member of ACCOUNT puts on transfers, so that they are recognised."""
    from server_stub.services import payments

    caisse = opened()
    click.echo(payments.reference_of(account_of(caisse, account)))


@contribution.command()
def late() -> None:
    """Show which contributions are late, and for how long."""
    from server_stub.console.payment_table import late_table
    from server_stub.services import payments
    from server_stub.services.late import late_accounts

    caisse = opened()
    for line in late_table(late_accounts(caisse), payments.whose(caisse)):
        click.echo(line)


@contribution.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A file that is new.")
def remind(out: Path) -> None:
    """Write the list of those to remind, with names: it stays with the coordinator."""
    from django.utils.translation import gettext as _

    from server_stub.exports.reminders import reminder_list
    from server_stub.services.late import reminders

    found = reminders(opened())
    with out.open("xb") as file:
        file.write(reminder_list(found))
    click.echo(_("Membres à relancer : %(count)s") % {"count": len(found)}, err=True)


@click.group()
def cash() -> None:
    """Keep the till box: what it holds, counting it, handing it in."""


@cash.command()
def show() -> None:
    """Show what the books say that the box holds."""
    from django.utils.translation import gettext as _

    from server_stub.services.cash_box import box

    caisse = opened()
    held = box(caisse)
    click.echo(_("Espèces : %(sum)s") % {"sum": euros(held.cash_cents)})
    facts = {"count": len(held.cheques), "sum": euros(held.cheques_cents)}
    click.echo(_("Chèques : %(count)s, %(sum)s") % facts)
    _warn_of_box(caisse)


@cash.command()
@click.argument("pieces")
@acting
def count(pieces: str, by: str) -> None:
    """Put a count on record: PIECES such as "20x3 5x1 0,50x4"; what is off becomes a difference."""
    from django.utils.translation import gettext as _

    from server_stub.rules.cash_box import NotCounted, read_pieces
    from server_stub.services import cash_box

    counted = read_pieces(pieces)
    if isinstance(counted, NotCounted):
        text = _("« %(word)s » n’est pas un compte de pièces ou de billets, comme 20x3")
        raise click.BadParameter(text % {"word": counted.word})
    caisse = opened()
    done = cash_box.count(caisse, counted, by=person_of(caisse, by))
    facts = {
        "counted": euros(done.counted_cents),
        "booked": euros(done.booked_cents),
        "off": euros(abs(done.counted_cents - done.booked_cents)),
    }
    if done.counted_cents < done.booked_cents:
        text = _("Compté %(counted)s, attendu %(booked)s : déficit de %(off)s.")
    elif done.counted_cents > done.booked_cents:
        text = _("Compté %(counted)s, attendu %(booked)s : excédent de %(off)s.")
    else:
        text = _("Compté %(counted)s : le compte est bon.")
    click.echo(text % facts)
    _warn_of_box(caisse)


@cash.command()
@click.argument("amount", required=False)
@click.option("--cheques", is_flag=True, help="The cheques instead of cash.")
@click.option("--slip", required=True, help="Number of the slip.")
@_on
@acting
def deposit(*, amount: str | None, cheques: bool, slip: str, on: datetime | None, by: str) -> None:
    """Hand cash in to the bank or the trésorier: AMOUNT in euros, or all; or every cheque."""
    from django.utils.translation import gettext as _

    from server_stub.services import cash_box
    from server_stub.services.cash_box import NotDeposited

    if cheques and amount:
        raise click.UsageError("AMOUNT, --cheques")
    caisse = opened()
    day, person = _day(caisse, on), person_of(caisse, by)
    if cheques:
        done = cash_box.hand_in_cheques(caisse, day=day, reference=slip, by=person)
    else:
        cents = parse_amount(amount) if amount else None
        done = cash_box.hand_in_cash(caisse, cents, day=day, reference=slip, by=person)
    if isinstance(done, NotDeposited):
        refuse(done.name)
    click.echo(_("Versé : %(sum)s") % {"sum": euros(done.amount_cents)})


def account_of(caisse: Caisse, words: str) -> Account:
    """Return an account, or end with status 1."""
    from server_stub.services import payments
    from server_stub.services.payments import NotTaken

    found = payments.find_account(caisse, words)
    if isinstance(found, NotTaken):
        refuse(found.name)
    return found


def payment_of(caisse: Caisse, reference: str) -> Contribution:
    """Return a payment, or end with status 1."""
    from server_stub.services import payments
    from server_stub.services.payments import NotTaken

    found = payments.find(caisse, reference)
    if isinstance(found, NotTaken):
        refuse(found.name)
    return found


def refuse(why: str, **facts: str) -> NoReturn:
    """Say why nothing was done, and end with status 1."""
    from server_stub.console.payment_words import PAYMENTS

    click.echo(f"clafoutis-server: {PAYMENTS[why] % facts}", err=True)
    sys.exit(1)


def _warn_of_box(caisse: Caisse) -> None:
    from django.utils.translation import gettext as _

    from server_stub.services.cash_box import box

    held = box(caisse)
    if held.is_too_full:
        text = _("Attention : %(held)s en caisse, au-delà des %(most)s votés. Versez.")
        facts = {
            "held": euros(held.cash_cents),
            "most": euros(held.cash_max_cents or 0),
        }
        click.echo(text % facts, err=True)


def _day(caisse: Caisse, on: datetime | None) -> date:
    from cardkit.clock import business_date

    return on.date() if on else business_date(caisse.now())
