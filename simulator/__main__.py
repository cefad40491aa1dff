"""`python -m simulator card`: one virtual card on a reader, until it is interrupted."""

from __future__ import annotations

import secrets
import signal
import sys
from types import FrameType

import click

from cardkit.errors import ClafoutisError
from simulator.card import UID_BYTES, VirtualCard
from simulator.issued import issued_card
from simulator.vpcd import VpcdSlot

NXP = b"\x04"
PORT_MAX = 0xFFFF
EXIT_NO_READER = 1


def _uid(_context: click.Context, _option: click.Parameter, value: str | None) -> bytes:
    """Seven bytes in hex, or drawn."""
    if value is None:
        return NXP + secrets.token_bytes(UID_BYTES - len(NXP))
    try:
        uid = bytes.fromhex(value)
    except ValueError:
        uid = b""
    if len(uid) != UID_BYTES:
        raise click.BadParameter(f"{value!r} is not {UID_BYTES} bytes in hex")
    return uid


def _address(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > PORT_MAX:
        raise click.BadParameter(f"{value!r} is not HOST:PORT")
    return host, int(port)


@click.group()
def main() -> None:
    """Virtual hardware."""


@main.command()
@click.option("--issued", is_flag=True, help="A card with the purse on it and demo keys.")
@click.option("--uid", callback=_uid, metavar="HEX", help="Seven bytes; drawn when not given.")
@click.option(
    "--vpcd", callback=_address, metavar="HOST:PORT", required=True, help="Where vpcd listens."
)
def card(*, issued: bool, uid: bytes, vpcd: tuple[str, int]) -> None:
    """Serve one card to a virtual reader until SIGINT or SIGTERM."""
    served = issued_card(uid) if issued else VirtualCard(uid)
    for stop in (signal.SIGINT, signal.SIGTERM):  # also where a shell in the background ignores one
        signal.signal(stop, _interrupt)
    host, port = vpcd
    try:
        with VpcdSlot(host, port) as slot:
            slot.insert(served)
            kind = "issued" if issued else "blank"
            click.echo(
                f"serving {kind} card {uid.hex().upper()} to vpcd at {host}:{port}", err=True
            )
            slot.wait_until_left()
    except ClafoutisError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_NO_READER)
    except KeyboardInterrupt:
        return
    click.echo("vpcd has ended", err=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
