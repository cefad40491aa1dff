"""Getting through to the caisse: now, by Wi-Fi, by telephone, by stick; and why it did not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cardkit.errors import StickError, StoreError
from cardkit.stick import StickFolder
from terminal import connection_words, stick_words, wifi_words
from terminal.diagnostics import gather, read_log, write_diagnostics
from terminal.mounts import Stick
from terminal.nmcli import WifiTrouble
from terminal.surroundings import read_surroundings
from terminal.sync_state import SyncState, read_state, want_exchange
from terminal.ui.choose import ChoicePage
from terminal.ui.flows.asking import tell
from terminal.ui.text import TextPage
from terminal.ui.widgets import Choice
from terminal.wifi import Network, NetworkState, Security

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


async def connect(app: TillApp) -> None:
    """Show how the connection stands and what can be done, until it is left."""
    _ = app.words.gettext
    while True:
        state = await asyncio.to_thread(read_state, app.parts.data.sync_state)
        choices = (
            Choice(_("Exchange now")),
            Choice(_("Wi-Fi"), _("choose a network")),
            Choice(_("By a telephone"), _("over its USB cable")),
            Choice(_("By USB stick"), _("both ways")),
            Choice(_("Diagnostics to a stick"), _("no name, no card")),
        )
        text = await _text(app, state)
        index = await app.show(ChoicePage(_("Connection"), choices, text=text))
        if index is None:
            return
        await (_now, _wifi, _telephone, _stick, _diagnostics)[index](app)


async def _text(app: TillApp, state: SyncState) -> str:
    _, situation = app.words.gettext, app.situation
    lines = [await asyncio.to_thread(_network_text, app)]
    if state.succeeded_at is None:
        lines.append(_("No exchange has succeeded yet."))
    else:
        lines.append(_("Last exchange: {day}").format(day=app.words.day(state.succeeded_at)))
    if state.failures:
        lines.append(connection_words.sentence(app.words, state.diagnosis.cause))
    if situation is not None and situation.unsent_sales:
        text = _("To send: {amount} ({count})")
        lines.append(
            text.format(
                count=situation.unsent_sales, amount=app.words.euros(situation.unsent_cents)
            )
        )
    return "\n".join(lines)


def _network_text(app: TillApp) -> str:
    _ = app.words.gettext
    state = app.parts.wifi.state()
    if isinstance(state, WifiTrouble):
        return wifi_words.sentence(app.words, state)
    return network_name(app, state)


def network_name(app: TillApp, state: NetworkState) -> str:
    """Say what this computer is connected to."""
    _ = app.words.gettext
    if state.phone is not None:
        return _("Network: by the telephone")
    if state.cable is not None:
        return _("Network: by cable")
    if state.wifi is not None:
        return _("Network: Wi-Fi {name}").format(name=state.wifi)
    return _("No network. Sales go on, and are sent later.")


async def _now(app: TillApp) -> None:
    """Leave requests in the outbox and ask the sync process to carry them now."""
    _ = app.words.gettext
    await app.do(lambda till: till.export_outbox())
    try:
        await asyncio.to_thread(want_exchange, app.parts.data)
    except StoreError as error:
        await tell(app, _("Connection"), app.words.trouble(error), tone="amber")
        return
    text = _("The exchange has been asked for. The line at the top says when all is sent.")
    await tell(app, _("Connection"), text)
    await app.do(lambda till: till.consume_inbox())


async def _wifi(app: TillApp) -> None:
    """Join one of the networks in reach."""
    _ = app.words.gettext
    found = await asyncio.to_thread(app.parts.wifi.networks)
    if isinstance(found, WifiTrouble):
        await tell(app, _("Wi-Fi"), wifi_words.sentence(app.words, found), tone="amber")
        return
    if not found:
        text = _("No network is in reach. Move closer to the box, or share a telephone's.")
        await tell(app, _("Wi-Fi"), text)
        return
    choices = [Choice(it.ssid, _network_hint(app, it)) for it in found]
    index = await app.show(ChoicePage(_("Wi-Fi"), choices))
    if index is not None:
        await _join(app, found[index])


async def _join(app: TillApp, network: Network) -> None:
    _ = app.words.gettext
    password: str | None = ""
    if network.security in {Security.PSK, Security.SAE}:
        title = _("Password of {network}").format(network=network.ssid)
        password = await app.show(TextPage(title, secret=True))
    if password is None:
        return
    known = password
    trouble = await asyncio.to_thread(
        lambda: app.parts.wifi.join(network.ssid, network.security, known)
    )
    if trouble is not None:
        await tell(app, _("Wi-Fi"), wifi_words.sentence(app.words, trouble), tone="amber")
    else:
        await tell(app, _("Wi-Fi"), _("Connected to {network}.").format(network=network.ssid))


def _network_hint(app: TillApp, network: Network) -> str:
    _ = app.words.gettext
    bars = "▂▄▆█"[: 1 + min(3, network.signal // 25)]
    joined = _("connected") if network.is_joined else ""
    return " ".join(it for it in (bars, joined) if it)


async def _telephone(app: TillApp) -> None:
    _ = app.words.gettext
    text = _(
        "1. Plug the telephone in with its USB cable.\n"
        "2. In its settings, switch on “USB tethering”.\n"
        "3. The line above says “by the telephone” a few seconds later."
    )
    await tell(app, _("By a telephone"), text)


async def _stick(app: TillApp) -> None:
    """Write what is unsent to a stick and take in the answer that lies there."""
    _ = app.words.gettext
    stick = await _plugged(app)
    if stick is None:
        return
    try:
        done = await app.do(lambda till: till.exchange_by_stick(stick))
    except StickError as error:
        await tell(app, _("By USB stick"), stick_words.trouble(app.words, error), tone="amber")
    else:
        await tell(app, _("By USB stick"), "\n".join(stick_words.exchanged(app.words, done)))


async def _diagnostics(app: TillApp) -> None:
    """Leave on a stick how the terminal is, for whoever helps from afar."""
    _ = app.words.gettext
    stick = await _plugged(app)
    if stick is None:
        return
    surroundings = await asyncio.to_thread(read_surroundings, app.parts.data)
    log = await asyncio.to_thread(read_log)
    files = await app.do(
        lambda till: gather(
            till,
            sync=surroundings.sync,
            power=surroundings.power,
            software=app.parts.software,
            log=log,
            words=app.words,
        )
    )
    folder = await app.do(
        lambda till: StickFolder(
            stick=stick.path, caisse=till.journal.caisse, terminal=till.journal.terminal
        )
    )
    try:
        await asyncio.to_thread(write_diagnostics, stick, folder, files)
    except StickError as error:
        await tell(app, _("Diagnostics"), stick_words.trouble(app.words, error), tone="amber")
    else:
        await tell(app, _("Diagnostics"), _("They are on the stick. It can be pulled out."))


async def _plugged(app: TillApp) -> Stick | None:
    """Return the stick that is plugged in; without one, say so."""
    _ = app.words.gettext
    stick = await asyncio.to_thread(app.parts.find_stick)
    if stick is None:
        await tell(app, _("By USB stick"), stick_words.missing(app.words))
    return stick
