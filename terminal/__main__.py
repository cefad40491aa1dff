"""`clafoutis-terminal`: the till on the command line; every part is wired here and in `wiring`.

Exit status: 0 done · 1 trouble · 2 declined · 3 amber · 4 no reader · 5 card trouble ·
6 journal · 7 service · 64 wrong usage.
"""

from __future__ import annotations

import terminal.early  # noqa: F401 - before what it is early for

# isort: split
import logging
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cardkit.bodies import RefundReason
from cardkit.clock import SystemClock
from cardkit.errors import (
    AmountInvalid,
    CardError,
    ClafoutisError,
    DocumentMalformed,
    JournalError,
    JournalLocked,
    ReaderError,
    SyncError,
)
from cardkit.logging import log_to_stderr
from cardkit.memory import leave_no_core
from cardkit.money import parse_amount
from cardkit.reader import open_reader
from terminal.config import (
    DATA_DEFAULT,
    DATA_VARIABLE,
    MERCHANT_VARIABLE,
    READER_DEFAULT,
    READER_VARIABLE,
    DataDirectory,
)
from terminal.context import Context, Exit, pass_context, say
from terminal.outcomes import Amber, Balance, Green, Refunded, Refused, Settlement
from terminal.software import Software
from terminal.sync_state import is_due
from terminal.words import Words

if TYPE_CHECKING:
    from terminal.till import Till

logger = logging.getLogger(__name__)

PAIRING_PAUSE_S: Final = 5.0
_NUMBER_MAX: Final = 2**32 - 1
"""Of entries and merchants (docs/protocol.md, "Limits")."""
_NEGATIVE_IS_NO_OPTION: Final = {"ignore_unknown_options": True}
"""So that -5 is an amount, and gets its own refusal."""
_STATUS_OF: Final = (
    (AmountInvalid, Exit.USAGE),
    (ReaderError, Exit.READER),
    (CardError, Exit.CARD),
    (JournalError, Exit.JOURNAL),
    (SyncError, Exit.SERVICE),
    (ClafoutisError, Exit.TROUBLE),
)

_merchant_option = click.option(
    "--merchant",
    type=click.IntRange(1, _NUMBER_MAX),
    envvar=MERCHANT_VARIABLE,
    show_envvar=True,
    help="Needed when the terminal sells for several.",
)


_ELSEWHERE: Final = {
    "archive": ("terminal.fiscal_commands", "archive"),
    "connection": ("terminal.network_commands", "connection"),
    "reader": ("terminal.reader_commands", "readers"),
    "release": ("terminal.release_commands", "release"),
    "stick": ("terminal.network_commands", "stick"),
    "ui": ("terminal.screen_commands", "ui"),
    "wifi": ("terminal.network_commands", "wifi"),
}
"""Commands of modules that are loaded when they are asked for: a till has to start soon."""


class _Commands(click.Group):
    """The commands here and elsewhere."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all of them."""
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the one that is asked for."""
        if cmd_name in _ELSEWHERE:
            return self.named(cmd_name)
        return super().get_command(ctx, cmd_name)

    def named(self, name: str) -> click.Command:
        """Return a command that there is."""
        if name not in _ELSEWHERE:
            return self.commands[name]
        module, attribute = _ELSEWHERE[name]
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA_DEFAULT,
    envvar=DATA_VARIABLE,
    show_default=True,
    show_envvar=True,
)
@click.option(
    "--reader", default=READER_DEFAULT, envvar=READER_VARIABLE, show_default=True, show_envvar=True
)
@click.option(
    "--verbose",
    "-v",
    count=True,
    help="Show what happens, on stderr; twice, also what goes over the air.",
)
@click.pass_context
def cli(context: click.Context, data: Path, reader: str, verbose: int) -> None:
    """Sell from a card, offline."""
    log_to_stderr(verbose, "cardkit", "terminal")
    words = Words.of_environment()
    context.obj = Context(DataDirectory(data), reader, words, SystemClock(), open_reader)


@cli.command(context_settings=_NEGATIVE_IS_NO_OPTION)
@click.argument("amount")
@_merchant_option
@pass_context
def sell(context: Context, amount: str, merchant: int | None) -> None:
    """Sell for AMOUNT, such as 12,50 or 12.50."""
    amount_cents, words = parse_amount(amount), context.words
    _ = words.gettext
    status = Exit.DONE
    with context.till() as till:
        seller = _merchant(till, merchant)
        with context.tap() as connection:
            outcome = till.sell(
                connection,
                amount_cents,
                merchant=seller,
                announce=lambda green: _paid(words, green),
            )
        _tell(words, outcome.settled)
        match outcome:
            case Green():
                pass
            case Refused(declined=declined):
                say(words.declined(declined))
                status = Exit.DECLINED
            case Amber():
                status = Exit.AMBER  # every open sale is named when the till winds up
            case _:
                say(_("An earlier sale of this card was settled. Nothing else was sold."))
                status = Exit.AMBER
    sys.exit(status)


@cli.command()
@pass_context
def balance(context: Context) -> None:
    """Say what a card can pay, and leave its newest allowance on it."""
    status = Exit.DONE
    with context.till() as till:
        with context.tap() as connection:
            outcome = till.balance(
                connection, announce=lambda green: _paid_before(context.words, green)
            )
        _tell(context.words, outcome.settled)
        for refused in outcome.refused:
            say(context.words.refused_allowance(refused))
        match outcome:
            case Balance(available_cents=available_cents):
                click.echo(context.words.euros(available_cents))
            case Refused(declined=declined):
                say(context.words.declined(declined))
                status = Exit.DECLINED
    sys.exit(status)


@cli.command(context_settings=_NEGATIVE_IS_NO_OPTION)
@click.argument("seq", type=click.IntRange(1, _NUMBER_MAX))
@click.argument("amount", required=False)
@pass_context
def refund(context: Context, seq: int, amount: str | None) -> None:
    """Give back sale SEQ, or AMOUNT of it."""
    amount_cents = None if amount is None else parse_amount(amount)
    status = Exit.DONE
    with context.till() as till:
        outcome = till.refund(seq, amount_cents, RefundReason.GOODS_RETURNED)
        if isinstance(outcome, Refunded):
            click.echo(f"{outcome.seq} {context.words.euros(outcome.amount_cents)}")
        else:
            say(context.words.refund_refused(outcome))
            status = Exit.DECLINED
    sys.exit(status)


@cli.command()
@click.option("--url", help="Another address than the one that pairing gave.")
@click.option(
    "--if-due",
    is_flag=True,
    help="Leave quietly while a failure is waited out, unless somebody asked.",
)
@pass_context
def sync(context: Context, url: str | None, if_due: bool) -> None:
    """Send what is unsent and take in the answers.

    A till that runs leaves and takes in by itself, and one may start while this waits.
    """
    from terminal.network_commands import carry

    if if_due and not is_due(context.data, context.clock):
        return
    with suppress(JournalLocked), context.opened() as till:
        till.export_outbox()
    click.echo(carry(context, url))
    with suppress(JournalLocked), context.till() as till:
        logger.debug("taken in up to entry %s", till.journal.acknowledged_seq)


@cli.command()
@pass_context
def status(context: Context) -> None:
    """Say what this terminal is, holds and waits for."""
    from terminal.status import lines

    with context.opened() as till:
        for line in lines(till, context.words):
            click.echo(line)


@cli.group()
def journal() -> None:
    """Look at the journal."""


@journal.command()
@pass_context
def verify(context: Context) -> None:
    """Verify every signature and link of the chain."""
    with context.opened() as till:
        click.echo(till.journal.verify())


@cli.command()
@click.argument("ticket")
@pass_context
def pair(context: Context, ticket: str) -> None:
    """Enrol this terminal with the text of a TICKET's QR code."""
    import time

    import requests

    from cardkit.pairing import Ticket
    from terminal.pair import Pairing

    _ = context.words.gettext
    with requests.Session() as session:
        try:
            pairing = Pairing(context.data, Ticket.from_text(ticket), session=session)
        except DocumentMalformed as error:
            raise click.UsageError(_("This is not a pairing ticket.")) from error
        say(_("Tell the coordinator these words:"))
        click.echo(pairing.words)
        while (result := pairing.ask()) is None:
            time.sleep(PAIRING_PAUSE_S)
        identity = pairing.finish(result, clock=context.clock, software=Software.installed())
    say(_("This is terminal {terminal} now.").format(terminal=identity.terminal))


@cli.command(name="till")
@_merchant_option
@pass_context
def line_till(context: Context, merchant: int | None) -> None:
    """Sell line by line: type an amount, tap a card."""
    from terminal.line_mode import LineMode

    # The reader comes first: a service starts this anew until there is one, and each start of a
    # till is journalled.
    with context.open_reader() as reader, context.till() as till:
        LineMode(
            till,
            reader,
            merchant=_merchant(till, merchant),
            words=context.words,
            read_line=_read_line,
            write=click.echo,
        ).run()


def _tell(words: Words, settled: tuple[Settlement, ...]) -> None:
    for earlier in settled:
        say(words.settled(earlier))


def _paid(words: Words, green: Green) -> None:
    click.echo(f"{green.seq} {words.euros(green.amount_cents)}")


def _paid_before(words: Words, green: Green) -> None:
    """Say at once that an earlier sale is paid, in case the card leaves before the rest."""
    text = words.gettext("PAID {amount}, sale {seq}")
    say(text.format(amount=words.euros(green.amount_cents), seq=green.seq))


def _read_line() -> str | None:
    try:
        return input("> ")
    except EOFError:
        return None


def _merchant(till: Till, asked: int | None) -> int:
    """Return the merchant to sell for: the one asked for, or the only one there is."""
    grants = till.store.permit.permit.merchants
    if asked is not None:
        return asked
    if len(grants) == 1:
        return grants[0].merchant
    known = ", ".join(f"{grant.merchant} ({grant.name})" for grant in grants)
    raise click.UsageError(f"--merchant, {MERCHANT_VARIABLE}: {known}")


def main() -> None:
    """Run a command; only what nobody foresaw shows a traceback."""
    leave_no_core()
    try:
        cli.main(prog_name="clafoutis-terminal", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except click.Abort:
        sys.exit(Exit.TROUBLE)
    except ClafoutisError as error:
        logger.debug("%s", error, exc_info=True)
        say(Words.of_environment().trouble(error))
        say(f"({type(error).__name__}: {error})")
        sys.exit(next(status for kind, status in _STATUS_OF if isinstance(error, kind)))


if __name__ == "__main__":
    main()
