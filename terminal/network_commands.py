"""`clafoutis-terminal connection`, `wifi`, `stick`: how a stall and the caisse hear each other."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cardkit.errors import StickError
from terminal.connection_words import sentence
from terminal.context import Context, Exit, pass_context, say
from terminal.diagnosis import Cause

if TYPE_CHECKING:
    from terminal.connection_test import ConnectionTest
    from terminal.mounts import Stick
    from terminal.nmcli import WifiTrouble
    from terminal.stick import StickExchange
    from terminal.till import Till

Done = TypeVar("Done")

_at = click.option(
    "--at",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where the stick is mounted, if not found by itself.",
)


@click.command()
@click.option("--url", help="Another address than the one that pairing gave.")
@pass_context
def connection(context: Context, url: str | None) -> None:
    """Say what stands between this terminal and the caisse; nothing is sent."""
    found = connection_test(context, url).run()
    click.echo(sentence(context.words, found.cause))
    if found.detail:
        say(f"({found.cause.value}: {found.detail})")
    sys.exit(Exit.DONE if found.cause is Cause.WELL else Exit.SERVICE)


@click.group()
def wifi() -> None:
    """Look at networks, join and forget them."""


@wifi.command("list")
@pass_context
def list_networks(context: Context) -> None:
    """Show the networks in reach, strongest first."""
    from terminal.wifi import Wifi
    from terminal.wifi_words import security

    for network in _value(context, Wifi().networks()):
        mark = "*" if network.is_joined else " "
        asks = security(context.words, network.security)
        click.echo(f"{mark} {network.signal:3} %  {network.ssid}  ({asks})")


@wifi.command()
@pass_context
def saved(context: Context) -> None:
    """Show the networks that are joined by themselves."""
    from terminal.wifi import Wifi

    for network in _value(context, Wifi().saved()):
        click.echo(f"{network.uuid}  {network.name}")


@wifi.command()
@click.argument("ssid")
@pass_context
def join(context: Context, ssid: str) -> None:
    """Join the network SSID; its password is asked for, and is no argument."""
    from terminal.nmcli import WifiTrouble
    from terminal.wifi import Security, Wifi

    _, net = context.words.gettext, Wifi()
    in_reach = {network.ssid: network for network in _value(context, net.networks())}
    network = in_reach.get(ssid)
    if network is None:
        _value(context, WifiTrouble.NOT_FOUND)
        return
    password = ""
    if network.security in (Security.PSK, Security.SAE):
        asked = _("Password of {ssid}").format(ssid=ssid)
        password = click.prompt(asked, hide_input=True, err=True)
    _value(context, net.join(ssid, network.security, password))
    click.echo(_("Connected to {ssid}.").format(ssid=ssid))


@wifi.command()
@click.argument("uuid")
@pass_context
def forget(context: Context, uuid: str) -> None:
    """Forget the network UUID, as `wifi saved` lists it."""
    from terminal.wifi import Wifi

    _value(context, Wifi().forget(uuid))


@wifi.command("state")
@pass_context
def show_state(context: Context) -> None:
    """Say what this computer is connected to."""
    from terminal.wifi import Wifi
    from terminal.wifi_words import state

    for line in state(context.words, _value(context, Wifi().state())):
        click.echo(line)


@click.group()
def stick() -> None:
    """Exchange with the caisse by USB stick, where there is no network."""


@stick.command("exchange")
@_at
@pass_context
def exchange_by_stick(context: Context, folder: Path | None) -> None:
    """Take in the answer on the stick, and write what is unsent."""
    from terminal.stick_words import exchanged

    plugged = _stick(context, folder)
    with context.opened() as till:
        done = _at_stick(context, lambda: stick_exchange(context, till).run(plugged))
        for line in exchanged(context.words, done):
            click.echo(line)


@stick.command()
@_at
@pass_context
def rescue(context: Context, folder: Path | None) -> None:
    """Write what is unsent of a dead board: --data is a copy of its memory card's folder.

    Nothing is sold and nothing is journalled: the chain ends where its board ended.
    """
    from terminal.software import Software
    from terminal.wiring import open_till

    _ = context.words.gettext
    plugged = _stick(context, folder)
    till = open_till(
        context.data, clock=context.clock, software=Software.installed(), any_board=True
    )
    try:
        unsent = till.journal.unsent_sales()
        _at_stick(context, lambda: stick_exchange(context, till).rescue(plugged))
    finally:
        till.close()
    text = _("{count} sales are on the stick. Take it to the service, then declare the board lost.")
    click.echo(text.format(count=unsent))


@stick.command()
@_at
@pass_context
def diagnostics(context: Context, folder: Path | None) -> None:
    """Write a folder for the coordinator: no name, no card and no key is in it."""
    from terminal.diagnostics import gather, read_log, write_diagnostics
    from terminal.power import read_power
    from terminal.software import Software
    from terminal.sync_state import read_state

    _ = context.words.gettext
    plugged = _stick(context, folder)
    with context.opened() as till:
        files = gather(
            till,
            sync=read_state(context.data.sync_state),
            power=read_power(context.data.root),
            software=Software.installed(),
            log=read_log(),
            words=context.words,
        )
        place = stick_exchange(context, till).folder(plugged)
        written = _at_stick(context, lambda: write_diagnostics(plugged, place, files))
    text = _("The diagnostics are on the stick, in {folder}. It can be pulled out.")
    click.echo(text.format(folder=written.relative_to(plugged.path)))


def connection_test(context: Context, url: str | None) -> ConnectionTest:
    """Wire the test of this terminal's connection; raises StoreError or KeyStoreError."""
    from cardkit.sync import terminal_key_id
    from terminal.connection_test import ConnectionTest, Surroundings
    from terminal.documents import Documents
    from terminal.keyring import read_transport_key

    identity = Documents(context.data.documents).identity
    return ConnectionTest(
        url or identity.service_url,
        key=read_transport_key(context.data.keys, caisse=identity.caisse),
        key_id=terminal_key_id(identity.terminal),
        clock=context.clock,
        surroundings=Surroundings.of_this_computer(),
    )


def carry(context: Context, url: str | None) -> int:
    """Take the outbox to the service and its answers to the inbox; return how many."""
    import requests

    from terminal.documents import Documents
    from terminal.keyring import read_transport_key
    from terminal.sync import Sync
    from terminal.sync_turn import SyncTurn

    data = context.data
    identity = Documents(data.documents).identity
    key = read_transport_key(data.keys, caisse=identity.caisse)
    test = connection_test(context, url)
    with requests.Session() as session:
        sync = Sync(data, identity, key=key, session=session, clock=context.clock, url=url)
        turn = SyncTurn(data, sync, diagnose=test.run, chance=random.random, clock=context.clock)
        return turn.run()


def stick_exchange(context: Context, till: Till) -> StickExchange:
    """Wire the exchange by stick of an open till; raises KeyStoreError."""
    from terminal.keyring import read_transport_key
    from terminal.mailbox import Mailbox
    from terminal.software import Software
    from terminal.stick import StickExchange

    mailbox = Mailbox(
        context.data,
        journal=till.journal,
        store=till.store,
        clock=till.clock,
        software_version=Software.installed().version,
    )
    key = read_transport_key(context.data.keys, caisse=till.journal.caisse)
    return StickExchange(journal=till.journal, mailbox=mailbox, key=key)


def _stick(context: Context, folder: Path | None) -> Stick:
    """Return the stick that was named or is plugged in; without one, say so and leave."""
    from terminal.mounts import find_stick, stick_at
    from terminal.stick_words import missing

    found = find_stick() if folder is None else stick_at(folder)
    if found is None:
        say(missing(context.words))
        sys.exit(Exit.TROUBLE)
    return found


def _at_stick(context: Context, act: Callable[[], Done]) -> Done:
    """Do something at a stick; its trouble is a sentence and status 1."""
    from terminal.stick_words import trouble

    try:
        return act()
    except StickError as error:
        say(trouble(context.words, error))
        sys.exit(Exit.TROUBLE)


def _value(context: Context, result: Done | WifiTrouble) -> Done:
    """Return what was asked for; a trouble is a sentence and status 1."""
    from terminal.nmcli import WifiTrouble
    from terminal.wifi_words import sentence as wifi_sentence

    if isinstance(result, WifiTrouble):
        say(wifi_sentence(context.words, result))
        sys.exit(Exit.TROUBLE)
    return result
