"""`clafoutis-provision keys …`: the ceremony, bundle by bundle; no key is ever printed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import click

from cardkit.errors import KeyStoreError
from cardkit.keyfiles import (
    Bundle,
    CaissePublic,
    RootKeys,
    ServiceKeys,
    WorkshopKeys,
    is_sealed,
    read_public,
)
from provisioning.key_view import bundle_rows, find_bundle, is_certified, public_rows
from provisioning.keystore import (
    Passphrases,
    install_service_keys,
    new_keys,
    refuse_short,
    write_holder,
    write_keys,
)
from provisioning.language import _
from provisioning.rolling import roll_issuer, roll_key_1, roll_masters
from provisioning.shares import Gathering, Sharing
from provisioning.talk import PassphraseReader, rows, say
from provisioning.wiring import (
    AmountType,
    Wiring,
    directory_type,
    keys_option,
    passphrase_option,
    root_option,
)

_CAISSE: Final = re.compile(r"[a-z][a-z0-9-]{1,10}")
"""Short enough for the system id `CLAF-…` of its cards."""
_TYPING_ATTEMPTS: Final = 3
_PAPER_BYTES_MAX: Final = 64 * 1024


class SharingType(click.ParamType[Sharing]):
    """How many of how many people, `2of3`."""

    name = "2of3"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Sharing:
        """Read the numbers; fails as click does."""
        if isinstance(value, Sharing):
            return value
        try:
            return Sharing.from_text(str(value))
        except ValueError:
            self.fail(_("such as 2of3: 2 people at least, 16 at most"), param, ctx)


bundle_option = click.option(
    "--bundle", type=directory_type, required=True, help=_("The directory `service`.")
)
into_option = click.option(
    "--into", type=directory_type, required=True, help=_("A directory that is not there yet.")
)


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
    say(
        _(
            "root: to the coordinator. service: to the server, then wiped here. workshop: stays. "
            "Make a paper copy of each, for different people."
        )
    )
    return 0


@keys.command("install", help=_("On the server: open the service's bundle for the service."))
@bundle_option
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


@keys.command("show", help=_("Say what a bundle holds, and since when; never a key."))
@click.argument("directory", type=directory_type)
@click.option("--open", "opens", is_flag=True, help=_("Open it too: versions and check values."))
@passphrase_option
def show_command(*, directory: Path, opens: bool, passphrase_fd: int | None) -> int:
    """Describe one holder's directory."""
    public = read_public(directory)
    if not is_certified(public):
        raise KeyStoreError(f"{directory}: the root did not certify what is public here")
    kind = find_bundle(directory)
    sealed = is_sealed(directory, kind)
    written = datetime.fromtimestamp((directory / kind.NAME).stat().st_mtime, UTC)
    rows(
        (_("bundle"), kind.NAME),
        (_("sealed"), _("yes") if sealed else _("no: for a server or a demonstration only")),
        (_("written"), written.strftime("%Y-%m-%d %H:%M UTC")),
        *public_rows(public),
    )
    if opens or not sealed:
        held = PassphraseReader(passphrase_fd).open(directory, kind, public)
        rows(*bundle_rows(held, public))
    return 0


@keys.command("backup", help=_("Put a bundle on paper, as PDF, for its holder or for k of n."))
@click.argument("directory", type=directory_type)
@click.option(
    "--to", "to", type=directory_type, required=True, help=_("A private directory for the papers.")
)
@click.option(
    "--shares",
    "sharing",
    type=SharingType(),
    default=None,
    help=_("Words for so many people, of whom so many open the paper together: 2of3."),
)
@passphrase_option
@click.pass_obj
def backup_command(
    wiring: Wiring,
    *,
    directory: Path,
    to: Path,
    sharing: Sharing | None,
    passphrase_fd: int | None,
) -> int:
    """Open a bundle, which shows that it can be opened, and print what brings it back."""
    from provisioning.backup import backup, write_papers

    public = read_public(directory)
    kind = find_bundle(directory)
    bundle, passphrase = PassphraseReader(passphrase_fd).opened(directory, kind, public)
    made = backup(public, bundle, passphrase=passphrase, sharing=sharing, at=wiring.clock.now().at)
    for path in write_papers(made, to):
        click.echo(path)
    if sharing is None:
        say(_("Print it, and read it back once with: clafoutis-provision keys restore"))
    else:
        say(
            _(
                "Print each sheet, give each person one, and wipe this directory: the words lie "
                "open in it."
            )
        )
    return 0


@keys.command("restore", help=_("Bring a bundle back from its paper, under a new passphrase."))
@click.option(
    "--from",
    "source",
    type=click.File("rb"),
    required=True,
    help=_("A text file with what the codes say, or with the lines of the paper."),
)
@into_option
@click.option("--shares", is_flag=True, help=_("It was made for k of n people: ask for words."))
@passphrase_option
def restore_command(
    *, source: BinaryIO, into: Path, shares: bool, passphrase_fd: int | None
) -> int:
    """Read a paper and seal its bundle anew."""
    from provisioning.backup import restore

    _must_be_new(into)
    reader = PassphraseReader(passphrase_fd)
    text = source.read(_PAPER_BYTES_MAX).decode("utf-8", "replace")

    def ask(name: str) -> bytes:
        if shares:
            return _gathered(reader)
        return reader.ask(_("Passphrase that {file} was sealed with").format(file=name))

    held = restore(text, ask_secret=ask)
    _seal_anew(reader, into, held.public, held.bundle)
    say(_("The bundle is back. Compare it with: clafoutis-provision keys show --open"))
    return 0


@keys.group("roll", help=_("Make a newer version of a key; the old ones stay beside it."))
def roll() -> None:
    """Verbs of `keys roll`, one for each key that can be rolled."""


@roll.command("key-1", help=_("A terminal was stolen: a newer master of key 1, for all cards."))
@keys_option
@into_option
@passphrase_option
def roll_key_1_command(*, key_dir: Path, into: Path, passphrase_fd: int | None) -> int:
    """Roll what terminals open cards with."""
    _must_be_new(into)
    public, reader = read_public(key_dir), PassphraseReader(passphrase_fd)
    rolled = roll_key_1(reader.open(key_dir, WorkshopKeys, public))
    _seal_anew(reader, into, public, rolled)
    _tell_plan(
        _("Use the new directory as the workshop's from now on; put the old one away."),
        _("Make a paper copy of it: clafoutis-provision keys backup"),
        _("Pair every terminal again, before any card: it gets the new master so."),
        _("Then re-key the cards: clafoutis-provision card rekey --all says how many are left."),
        _("New cards are made with it at once. The stolen terminal opens none that was re-keyed."),
    )
    return 0


@roll.command("cards", help=_("Newer masters of the other card keys, the TMAC key's among them."))
@bundle_option
@into_option
@passphrase_option
def roll_cards_command(*, bundle: Path, into: Path, passphrase_fd: int | None) -> int:
    """Roll what the service makes cards with."""
    _must_be_new(into)
    public, reader = read_public(bundle), PassphraseReader(passphrase_fd)
    rolled = roll_masters(reader.open(bundle, ServiceKeys, public))
    _seal_anew(reader, into, public, rolled)
    _tell_plan(
        _("Roll key 1 as well: one number counts both, and cards are made with both."),
        _("Install the new bundle on the server: clafoutis-provision keys install, then restart."),
        _("Make a paper copy of it: clafoutis-provision keys backup"),
        _("Cards made from now on have the new keys. A card in use keeps its own for its life:"),
        _("where the old masters leaked, give each card a new one: card reissue."),
    )
    return 0


@roll.command("issuer", help=_("Certify a new issuer key; what the old one signed goes on."))
@bundle_option
@root_option
@into_option
@click.option("--step-max", type=AmountType(), default=None, help=_("Another ceiling a month."))
@passphrase_option
@click.pass_obj
def roll_issuer_command(
    wiring: Wiring,
    *,
    bundle: Path,
    root_dir: Path,
    into: Path,
    step_max: int | None,
    passphrase_fd: int | None,
) -> int:
    """Roll what signs allowances, permits and directories."""
    _must_be_new(into)
    public, reader = read_public(bundle), PassphraseReader(passphrase_fd)
    root = reader.open(root_dir, RootKeys, public)
    held = reader.open(bundle, ServiceKeys, public)
    renewed, rolled = roll_issuer(
        public, root, held, now=wiring.clock.now().at, step_max_cents=step_max
    )
    _seal_anew(reader, into, renewed, rolled)
    _tell_plan(
        _("Install the new bundle on the server: clafoutis-provision keys install, then restart."),
        _("Copy caisse.public from it over those of the root and of the workshop."),
        _("Terminals learn the new certificate at their next exchange; no card is touched."),
        _("Make a paper copy of it: clafoutis-provision keys backup"),
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


def _seal_anew(reader: PassphraseReader, into: Path, public: CaissePublic, bundle: Bundle) -> None:
    """Ask for a passphrase and leave a bundle in a new directory."""
    passphrase = reader.ask(_("New passphrase of {file}").format(file=bundle.NAME), confirm=True)
    refuse_short(passphrase)
    write_holder(into, public, bundle, passphrase=passphrase)
    click.echo(into)


def _gathered(reader: PassphraseReader) -> bytes:
    """Ask one person after the other for their words until the secret is whole."""
    gathering, attempts_left = Gathering(), _TYPING_ATTEMPTS
    while not gathering.is_complete:
        try:
            came = gathering.add(reader.ask(_("One person's words, unseen")).decode())
        except KeyStoreError as error:
            attempts_left -= 1
            if not attempts_left:
                raise
            say(_("Once more, please: {why}").format(why=error))
            continue
        attempts_left = _TYPING_ATTEMPTS
        say(_("{came} of {needed} people").format(came=came, needed=gathering.needed))
    return gathering.secret()


def _tell_plan(*steps: str) -> None:
    """Say what has to follow, numbered."""
    say(_("What comes next:"))
    for number, step in enumerate(steps, 1):
        say(f"  {number}. {step}")
