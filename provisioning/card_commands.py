"""`clafoutis-provision card …`: one card on the reader, or a box of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from cardkit.card.rekeying import Rekeyed
from cardkit.errors import CardLost
from cardkit.keyfiles import WorkshopKeys, read_public
from cardkit.money import format_cents
from provisioning.cards import AlreadyIssued, CardWorkshop, Condition, Inspection, Issued
from provisioning.language import _
from provisioning.talk import PassphraseReader, card_progress, explain
from provisioning.wiring import (
    AccountType,
    Wiring,
    keys_option,
    passphrase_option,
    reader_option,
    service_option,
)

ISSUE_ATTEMPTS: Final = 3
"""A card that slips off is laid down again, and its issue goes on."""
_NAME_WIDTH: Final = 16


@click.group(help=_("Members' cards."))
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


def _card_workshop(wiring: Wiring, key_dir: Path, passphrase_fd: int | None) -> CardWorkshop:
    public = read_public(key_dir)
    return CardWorkshop(
        public=public,
        keys=PassphraseReader(passphrase_fd).open(key_dir, WorkshopKeys, public),
        originality=wiring.originality,
    )
