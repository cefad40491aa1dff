"""What the terminal says about readers: which were found, why not the others, how a test went."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.reader.auto import Candidate, Found, Obstacle
from cardkit.reader.beep import Beep
from terminal.reader_test import PERCENTILE, Report, TapResult, TimedTap
from terminal.words import Words


def obstacle(words: Words, what: Obstacle) -> str:
    """Say why a reader is not used, and what to do about it."""
    _ = words.gettext
    sentences = {
        Obstacle.NOT_NEEDED: _("Not tried: another one comes first."),
        Obstacle.PCSCD_NOT_INSTALLED: _("pcscd is not installed: apt install pcscd libccid."),
        Obstacle.PCSCD_NOT_RUNNING: _("pcscd does not run: systemctl enable --now pcscd.socket."),
        Obstacle.PCSCD_REFUSES: _(
            "pcscd refuses this user: install systemd/polkit/50-clafoutis.rules."
        ),
        Obstacle.PCSCD_HAS_NONE: _("pcscd sees no reader. Is it plugged in?"),
        Obstacle.NOT_CONTACTLESS: _("A slot for chip cards: it cannot read contactless ones."),
        Obstacle.NO_PERMISSION: _(
            "This user may not open it: add the user to the group “dialout”, for USB install"
            " systemd/udev/70-clafoutis-readers.rules as well, then restart."
        ),
        Obstacle.BUSY: _("Another program holds it. Close it, then try again."),
        Obstacle.KERNEL_DRIVER: _(
            "A driver of the kernel holds it: install systemd/modprobe/clafoutis-nfc.conf, then"
            " restart."
        ),
        Obstacle.BAD_FIRMWARE: _("Its firmware hangs this way: use it through pcscd."),
        Obstacle.CONSOLE: _(
            "The system's console is on this line: raspi-config, Interface Options, Serial Port,"
            " no login shell."
        ),
        Obstacle.SILENT: _("Nothing answers there."),
    }
    return sentences[what]


def beep(words: Words, what: Beep) -> str:
    """Say whether the reader beeps by itself at a card."""
    _ = words.gettext
    return {
        Beep.MUTED: _("muted"),
        Beep.NONE: _("none"),
        Beep.UNKNOWN: _("unknown"),
        Beep.AUDIBLE: _("it beeps"),
    }[what]


def beep_warning(words: Words, what: Beep) -> str | None:
    """Warn of a beep that people will take for a payment; None where there is none."""
    _ = words.gettext
    match what:
        case Beep.AUDIBLE:
            return _(
                "This reader beeps at every card and cannot be muted: its beep does not mean"
                " “paid”. Only the screen says that."
            )
        case Beep.UNKNOWN:
            return _(
                "If this reader beeps at a card, that does not mean “paid”. Only the screen says"
                " that."
            )
    return None


def found(words: Words, search: Found) -> Iterator[str]:
    """List what was looked at: an arrow at the chosen one, under each other one the reason.

    A reason is one long line, because it holds commands that people copy.
    """
    for candidate in search.candidates:
        yield _headline(candidate, is_chosen=candidate == search.chosen)
        if candidate.obstacle is not None:
            yield f"    {obstacle(words, candidate.obstacle)}"


def tap(words: Words, done: TimedTap, *, number: int, count: int) -> str:
    """Say how one tap of a test went."""
    _ = words.gettext
    text = {
        TapResult.READ: _("Tap {number} of {count}: read in {took_ms} ms."),
        TapResult.OTHER: _("Tap {number} of {count}: not a card of this caisse."),
        TapResult.LOST: _("Tap {number} of {count}: lost. Hold the card still on the reader."),
    }[done.result]
    return text.format(number=number, count=count, took_ms=done.took_ms)


def table(words: Words, report: Report, beeps: Beep) -> Iterator[str]:
    """Sum up a test, one line a figure."""
    _ = words.gettext
    rates = ", ".join(map(str, report.bit_rates_kbps))
    rows = [
        (_("Taps"), f"{len(report.taps)}"),
        (_("Read right"), f"{report.count_right}"),
        (_("Lost"), f"{report.count(TapResult.LOST)}"),
        (_("Other cards"), f"{report.count(TapResult.OTHER)}"),
        (_("Success rate"), f"{report.success_percent} %"),
        *_times(words, report),
        (_("Bit rate"), f"{rates} kbit/s" if rates else _("not told by this reader")),
        (_("Own beep"), beep(words, beeps)),
    ]
    width = max(len(name) for name, _value in rows)
    for name, value in rows:
        yield f"{name:<{width}}  {value}"


def _headline(candidate: Candidate, *, is_chosen: bool) -> str:
    """The address, and the name unless the address is all but the name."""
    arrow = "→" if is_chosen else " "
    _kind, _colon, rest = candidate.address.partition(":")
    is_said = bool(rest) and candidate.name.startswith(rest)
    name = "" if is_said else f"  ({candidate.name})"
    return f"{arrow} {candidate.address}{name}"


def _times(words: Words, report: Report) -> Iterator[tuple[str, str]]:
    _ = words.gettext
    if not report.times_ms:
        yield _("Time of a tap"), "–"
        return
    text = _("{least} ms at best, {median} ms median")
    yield _("Time of a tap"), text.format(least=report.times_ms[0], median=report.within_ms(50))
    most = _("{percent} % of the taps").format(percent=PERCENTILE)
    yield most, _("within {within} ms").format(within=report.within_ms(PERCENTILE))
