"""A box of cards from the command line: issued from a list, or brought to the newest key 1."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from cardkit.errors import CardError, ServerRefused
from cardkit.workshop import VersionsAsk
from provisioning.batch import Batch
from provisioning.batch_book import BatchBook, State
from provisioning.batch_screen import batch_screen
from provisioning.cards import CardWorkshop
from provisioning.client import ServiceClient
from provisioning.language import _
from provisioning.members_file import Members, read_members
from provisioning.talk import say
from provisioning.taps import IDLE_S, taps
from provisioning.wiring import Wiring

NOT_DONE: Final = 75
"""sysexits.h, EX_TEMPFAIL: some cards are left; the same command goes on."""
_BAD_ROWS: Final = 1
_BOOK_SUFFIX: Final = ".cards"


def issue_batch(
    wiring: Wiring,
    workshop: CardWorkshop,
    path: Path,
    *,
    service: str,
    reader: str,
    first_pass: bool,
    is_quiet: bool,
    asks: bool,
) -> int:
    """Issue a card for each good line of a list; raises what stops it, what is done is kept."""
    members = read_members(path)
    for bad in members.bad:
        say(_("line {line}: {why}").format(line=bad.line, why=bad.why))
    if members.bad and asks:
        click.confirm(_("Go on with the other lines?"), abort=True, err=True)
    with BatchBook.open(path.with_name(path.name + _BOOK_SUFFIX)) as book:
        book.expect(row.account for row in members.rows)
        try:
            with batch_screen(is_quiet=is_quiet) as screen:
                batch = Batch(
                    workshop=workshop,
                    client=wiring.client(service, workshop.public, workshop.keys),
                    book=book,
                    rows={row.account: row for row in members.rows},
                    screen=screen,
                )
                _at_the_reader(wiring, reader, batch, first_pass=first_pass)
        finally:
            _leave_papers(wiring, workshop, book, members, path)
        return _status(book, members)


def _at_the_reader(wiring: Wiring, address: str, batch: Batch, *, first_pass: bool) -> None:
    reader = wiring.open_reader(address)
    try:
        if first_pass:
            batch.first_pass(reader)
            reader.wait_for_removal(IDLE_S)
        batch.issue(reader)
    finally:
        reader.close()


def _leave_papers(
    wiring: Wiring, workshop: CardWorkshop, book: BatchBook, members: Members, path: Path
) -> None:
    """Write table and sheet of what is done so far, also when something stopped the batch."""
    from provisioning.batch_report import leave, sheet, table

    rows = leave(path.with_name(f"{path.stem}-cards.csv"), table(book, members).encode("utf-8-sig"))
    made = sheet(book, members, caisse=workshop.public.caisse, at=wiring.clock.now().at)
    pages = leave(path.with_name(f"{path.stem}-cards.pdf"), made)
    say(f"{rows}\n{pages}")


def _status(book: BatchBook, members: Members) -> int:
    """Say what is left; answer the exit status."""
    states = [book.entry(row.account).state for row in members.rows]
    issued = states.count(State.ISSUED)
    refused = states.count(State.REFUSED)
    left = len(states) - issued - refused
    say(
        _("{issued} issued, {left} left, {refused} refused, {bad} lines not read").format(
            issued=issued, left=left, refused=refused, bad=len(members.bad)
        )
    )
    half_made = [entry.uid.hex().upper() for entry in book.in_state(State.BEGUN) if entry.uid]
    if half_made:
        say(_("Half made, to be laid down again: {cards}").format(cards=", ".join(half_made)))
    owed = [entry.uid.hex().upper() for entry in book.owed() if entry.uid]
    if owed:
        say(_("To be laid down once more for their credit: {cards}").format(cards=", ".join(owed)))
    if left or owed:
        say(_("The same command goes on where this one stopped."))
        return NOT_DONE
    return _BAD_ROWS if refused or members.bad else 0


def rekey_all(
    wiring: Wiring,
    workshop: CardWorkshop,
    client: ServiceClient,
    *,
    reader: str,
    is_quiet: bool,
) -> int:
    """Re-key cards until the service has none with an older key 1; raises what stops it."""
    ask = VersionsAsk(terminal_key_version=max(it.version for it in workshop.keys.masters))
    found = client.count_versions(ask)
    if not found.to_go:
        say(_("Every card in use has the newest key 1."))
        return 0
    device = wiring.open_reader(reader)
    try:
        with batch_screen(is_quiet=is_quiet) as screen:
            screen.counts(done=found.done, todo=found.to_go, wanted="")
            for connection in taps(device, screen.trouble):
                try:
                    rekeyed = workshop.rekey(connection, client)
                except (CardError, ServerRefused) as error:
                    screen.trouble(error)
                    continue
                screen.rekeyed(rekeyed)
                found = client.count_versions(ask)
                screen.counts(done=found.done, todo=found.to_go, wanted="")
                if not found.to_go:
                    break
    finally:
        device.close()
    say(_("{done} re-keyed, {left} cards to go").format(done=found.done, left=found.to_go))
    return NOT_DONE if found.to_go else 0
