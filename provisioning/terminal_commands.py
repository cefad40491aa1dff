"""`clafoutis-provision terminal …`: letting a stall's computer in."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.keyfiles import RootKeys, WorkshopKeys, read_public
from cardkit.pairing import Ticket
from provisioning.language import _
from provisioning.talk import PassphraseReader, waiting
from provisioning.terminals import Conversation, Enrolled, TerminalWorkshop
from provisioning.ticket_code import ticket_code
from provisioning.wiring import (
    Wiring,
    keys_option,
    passphrase_option,
    root_option,
    service_option,
)


@click.group(help=_("The stalls' computers."))
def terminal() -> None:
    """Verbs of the noun `terminal`."""


@terminal.command("enrol", help=_("Let a terminal in, for its merchants."))
@click.option(
    "--merchant",
    "merchants",
    type=click.IntRange(1, 2**32 - 1),
    multiple=True,
    required=True,
    help=_("Number of a merchant; may be given several times."),
)
@root_option
@click.option("--terminal-url", default=None, help=_("How the terminal reaches the service."))
@service_option
@keys_option
@passphrase_option
@click.pass_obj
def enrol_command(
    wiring: Wiring,
    *,
    merchants: tuple[int, ...],
    root_dir: Path,
    terminal_url: str | None,
    service: str,
    key_dir: Path,
    passphrase_fd: int | None,
) -> int:
    """Enrol one terminal."""
    public = read_public(key_dir)
    passphrases = PassphraseReader(passphrase_fd)
    root = passphrases.open(root_dir, RootKeys, public)
    workshop = TerminalWorkshop.with_root(
        public=public,
        keys=passphrases.open(key_dir, WorkshopKeys, public),
        root=root,
        clock=wiring.clock,
    )
    outcome = workshop.enrol(
        wiring.client(service, public, workshop.keys),
        _conversation(wiring),
        merchants=merchants,
        service_url=terminal_url,
    )
    if isinstance(outcome, Enrolled):
        click.echo(outcome.terminal)
        return 0
    click.echo(_(outcome.reason.value), err=True)
    return 1


def _conversation(wiring: Wiring) -> Conversation:
    def show_ticket(ticket: Ticket) -> None:
        click.echo(_("Show this to the terminal within ten minutes, and to nobody else:"), err=True)
        for row in ticket_code(ticket):
            click.secho(row, fg="bright_white", bg="black", err=True)
        click.echo(ticket.text)

    def ask_words(attempts_left: int) -> str:
        prompt = _("The four words on the terminal ({left} attempts left)")
        typed: str = click.prompt(prompt.format(left=attempts_left), err=True)
        return typed

    def wait(seconds: float) -> None:
        with waiting(_("Waiting for the terminal…")):
            wiring.wait(seconds)

    return Conversation(show_ticket=show_ticket, ask_words=ask_words, wait=wait)
