"""`python -m simulator card` and `… reader`: virtual hardware, until it is interrupted."""

from __future__ import annotations

import contextlib
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click

from cardkit.errors import ClafoutisError
from simulator.burnt.command import burnt
from simulator.card import UID_BYTES, VirtualCard
from simulator.crash.command import crash
from simulator.crash.cut_command import cut
from simulator.issued import issued_card
from simulator.pn532 import VirtualPn532
from simulator.town.command import town_command
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


main.add_command(burnt)
main.add_command(town_command)
main.add_command(crash)
main.add_command(cut)


@main.command()
@click.option("--issued", is_flag=True, help="A card with the purse on it and demo keys.")
@click.option("--uid", callback=_uid, metavar="HEX", help="Seven bytes; drawn when not given.")
@click.option(
    "--vpcd", callback=_address, metavar="HOST:PORT", required=True, help="Where vpcd listens."
)
def card(*, issued: bool, uid: bytes, vpcd: tuple[str, int]) -> None:
    """Serve one card to a virtual reader until SIGINT or SIGTERM."""
    served = issued_card(uid) if issued else VirtualCard(uid)
    _end_by_signal()
    host, port = vpcd
    try:
        with VpcdSlot(host, port) as slot:
            slot.insert(served)
            click.echo(
                f"serving {_named(served, issued=issued)} to vpcd at {host}:{port}", err=True
            )
            slot.wait_until_left()
    except ClafoutisError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_NO_READER)
    except KeyboardInterrupt:
        return
    click.echo("vpcd has ended", err=True)


@main.command()
@click.option("--issued", is_flag=True, help="A card with the purse on it and demo keys.")
@click.option("--uid", callback=_uid, metavar="HEX", help="Seven bytes; drawn when not given.")
@click.option(
    "--pty",
    "link",
    type=click.Path(path_type=Path),
    metavar="PATH",
    required=True,
    help="Where to make a link to the reader's serial line.",
)
def reader(*, issued: bool, uid: bytes, link: Path) -> None:
    """Serve a virtual PN532 with one card on it until SIGINT or SIGTERM.

    Commands on standard input: lift, place, quit.
    """
    served = issued_card(uid) if issued else VirtualCard(uid)
    _end_by_signal()
    with (
        contextlib.suppress(KeyboardInterrupt),
        VirtualPn532(in_real_time=True) as pn532,
        _linked(link, Path(pn532.path)),
    ):
        pn532.place(served)
        click.echo(
            f"serving a PN532 at {link} ({pn532.path}) with {_named(served, issued=issued)}\n"
            f"try: LIBNFC_DEFAULT_DEVICE=pn532_uart:{link} nfc-list\n"
            "commands: lift, place, quit",
            err=True,
        )
        _obey(pn532, served)


def _obey(pn532: VirtualPn532, served: VirtualCard) -> None:
    """Follow the commands on standard input; when there is none, wait for a signal."""
    for line in _lines():
        match line.strip():
            case "lift":
                pn532.lift()
            case "place" if not pn532.cards:
                pn532.place(served)
            case "quit":
                return
            case "place" | "":
                continue
            case unknown:
                click.echo(f"no such command: {unknown}", err=True)
                continue
        click.echo(f"on the reader: {len(pn532.cards)}", err=True)
    signal.pause()


def _lines() -> Iterator[str]:
    """Standard input by lines; a closed one, or another job's terminal, has none."""
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):
        yield from sys.stdin or ()


@contextlib.contextmanager
def _linked(link: Path, target: Path) -> Iterator[None]:
    """A link to the line while the context lasts; nothing but a dangling link is replaced."""
    try:
        if link.is_symlink() and not link.exists():
            link.unlink()
        link.symlink_to(target)
    except FileExistsError as error:
        raise click.BadParameter(f"{link} exists", param_hint="--pty") from error
    except OSError as error:
        raise click.BadParameter(f"{link}: {error.strerror}", param_hint="--pty") from error
    try:
        yield
    finally:
        if link.is_symlink() and link.readlink() == target:
            link.unlink()


def _named(served: VirtualCard, *, issued: bool) -> str:
    kind = "issued" if issued else "blank"
    return f"{kind} card {served.uid.hex().upper()}"


def _end_by_signal() -> None:
    """End by SIGINT also where a shell in the background ignores it."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
