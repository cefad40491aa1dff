"""`clafoutis-terminal connection`: how this terminal and the caisse hear of each other."""

# ruff: noqa: PLC0415 - a command loads its own libraries, and the till none of them

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

import click

from terminal.connection_words import sentence
from terminal.context import Context, Exit, pass_context, say
from terminal.diagnosis import Cause

if TYPE_CHECKING:
    from terminal.connection_test import ConnectionTest


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
