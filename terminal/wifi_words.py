"""What NetworkManager did not do, in sentences that say what to do instead."""

from __future__ import annotations

from terminal.nmcli import WifiTrouble
from terminal.wifi import NetworkState, Security
from terminal.words import Words


def sentence(words: Words, trouble: WifiTrouble) -> str:
    """Say why, and what now."""
    _ = words.gettext
    workshop = _("This terminal cannot set up networks itself. Call the workshop.")
    return {
        WifiTrouble.NOT_INSTALLED: workshop,
        WifiTrouble.NOT_RUNNING: workshop,
        WifiTrouble.NOT_ALLOWED: workshop,
        WifiTrouble.NO_DEVICE: _(
            "This terminal has no Wi-Fi, or it is switched off. Use a cable or a telephone."
        ),
        WifiTrouble.MALFORMED: _("A Wi-Fi password has 8 characters at least. Look again."),
        WifiTrouble.REJECTED: _("The network does not take this password. Type it again."),
        WifiTrouble.NOT_FOUND: _("This network is not in reach. Move closer, then try again."),
        WifiTrouble.NO_ADDRESS: _(
            "The network took the password and gives no address. Switch its box off and on."
        ),
        WifiTrouble.UNSUPPORTED: _(
            "This network asks for more than a password. Use another network or a telephone."
        ),
        WifiTrouble.TIMED_OUT: _("The network does not answer. Move closer, then try again."),
        WifiTrouble.FAILED: _("That did not work. Try again, or use another network."),
    }[trouble]


def security(words: Words, asks: Security) -> str:
    """Say what a network asks for."""
    _ = words.gettext
    return {
        Security.OPEN: _("open"),
        Security.PSK: _("needs a password"),
        Security.SAE: _("needs a password"),
        Security.OTHER: _("not for this terminal"),
    }[asks]


def state(words: Words, now: NetworkState) -> tuple[str, ...]:
    """Say what is connected, a line each."""
    _ = words.gettext
    lines = (
        (_("Wi-Fi: {name}"), now.wifi),
        (_("Cable: {name}"), now.cable),
        (_("Telephone: {name}"), now.phone),
    )
    told = tuple(text.format(name=name) for text, name in lines if name is not None)
    return told or (_("Not connected."),)
