"""`clafoutis-provision NOUN VERB`: stdout is what was made, stderr is the conversation."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from cardkit.card.rekeying import Rekeyed
from cardkit.errors import CardLost, ClafoutisError
from cardkit.keyfiles import RootKeys, ServiceKeys, WorkshopKeys, read_public
from cardkit.logging import log_to_stderr
from cardkit.money import format_cents
from cardkit.pairing import Ticket
from provisioning.bench.command import bench_command
from provisioning.cards import AlreadyIssued, CardWorkshop, Condition, Inspection, Issued
from provisioning.keystore import (
    Passphrases,
    install_service_keys,
    new_keys,
    write_keys,
)
from provisioning.language import _
from provisioning.talk import PassphraseReader, card_progress, explain, waiting
from provisioning.terminals import Conversation, Enrolled, TerminalWorkshop
from provisioning.wiring import (
    AccountType,
    AmountType,
    Wiring,
    directory_type,
    keys_option,
    passphrase_option,
    reader_option,
    service_option,
)

ISSUE_ATTEMPTS: Final = 3
"""A card that slips off is laid down again, and its issue goes on."""
_INTERRUPTED: Final = 130
_NAME_WIDTH: Final = 16
_CAISSE: Final = re.compile(r"[a-z][a-z0-9-]{1,10}")
"""Short enough for the system id `CLAF-…` of its cards."""


@click.group(help=_("The workshop: keys, cards and terminals of a caisse."))
@click.option("-v", "--verbose", count=True, help=_("Say more; twice: what goes over the air."))
def cli(verbose: int) -> None:
    """Commands below this one find their `Wiring` in the context."""
    log_to_stderr(verbose, "cardkit", "provisioning")


cli.add_command(bench_command)


@cli.group(help=_("The key ceremony."))
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


@cli.group(help=_("Members' cards."))
def card() -> None:
    """Verbs of the noun `card`."""


@card.command("issue", help=_("Make the blank card on the reader a member's."))
@click.option("--account", type=AccountType(), required=True, help=_("The member's account."))
@click.option("--again", is_flag=True, help=_("Give an issued card a new life."))
@click.option("--force", is_flag=True, help=_("Ask nothing."))
@service_option
@keys_option
@reader_option
@passphrase_option
@click.pass_obj
def issue_command(
    wiring: Wiring,
    *,
    account: bytes,
    again: bool,
    force: bool,
    service: str,
    key_dir: Path,
    reader: str,
    passphrase_fd: int | None,
) -> int:
    """Issue one card, through as many slips of the hand as are fair."""
    if again and not force:
        click.confirm(_("Everything on the card will be gone. Go on?"), abort=True, err=True)
    workshop = _card_workshop(wiring, key_dir, passphrase_fd)
    client = wiring.client(service, workshop.public, workshop.keys)
    for attempts_left in reversed(range(ISSUE_ATTEMPTS)):
        try:
            with wiring.card_on(reader) as connection, card_progress() as progress:
                outcome = workshop.issue(
                    connection, client, account=account, again=again, progress=progress
                )
            return _tell_issued(outcome)
        except CardLost as error:
            if not attempts_left:
                raise
            explain(error)
    return 1


def _tell_issued(outcome: Issued | AlreadyIssued) -> int:
    click.echo(f"{outcome.uid.hex().upper()} {outcome.generation}")
    match outcome:
        case AlreadyIssued():
            click.echo(_("This card is issued already. Nothing was done to it."), err=True)
        case Issued(has_allowance=False):
            click.echo(_("Issued; terminals learn its allowance at their next sync."), err=True)
        case _:
            click.echo(_("Issued: the card can buy now."), err=True)
    return 0


@card.command("rekey", help=_("Give the issued card on the reader the newest key 1."))
@service_option
@keys_option
@reader_option
@passphrase_option
@click.pass_obj
def rekey_command(
    wiring: Wiring, *, service: str, key_dir: Path, reader: str, passphrase_fd: int | None
) -> int:
    """Re-key one card, through as many slips of the hand as are fair."""
    workshop = _card_workshop(wiring, key_dir, passphrase_fd)
    client = wiring.client(service, workshop.public, workshop.keys)
    for attempts_left in reversed(range(ISSUE_ATTEMPTS)):
        try:
            with wiring.card_on(reader) as connection:
                return _tell_rekeyed(workshop.rekey(connection, client))
        except CardLost as error:
            if not attempts_left:
                raise
            explain(error)
    return 1


def _tell_rekeyed(rekeyed: Rekeyed) -> int:
    click.echo(f"{rekeyed.uid.hex().upper()} {rekeyed.version}")
    if rekeyed.version_before == rekeyed.version:
        click.echo(_("The card has the newest key already."), err=True)
    else:
        click.echo(_("Re-keyed: terminals that have the new key can sell to it."), err=True)
    return 0


@card.command("inspect", help=_("Say what lies on the reader, and what to do with it."))
@keys_option
@reader_option
@passphrase_option
@click.pass_obj
def inspect_command(wiring: Wiring, key_dir: Path, reader: str, passphrase_fd: int | None) -> int:
    """Look at one card without changing it."""
    workshop = _card_workshop(wiring, key_dir, passphrase_fd)
    with wiring.card_on(reader) as connection:
        found = workshop.inspect(connection)
    for name, value in _described(found):
        click.echo(f"{name:<{_NAME_WIDTH}}{value}")
    return 0


def _described(found: Inspection) -> Iterator[tuple[str, str]]:
    version, chip = found.report.version, found.report.original
    yield "UID", found.report.uid.hex().upper()
    yield _("version"), f"{version.hw_major:02X}.{version.hw_minor:02X}"
    yield _("maker"), f"NXP, {chip.value}" if chip else _("unknown")
    yield _("state"), _(found.condition.value)
    if found.tmac is not None and found.spent_cents is not None:
        yield _("key version"), str(found.key_version)
        yield _("transactions"), str(found.tmac.tmc)
        yield _("spent"), f"{format_cents(found.spent_cents)} €"
    yield _("what to do"), _(_ADVICE[found.condition])


_ADVICE: Final = {
    Condition.BLANK: "issue it: clafoutis-provision card issue",
    Condition.TORN: "issue it again: it will be emptied first",
    Condition.ISSUED: "give it to its member",
    Condition.FOREIGN: "put it aside: another caisse's, or keys of before",
    Condition.NOT_ORIGINAL: "put it aside, and ask where it was bought",
}


@cli.group(help=_("The stalls' computers."))
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
@click.option(
    "--root",
    "root_dir",
    type=directory_type,
    default=Path("root"),
    envvar="CLAFOUTIS_ROOT_KEYS",
    show_default=True,
    help=_("The coordinator's key directory."),
)
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
        click.echo(ticket.text)

    def ask_words(attempts_left: int) -> str:
        prompt = _("The four words on the terminal ({left} attempts left)")
        typed: str = click.prompt(prompt.format(left=attempts_left), err=True)
        return typed

    def wait(seconds: float) -> None:
        with waiting(_("Waiting for the terminal…")):
            wiring.wait(seconds)

    return Conversation(show_ticket=show_ticket, ask_words=ask_words, wait=wait)


def _card_workshop(wiring: Wiring, key_dir: Path, passphrase_fd: int | None) -> CardWorkshop:
    public = read_public(key_dir)
    return CardWorkshop(
        public=public,
        keys=PassphraseReader(passphrase_fd).open(key_dir, WorkshopKeys, public),
        originality=wiring.originality,
    )


def run(arguments: Sequence[str], wiring: Wiring) -> int:
    """Run one command; answers the exit status. Only what nobody expected shows a traceback."""
    try:
        status: int = cli.main(
            args=list(arguments), prog_name="clafoutis-provision", obj=wiring, standalone_mode=False
        )
    except ClafoutisError as error:
        return explain(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(_("Interrupted."), err=True)
        return _INTERRUPTED
    return status


def main() -> int:
    """What the console script calls."""
    return run(sys.argv[1:], Wiring())
