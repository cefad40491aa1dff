"""`clafoutis-provision card …`: one card on the reader, or a box of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import click

from cardkit.card.connection import CardConnection
from cardkit.card.rekeying import Rekeyed
from cardkit.errors import CardLost
from cardkit.keyfiles import WorkshopKeys, read_public
from cardkit.money import format_cents
from provisioning.batch_commands import issue_batch, rekey_all
from provisioning.card_keeping import Verified, empty, verify
from provisioning.card_words import KINDS, AlreadyIssued, Condition, Inspection, Issued
from provisioning.cards import CardWorkshop
from provisioning.language import _
from provisioning.talk import PassphraseReader, card_progress, explain, rows, say
from provisioning.wiring import (
    AccountType,
    Wiring,
    account_option,
    force_option,
    keys_option,
    passphrase_option,
    quiet_option,
    reader_option,
    service_option,
)

ISSUE_ATTEMPTS: Final = 3
"""A card that slips off is laid down again, and its issue goes on."""
_NOT_GOOD: Final = 4

T = TypeVar("T")


@click.group(help=_("Members' cards."))
def card() -> None:
    """Verbs of the noun `card`."""


@card.command("issue", help=_("Make the blank card on the reader a member's; or a box of them."))
@click.option("--account", type=AccountType(), default=None, help=_("The member's account."))
@click.option(
    "--batch",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help=_("A CSV list of accounts: one card each, one tap each."),
)
@click.option(
    "--first-pass",
    is_flag=True,
    help=_("With --batch: see all cards first, ask for their keys at once, then make them."),
)
@click.option("--again", is_flag=True, help=_("Give an issued card a new life."))
@force_option
@quiet_option
@service_option
@keys_option
@reader_option
@passphrase_option
@click.pass_obj
def issue_command(
    wiring: Wiring,
    *,
    account: bytes | None,
    batch: Path | None,
    first_pass: bool,
    again: bool,
    force: bool,
    quiet: bool,
    service: str,
    key_dir: Path,
    reader: str,
    passphrase_fd: int | None,
) -> int:
    """Issue one card, or one for each line of a list."""
    if (account is None) == (batch is None):
        raise click.UsageError(_("either --account or --batch"))
    if (first_pass and batch is None) or (again and batch is not None):
        raise click.UsageError(_("--first-pass goes with --batch, and --again with --account"))
    if batch is not None:
        return issue_batch(
            wiring,
            _card_workshop(wiring, key_dir, passphrase_fd),
            batch,
            service=service,
            reader=reader,
            first_pass=first_pass,
            is_quiet=quiet,
            asks=not force,
        )
    if again and not force:
        _confirm_new_life()
    workshop = _card_workshop(wiring, key_dir, passphrase_fd)
    return _issue_one(wiring, workshop, account or b"", again=again, service=service, reader=reader)


@card.command("reissue", help=_("Give the issued card on the reader a new life, from zero."))
@account_option
@force_option
@service_option
@keys_option
@reader_option
@passphrase_option
@click.pass_obj
def reissue_command(
    wiring: Wiring,
    *,
    account: bytes,
    force: bool,
    service: str,
    key_dir: Path,
    reader: str,
    passphrase_fd: int | None,
) -> int:
    """Issue a card again: its life of before is blocked, what it had left follows."""
    if not force:
        _confirm_new_life()
    workshop = _card_workshop(wiring, key_dir, passphrase_fd)
    status = _issue_one(wiring, workshop, account, again=True, service=service, reader=reader)
    say(_("What was left before follows once every terminal has told what it sold."))
    return status


def _confirm_new_life() -> None:
    click.confirm(_("Everything on the card will be gone. Go on?"), abort=True, err=True)


def _issue_one(
    wiring: Wiring,
    workshop: CardWorkshop,
    account: bytes,
    *,
    again: bool,
    service: str,
    reader: str,
) -> int:
    client = wiring.client(service, workshop.public, workshop.keys)

    def issue(connection: CardConnection) -> Issued | AlreadyIssued:
        with card_progress() as progress:
            issued = workshop.issue(
                connection, client, account=account, again=again, progress=progress
            )
        workshop.bring_up_to_date(connection, client)
        return issued

    return _tell_issued(_at_the_reader(wiring, reader, issue))


def _tell_issued(outcome: Issued | AlreadyIssued) -> int:
    click.echo(f"{outcome.uid.hex().upper()} {outcome.generation}")
    match outcome:
        case AlreadyIssued():
            say(_("This card is issued already. Nothing was done to it."))
        case Issued(has_allowance=False):
            say(_("Issued; terminals learn its allowance at their next sync."))
        case _:
            say(_("Issued: the card can buy now."))
    return 0


@card.command("rekey", help=_("Give the issued card on the reader the newest key 1; or all cards."))
@click.option(
    "--all", "every", is_flag=True, help=_("One card after the other, until none is left to do.")
)
@quiet_option
@service_option
@keys_option
@reader_option
@passphrase_option
@click.pass_obj
def rekey_command(
    wiring: Wiring,
    *,
    every: bool,
    quiet: bool,
    service: str,
    key_dir: Path,
    reader: str,
    passphrase_fd: int | None,
) -> int:
    """Re-key one card or all, through as many slips of the hand as are fair."""
    workshop = _card_workshop(wiring, key_dir, passphrase_fd)
    client = wiring.client(service, workshop.public, workshop.keys)
    if every:
        return rekey_all(wiring, workshop, client, reader=reader, is_quiet=quiet)
    return _tell_rekeyed(
        _at_the_reader(wiring, reader, lambda connection: workshop.rekey(connection, client))
    )


def _tell_rekeyed(rekeyed: Rekeyed) -> int:
    click.echo(f"{rekeyed.uid.hex().upper()} {rekeyed.version}")
    if rekeyed.version_before == rekeyed.version:
        say(_("The card has the newest key already."))
    else:
        say(_("Re-keyed: terminals that have the new key can sell to it."))
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
    rows(*_described(found))
    return 0


@card.command("verify", help=_("Read an issued card back, and have the service check its proof."))
@service_option
@keys_option
@reader_option
@passphrase_option
@click.pass_obj
def verify_command(
    wiring: Wiring, *, service: str, key_dir: Path, reader: str, passphrase_fd: int | None
) -> int:
    """Hold one card to the layout and to the service, without changing it."""
    workshop = _card_workshop(wiring, key_dir, passphrase_fd)
    client = wiring.client(service, workshop.public, workshop.keys)
    found = _at_the_reader(wiring, reader, lambda connection: verify(workshop, connection, client))
    rows(*_verified(found))
    return 0 if found.is_good else _NOT_GOOD


@card.command("wipe", help=_("Make a half-made or blocked card blank again."))
@account_option
@force_option
@service_option
@keys_option
@reader_option
@passphrase_option
@click.pass_obj
def wipe_command(
    wiring: Wiring,
    *,
    account: bytes,
    force: bool,
    service: str,
    key_dir: Path,
    reader: str,
    passphrase_fd: int | None,
) -> int:
    """Empty one card; one in use is refused."""
    if not force:
        _confirm_new_life()
    workshop = _card_workshop(wiring, key_dir, passphrase_fd)
    client = wiring.client(service, workshop.public, workshop.keys)

    def wipe(connection: CardConnection) -> bytes:
        empty(workshop, connection, client, account=account)
        return connection.uid

    click.echo(_at_the_reader(wiring, reader, wipe).hex().upper())
    say(_("The card is blank: it can be issued to the same account."))
    return 0


def _at_the_reader(wiring: Wiring, reader: str, work: Callable[[CardConnection], T]) -> T:
    """Do something to the card on the reader, through as many slips of the hand as are fair."""
    for _attempt in range(ISSUE_ATTEMPTS - 1):
        try:
            with wiring.card_on(reader) as connection:
                return work(connection)
        except CardLost as error:
            explain(error)
    with wiring.card_on(reader) as connection:
        return work(connection)


def _described(found: Inspection) -> Iterator[tuple[str, str]]:
    yield _("state"), _(found.condition.value)
    if found.report is not None:
        version, chip = found.report.version, found.report.original
        yield "UID", found.report.uid.hex().upper()
        yield _("version"), f"{version.hw_major:02X}.{version.hw_minor:02X}"
        yield _("maker"), f"NXP, {chip.value}" if chip else _("unknown")
    if found.tmac is not None and found.spent_cents is not None:
        yield _("key version"), str(found.key_version)
        yield _("transactions"), str(found.tmac.tmc)
        yield _("spent"), f"{format_cents(found.spent_cents)} €"
    yield _("what to do"), _(_ADVICE[found.condition] if found.kind is None else KINDS[found.kind])


def _verified(found: Verified) -> Iterator[tuple[str, str]]:
    yield "UID", found.uid.hex().upper()
    yield _("life"), str(found.generation)
    yield _("key version"), str(found.key_version)
    yield _("transactions"), str(found.tmc)
    yield _("spent"), f"{format_cents(found.spent_cents)} €"
    yield _("allowances"), str(found.allowances)
    yield (
        _("rights"),
        _("wrong in file {files}").format(files=", ".join(found.faults))
        if found.faults
        else _("as they should be"),
    )
    yield _("proof"), _(found.proof.value)


_ADVICE: Final = {
    Condition.BLANK: "issue it: clafoutis-provision card issue",
    Condition.TORN: "issue it again: it will be emptied first",
    Condition.ISSUED: "give it to its member",
    Condition.FOREIGN: "put it aside: another caisse's, or keys of before",
    Condition.NOT_ORIGINAL: "put it aside, and ask where it was bought",
}


def _card_workshop(wiring: Wiring, key_dir: Path, passphrase_fd: int | None) -> CardWorkshop:
    public = read_public(key_dir)
    return CardWorkshop(
        public=public,
        keys=PassphraseReader(passphrase_fd).open(key_dir, WorkshopKeys, public),
        originality=wiring.originality,
    )
