"""`clafoutis-provision keys …`: the ceremony, bundle by bundle."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

from cardkit.keyfiles import ServiceKeys, read_public
from provisioning.keystore import (
    Passphrases,
    install_service_keys,
    new_keys,
    write_keys,
)
from provisioning.language import _
from provisioning.talk import PassphraseReader
from provisioning.wiring import AmountType, Wiring, directory_type, passphrase_option

_CAISSE: Final = re.compile(r"[a-z][a-z0-9-]{1,10}")
"""Short enough for the system id `CLAF-…` of its cards."""


@click.group(help=_("The key ceremony."))
def keys() -> None:
    """Verbs of the noun `keys`."""


@keys.command("new", help=_("Make every key of a caisse, in three bundles for three people."))
@click.option("--caisse", required=True, help=_("Short name of the caisse, such as flers."))
@click.option(
    "--out", type=directory_type, required=True, help=_("A directory that is not there yet.")
)
@click.option(
    "--step-max",
    type=AmountType(),
    default="300,00",
    show_default=True,
    help=_("The most that one month may ever add to one card."),
)
@click.option(
    "--no-passphrase", is_flag=True, help=_("For a demonstration only: leave the bundles open.")
)
@passphrase_option
@click.pass_obj
def new_command(
    wiring: Wiring,
    *,
    caisse: str,
    out: Path,
    step_max: int,
    no_passphrase: bool,
    passphrase_fd: int | None,
) -> int:
    """Make and part the keys."""
    if not _CAISSE.fullmatch(caisse):
        raise click.BadParameter(_("2 to 11 lower-case letters, digits and dashes"))
    _must_be_new(out)
    passphrases = None if no_passphrase else _three_passphrases(PassphraseReader(passphrase_fd))
    made = new_keys(caisse, now=wiring.clock.now().at, step_max_cents=step_max)
    write_keys(out, made, passphrases=passphrases)
    click.echo(out)
    click.echo(
        _(
            "root: to the coordinator. service: to the server, then wiped here. workshop: stays. "
            "Make a paper copy of each, for different people."
        ),
        err=True,
    )
    return 0


def _must_be_new(directory: Path) -> None:
    """Say before anybody types a passphrase that keys are never overwritten."""
    if directory.exists() and any(directory.iterdir()):
        words = _("{directory} is not empty: keys are never overwritten, and nothing was done")
        raise click.UsageError(words.format(directory=directory))


def _three_passphrases(reader: PassphraseReader) -> Passphrases:
    return Passphrases(
        root=reader.ask(_("Passphrase of the coordinator (root)"), confirm=True),
        service=reader.ask(_("Passphrase of the server's keeper (service)"), confirm=True),
        workshop=reader.ask(_("Passphrase of the workshop"), confirm=True),
    )


@keys.command("install", help=_("On the server: open the service's bundle for the service."))
@click.option("--bundle", type=directory_type, required=True, help=_("The directory `service`."))
@click.option("--into", type=directory_type, required=True, help=_("The service's key directory."))
@passphrase_option
def install_command(bundle: Path, into: Path, passphrase_fd: int | None) -> int:
    """Leave the keys as the service reads them when it starts without a person."""
    _must_be_new(into)
    public = read_public(bundle)
    keys = PassphraseReader(passphrase_fd).open(bundle, ServiceKeys, public)
    install_service_keys(public, keys, into)
    click.echo(into)
    return 0
