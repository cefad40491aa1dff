"""What stands between terminal and service, in sentences that say what to do about it."""

from __future__ import annotations

from terminal.diagnosis import Cause
from terminal.words import Words


def sentence(words: Words, cause: Cause) -> str:
    """Say what a person at a stall can do; what was sold is kept whatever the cause."""
    return (_nearby(words) | _on_the_way(words) | _at_the_service(words))[cause]


def _nearby(words: Words) -> dict[Cause, str]:
    _ = words.gettext
    return {
        Cause.WELL: _("The caisse answers. All is well."),
        Cause.NO_INTERFACE: _(
            "No network is connected. Join a Wi-Fi network, or plug in a cable or a telephone."
        ),
        Cause.NO_ADDRESS: _(
            "The network is connected and gives this terminal no address."
            " Switch the box or the telephone's sharing off and on, then try again."
        ),
        Cause.DISK: _("The answer could not be written to the disk. Call the workshop."),
    }


def _on_the_way(words: Words) -> dict[Cause, str]:
    _ = words.gettext
    return {
        Cause.DNS: _(
            "The network leads nowhere: the caisse's address is not found."
            " See whether the box itself is online, or use a telephone."
        ),
        Cause.CONNECT: _(
            "The caisse cannot be reached through this network."
            " Try again later, or use another network."
        ),
        Cause.SILENT: _("The line is too poor: nobody answers in time. Try again later."),
        Cause.PORTAL: _(
            "This network first wants something accepted on a page of its own."
            " Accept it with a telephone, or use another network."
        ),
        Cause.TLS: _("This network lets no secure connection through. Use another network."),
        Cause.INTERRUPTED: _("The line dropped on the way, and works again. Try again."),
    }


def _at_the_service(words: Words) -> dict[Cause, str]:
    _ = words.gettext
    return {
        Cause.CLOCK_BEHIND: _(
            "This terminal's date is in the past, so that it cannot recognise the caisse."
            " Set the date, then try again."
        ),
        Cause.CERTIFICATE_EXPIRED: _(
            "The caisse's certificate has run out. If this terminal's date is right,"
            " call the coordinator; if not, set it."
        ),
        Cause.CERTIFICATE_UNKNOWN: _(
            "Somebody else answers in the caisse's place on this network. Nothing was told to"
            " them. Use another network; if it happens everywhere, call the coordinator."
        ),
        Cause.ANOTHER_SERVICE: _(
            "What answers at the caisse's address is not the caisse. Call the coordinator."
        ),
        Cause.SERVICE_DOWN: _(
            "The caisse's service is out of order for the moment. Everything is kept; try later."
        ),
        Cause.REFUSED: _(
            "The caisse does not know this terminal (any more). Call the coordinator."
        ),
        Cause.ANSWER_INVALID: _(
            "The caisse's answer cannot be used. Everything is kept; call the coordinator."
        ),
    }
