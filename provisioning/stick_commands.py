"""`clafoutis-provision terminal enrol-by-stick`: a terminal without network is let in."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.errors import KeyStoreError
from cardkit.keyfiles import RootKeys, WorkshopKeys, read_public
from provisioning.language import _
from provisioning.talk import PassphraseReader
from provisioning.terminals import Conversation, Enrolled, TerminalWorkshop
from provisioning.wiring import (
    Wiring,
    directory_type,
    keys_option,
    passphrase_option,
    service_option,
)


@click.command("enrol-by-stick", help=_("Let in a terminal without network: a stick goes to it."))
@click.option("--stick", type=directory_type, required=True, help=_("Where the stick is mounted."))
@click.option(
    "--merchant",
    "merchants",
    type=click.IntRange(1, 2**32 - 1),
    multiple=True,
    required=True,
    help=_("Number of a merchant; may be given several times."),
)
@click.option(
    "--root",
    "root_dir",
    type=directory_type,
    default=Path("root"),
    envvar="CLAFOUTIS_ROOT_KEYS",
    show_default=True,
    help=_("The coordinator's key directory."),
)
@service_option
@keys_option
@passphrase_option
@click.pass_obj
def enrol_by_stick_command(
    wiring: Wiring,
    *,
    stick: Path,
    merchants: tuple[int, ...],
    root_dir: Path,
    service: str,
    key_dir: Path,
    passphrase_fd: int | None,
) -> int:
    """Enrol one terminal."""
    public = read_public(key_dir)
    passphrases = PassphraseReader(passphrase_fd)
    root = passphrases.open(root_dir, RootKeys, public)
    keys = passphrases.open(key_dir, WorkshopKeys, public)
    workshop = TerminalWorkshop.with_root(public=public, keys=keys, root=root, clock=wiring.clock)
    try:
        outcome = workshop.enrol_by_stick(
            wiring.client(service, public, keys),
            _conversation(),
            stick,
            transport=wiring.open_transport(),
            merchants=merchants,
            bring_back=_bring_back,
        )
    except OSError as error:
        raise KeyStoreError(f"{stick}: {error.strerror}") from error
    if isinstance(outcome, Enrolled):
        click.echo(outcome.terminal)
        click.echo(_("Take the stick to the terminal once more: then it sells."), err=True)
        return 0
    click.echo(_(outcome.reason.value), err=True)
    return 1


def _bring_back() -> None:
    text = _("Eject the stick, take it to the terminal, note its four words, bring the stick back.")
    click.echo(text, err=True)
    click.prompt(_("Then press Enter"), default="", show_default=False, err=True)


def _conversation() -> Conversation:
    def ask_words(attempts_left: int) -> str:
        prompt = _("The four words on the terminal ({left} attempts left)")
        typed: str = click.prompt(prompt.format(left=attempts_left), err=True)
        return typed

    return Conversation(
        show_ticket=lambda _ticket: None, ask_words=ask_words, wait=lambda _seconds: None
    )
