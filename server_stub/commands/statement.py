"""The commands for the bank's statements: look at a file, keep its lines, say what each is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from server_stub.commands.context import acting, opened, person_of
from server_stub.commands.payment import account_of, payment_of

if TYPE_CHECKING:
    from server_stub.models import BankLine, BankLineOutcome
    from server_stub.services.bank_booking import NotBooked
    from server_stub.services.caisse import Caisse

_FILE_BYTES_MAX = 5_000_001
"""One more than is read, so that what is longer is seen to be."""


@click.group()
def statement() -> None:
    """Read the bank's statements; nothing is booked before a person says what a line is."""


@statement.group()
def profile() -> None:
    """Say what a bank's statements look like."""


@profile.command("save")
@click.argument("name")
@click.option("--account", required=True, help='As the file names it; "" where it names none.')
@click.option("--encoding", default="utf-8", show_default=True)
@click.option("--delimiter", default=";", show_default=True, help='"tab" for a tabulator.')
@click.option("--days", "day_format", default="jj/mm/aaaa", show_default=True)
@click.option("--decimal", "decimal_mark", default=",", show_default=True)
@click.option("--skip-first", default=0, show_default=True, help="Lines before the heading.")
@click.option("--skip-last", default=0, show_default=True)
@click.option("--no-heading", is_flag=True, help="Columns are numbers from 1.")
@click.option("--day", required=True, help="Column of the value date.")
@click.option("--label", "labels", required=True, multiple=True, help="Column; may be repeated.")
@click.option("--amount", default="", help="Column of a signed amount.")
@click.option("--debit", default="", help="Column, where there are two.")
@click.option("--credit", default="", help="Column, where there are two.")
@click.option("--payer", default="", help="Column.")
@click.option("--reference", default="", help="Column.")
@click.option("--balance", default="", help="Column.")
@click.option("--account-column", default="", help="Where each line names the account.")
@acting
def save_profile(*, name: str, no_heading: bool, delimiter: str, by: str, **told: Any) -> None:
    """Save what the statements of a bank look like, as NAME."""
    from server_stub.console.payment_table import not_read
    from server_stub.rules.bank_statement import Profile
    from server_stub.services import bank_statements

    caisse = opened()
    made = Profile(
        has_heading=not no_heading, delimiter="\t" if delimiter == "tab" else delimiter, **told
    )
    refusal = bank_statements.save_profile(caisse, name, made, by=person_of(caisse, by))
    if refusal is not None:
        _end(not_read(refusal))


@profile.command("save-camt")
@click.argument("file", type=click.File("rb"))
@acting
def save_camt(file: Any, by: str) -> None:
    """Save a bank whose statements are ISO 20022 (camt.053): FILE is one of them."""
    from django.utils.translation import gettext as _

    from server_stub.console.payment_table import not_read
    from server_stub.rules.bank_statement import NotRead, Wrong
    from server_stub.services import bank_read

    caisse = opened()
    made = bank_read.save_camt(caisse, file.read(_FILE_BYTES_MAX), by=person_of(caisse, by))
    if not isinstance(made, tuple):
        _end(not_read(NotRead(Wrong.NOT_XML) if made is None else made))
    words = _("Banque « %(name)s » enregistrée : ce fichier se lit, %(count)s lignes.")
    click.echo(words % {"name": made[0], "count": made[1]}, err=True)


@profile.command("list")
def list_profiles() -> None:
    """Show the profiles."""
    from server_stub.services.bank_statements import profiles

    for name, one in profiles(opened()).items():
        columns = ", ".join(one.columns())
        form = columns and f", {one.encoding}, {one.day_format}, {columns}"
        click.echo(f"{name}: {one.account or '-'}{form}")


@statement.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--profile", "name", required=True)
@click.option("--keep", is_flag=True, help="Keep the new lines; without it nothing is written.")
@click.option("--by", metavar="NAME", help="With --keep: who does it.")
def import_statement(*, file: Any, name: str, keep: bool, by: str | None) -> None:
    """Show each line of FILE, what it seems to be and why; with --keep, keep the new ones."""
    from django.utils.translation import gettext as _

    from server_stub.console.payment_table import look_table, not_read
    from server_stub.services import bank_statements, payments
    from server_stub.services.bank_statements import Look

    caisse = opened()
    content = file.read(_FILE_BYTES_MAX)
    found = bank_statements.look(caisse, name, content)
    if not isinstance(found, Look):
        _end(not_read(found))
    for line in look_table(found, payments.whose(caisse)):
        click.echo(line)
    if not keep:
        click.echo(_("Rien n’est enregistré. Pour garder ces lignes : --keep --by NOM"), err=True)
        return
    kept = bank_statements.keep(caisse, name, content, by=person_of(caisse, by or ""))
    if not isinstance(kept, int):
        _end(not_read(kept))
    text = _("Nouvelles lignes gardées : %(count)s. Aucune n’est encore comptabilisée.")
    click.echo(text % {"count": kept}, err=True)


@statement.command("lines")
def show_lines() -> None:
    """Show the kept lines that wait for somebody to say what they are."""
    from server_stub.console.payment_table import open_table
    from server_stub.services import bank_statements, payments

    caisse = opened()
    for line in open_table(bank_statements.open_lines(caisse), payments.whose(caisse)):
        click.echo(line)


@statement.command()
@click.argument("lines", nargs=-1, required=True)
@click.option("--account", help="Whose contribution it is, whatever it seems to be.")
@click.option("--takes-back", metavar="REFERENCE", help="The payment that it takes back.")
@acting
def confirm(
    *, lines: tuple[str, ...], account: str | None, takes_back: str | None, by: str
) -> None:
    """Say that LINES (such as B3-12) are what they seem to be, or whose they are."""
    from server_stub.services import bank_booking

    if (account and takes_back) or (len(lines) > 1 and (account or takes_back)):
        raise click.UsageError("LINE, --account, --takes-back")
    caisse = opened()
    person = person_of(caisse, by)
    for name in lines:
        line = _line(caisse, name)
        if account:
            done = bank_booking.assign(caisse, line, account_of(caisse, account), by=person)
        elif takes_back:
            found = payment_of(caisse, takes_back)
            done = bank_booking.take_back(caisse, line, found, by=person)
        else:
            done = bank_booking.confirm(caisse, line, by=person)
        _tell(name, done)


@statement.command()
@click.argument("lines", nargs=-1, required=True)
@acting
def aside(lines: tuple[str, ...], by: str) -> None:
    """Say that LINES are of no member and no merchant: fees, subsidies."""
    from server_stub.services import bank_booking

    caisse = opened()
    person = person_of(caisse, by)
    for name in lines:
        _tell(name, bank_booking.set_aside(caisse, _line(caisse, name), by=person))


@statement.command()
@click.argument("line")
@acting
def undo(line: str, by: str) -> None:
    """Open LINE again: what it booked is reversed by a new entry."""
    from server_stub.services import bank_booking

    caisse = opened()
    _tell(line, bank_booking.undo(caisse, _line(caisse, line), by=person_of(caisse, by)))


@statement.command()
def forget() -> None:
    """Erase what payers wrote on lines older than names are kept; days and amounts stay."""
    from django.utils.translation import gettext as _

    from server_stub.services.bank_statements import erase_old_texts

    click.echo(_("Libellés effacés : %(count)s") % {"count": erase_old_texts(opened())})


def _tell(name: str, done: BankLineOutcome | NotBooked) -> None:
    from server_stub.console.payment_words import BOOKING
    from server_stub.models import BankLineOutcome

    if not isinstance(done, BankLineOutcome):
        _end(f"{name} : {BOOKING[done.name]}")
    click.echo(f"{name} ✓ {done.kind}")


def _line(caisse: Caisse, name: str) -> BankLine:
    from server_stub.console.payment_words import BOOKING
    from server_stub.services.bank_statements import find_line

    found = find_line(caisse, name)
    if found is None:
        _end(f"{name} : {BOOKING['NO_LINE']}")
    return found


def _end(words: str) -> NoReturn:
    click.echo(f"clafoutis-server: {words}", err=True)
    sys.exit(1)
