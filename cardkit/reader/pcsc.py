"""A reader behind pcscd, through PC/SC's own functions; only this module imports pyscard.

pyscard's monitor dies for good when the daemon restarts, and its exceptions differ by moment. So
here is a loop of our own: establish, list, wait, and on anything unexpected let go and begin anew.
No handle is trusted after an error, because it may by then speak to another card.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from smartcard import scard

from cardkit.card.connection import Activation
from cardkit.errors import (
    CardForeign,
    CardLost,
    ReaderBusy,
    ReaderForbidden,
    ReaderLost,
    ReaderMissing,
)
from cardkit.reader.beep import Beep, Buzzer, buzzer_of, silence
from cardkit.reader.deadline import Deadline

logger = logging.getLogger(__name__)

_SLICE_S = 0.25
"""How long one wait may last: a reader plugged in meanwhile is seen after it, and so is `close`."""

_RETRY_S = 0.05
"""The pause after a card or a handle failed, so that a dying one is not asked in a tight loop."""

_FAILURES_MAX = 12
"""Connections that may fail in a row before the card is powered off: longer than the 0.4 s in which
pcscd looks again at a card that has left, so a card still said to be there is there, and hangs."""

_PLUG_AND_PLAY = "\\\\?PnP?\\Notification"
_GET_UID = [0xFF, 0xCA, 0x00, 0x00, 0x00]  # PC/SC part 3, section 3.2.2.1.3: the reader answers
_SUCCESS = [0x90, 0x00]
_ESCAPES = (scard.SCARD_CTL_CODE(1), scard.SCARD_CTL_CODE(3500))
"""Control codes for a command to the reader itself: libccid's (`SCARDCONTROL.md`), and Microsoft's,
which newer drivers take as well."""
_PROTOCOLS = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
_NO_CARD = frozenset(
    {
        scard.SCARD_E_NO_SMARTCARD,
        scard.SCARD_W_REMOVED_CARD,
        scard.SCARD_W_RESET_CARD,
        scard.SCARD_W_UNPOWERED_CARD,
        scard.SCARD_W_UNRESPONSIVE_CARD,
        scard.SCARD_E_PROTO_MISMATCH,
    }
)


class PcscConnection:
    """One card, held exclusively; after its first error it is closed and stays so."""

    def __init__(self, handle: int, protocol: int) -> None:
        """Take a connected card. Raises CardLost, or CardForeign when it has no UID."""
        self._handle: int | None = handle
        self._protocol = protocol
        answer = self._transmit(_GET_UID)
        if answer[-2:] != _SUCCESS:
            self.close()
            raise CardForeign("the reader gives no UID of this card")
        _, _, _, _, atr = scard.SCardStatus(handle)
        self._activation = Activation(uid=bytes(answer[:-2]), atr=bytes(atr))

    @property
    def uid(self) -> bytes:
        """The UID that anticollision gave."""
        return self._activation.uid

    @property
    def activation(self) -> Activation:
        """UID and ATR: the rest is the reader's own business."""
        return self._activation

    def transceive(self, command: bytes) -> bytes:
        """Send one C-APDU; raises CardLost when no whole answer came, and ever after."""
        if not self._activation.speaks_apdus:
            # The reader itself would answer in its place.
            self.close()
            raise CardLost("the card speaks no APDUs")
        return self.ask(command)

    def ask(self, command: bytes) -> bytes:
        """Send a command that the reader may answer itself; raises CardLost likewise."""
        return bytes(self._transmit(list(command)))

    def close(self) -> None:
        """Power the card off and let go of it."""
        self._let_go(scard.SCARD_UNPOWER_CARD)

    def supersede(self) -> None:
        """Let go because a card is looked for anew: this one or the next is reset by it."""
        self._let_go(scard.SCARD_RESET_CARD)

    def _transmit(self, command: list[int]) -> list[int]:
        if self._handle is None:
            raise CardLost("the connection is closed")
        result, answer = scard.SCardTransmit(self._handle, self._protocol, command)
        if result != scard.SCARD_S_SUCCESS or len(answer) < len(_SUCCESS):
            # Powering a card that has left makes pcscd call the field empty, and a card that comes
            # back before its next look is then not seen: so it is left to notice by itself.
            self._let_go(scard.SCARD_LEAVE_CARD)
            lost = result == scard.SCARD_S_SUCCESS
            raise CardLost("no answer" if lost else f"no answer: {_message(result)}")
        return list(answer)

    def _let_go(self, disposition: int) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            scard.SCardDisconnect(handle, disposition)


class _Watch(Deadline):
    """One wait: when it ends, and the reader state that a change is measured against."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(timeout_s)
        self.known = int(scard.SCARD_STATE_UNAWARE)
        self.reader_is_there = False


class PcscReader:
    """The first reader of pcscd whose name contains `name_filter`.

    Any error of the daemon or the reader lets go of everything; the next look begins anew.
    """

    def __init__(self, name_filter: str) -> None:
        """Raise ReaderMissing when there is none now, ReaderForbidden when polkit says no."""
        self._filter = name_filter
        self._context: int | None = None
        self._name = name_filter
        self._trouble = "no reader of that name"
        self._failures = 0
        self._connection: PcscConnection | None = None
        self._beep = Beep.UNKNOWN
        self._is_beep_known = False
        self._mutes_through_card = False
        if self._find() is None:
            self.close()
            raise ReaderMissing(f"pcsc:{name_filter}: {self._trouble}")

    @property
    def name(self) -> str:
        """The name that pcscd gives it."""
        return self._name

    @property
    def beep(self) -> Beep:
        """Its own beep, muted when it was found where its driver lets us."""
        return self._beep

    def wait_for_card(self, timeout_s: float) -> PcscConnection | None:
        """Return a connection to the card in the field, or None when none came in time.

        Whatever card is there counts: one that was just let go of is returned again, so a caller
        who wants another tap waits for the removal first. A reader or daemon that is away is
        waited for; raises ReaderLost when it is still away at the end, ReaderBusy when another
        program holds the card, CardForeign when the card has no UID.
        """
        watch = _Watch(timeout_s)
        while True:
            state = self._look(watch)
            if state & scard.SCARD_STATE_PRESENT and not state & scard.SCARD_STATE_MUTE:
                connection = self._connect()
                if connection is not None:
                    return connection
                time.sleep(watch.slice_s(_RETRY_S))
                watch.known = scard.SCARD_STATE_UNAWARE  # look again, without waiting for a change
            if watch.is_over:
                self._demand_reader(watch)
                return None

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Say whether the field is empty, waiting up to `timeout_s` for it.

        Raises ReaderLost when the reader is away at the end.
        """
        watch = _Watch(timeout_s)
        while True:
            if self._look(watch) & scard.SCARD_STATE_EMPTY:
                return True
            if watch.is_over:
                self._demand_reader(watch)
                return False

    def close(self) -> None:
        """Let go of the daemon, and of every card."""
        context, self._context = self._context, None
        if context is not None:
            scard.SCardReleaseContext(context)

    def _look(self, watch: _Watch) -> int:
        """The reader's state bits after one slice at most; none while it is away."""
        name = self._find()
        watch.reader_is_there = name is not None
        if name is None:
            watch.known = int(scard.SCARD_STATE_UNAWARE)
        if self._context is None:
            time.sleep(watch.slice_s(_SLICE_S))
            return watch.known
        states = [(_PLUG_AND_PLAY, scard.SCARD_STATE_UNAWARE)]
        if name is not None:
            states.append((name, watch.known))
        result, answers = scard.SCardGetStatusChange(
            self._context, int(watch.slice_s(_SLICE_S) * 1000), states
        )
        if result == scard.SCARD_S_SUCCESS and name is not None:
            watch.known = int(answers[-1][1]) & ~int(scard.SCARD_STATE_CHANGED)
        elif result not in {scard.SCARD_S_SUCCESS, scard.SCARD_E_TIMEOUT}:
            self._begin_anew(result)
            watch.known = int(scard.SCARD_STATE_UNAWARE)
            time.sleep(watch.slice_s(_RETRY_S))
        return watch.known

    def _find(self) -> str | None:
        """The reader's whole name if it is there now; the context stays open for a wait."""
        if self._context is None:
            result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
            _demand_permission(result)
            if result != scard.SCARD_S_SUCCESS:
                self._trouble = _message(result)
                return None
            self._context = context
            self._is_beep_known = False
        result, names = scard.SCardListReaders(self._context, [])
        if result not in {scard.SCARD_S_SUCCESS, scard.SCARD_E_NO_READERS_AVAILABLE}:
            self._begin_anew(result)
            return None
        matching = [str(name) for name in names if self._filter in name]
        if not matching:
            self._trouble = "no reader of that name"
            self._is_beep_known = False
            return None
        self._name = matching[0]
        if not self._is_beep_known:
            self._mute()
        return self._name

    def _mute(self) -> None:
        """Mute the reader's beep each time that it is found: some forget it with the power."""
        self._is_beep_known = True
        buzzer = buzzer_of(self._name)
        if buzzer is None:
            return
        result, handle, _ = scard.SCardConnect(
            self._context, self._name, scard.SCARD_SHARE_DIRECT, scard.SCARD_PROTOCOL_UNDEFINED
        )
        self._beep = Beep.UNKNOWN
        if result == scard.SCARD_S_SUCCESS:
            try:
                self._beep = silence(buzzer, _escape(handle))
            finally:
                scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
        self._mutes_through_card = self._beep is not Beep.MUTED and buzzer is Buzzer.ACR122
        if self._mutes_through_card:
            self._beep = Beep.UNKNOWN  # until the first card

    def _mute_through(self, connection: PcscConnection) -> None:
        """Where the driver lets no command through to the reader, an ACR122U takes it as an APDU.

        Asked once, with the first card (ACR122U API V2.04, section 6.0). Raises CardLost.
        """
        if self._mutes_through_card:
            self._beep = silence(Buzzer.ACR122, connection.ask)
            self._mutes_through_card = False

    def _connect(self) -> PcscConnection | None:
        """Take the card that was seen, or None when it is gone again."""
        if self._connection is not None:
            self._connection.supersede()
            self._connection = None
        result, handle, protocol = scard.SCardConnect(
            self._context, self._name, scard.SCARD_SHARE_EXCLUSIVE, _PROTOCOLS
        )
        if result == scard.SCARD_S_SUCCESS and self._failures >= _FAILURES_MAX:
            self._failures = 0
            result, protocol = scard.SCardReconnect(
                handle, scard.SCARD_SHARE_EXCLUSIVE, _PROTOCOLS, scard.SCARD_UNPOWER_CARD
            )
            if result != scard.SCARD_S_SUCCESS:
                scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
        _demand_permission(result)
        if result == scard.SCARD_E_SHARING_VIOLATION:
            raise ReaderBusy(f"another program holds {self._name}")
        if result != scard.SCARD_S_SUCCESS:
            if result not in _NO_CARD:
                self._begin_anew(result)
            return None
        try:
            connection = PcscConnection(handle, protocol)
            self._mute_through(connection)
        except CardLost:
            self._failures += 1
            return None
        self._failures = 0
        self._connection = connection
        return connection

    def _begin_anew(self, result: int) -> None:
        self._trouble = _message(result)
        logger.info("letting go of %s: %s", self._name, self._trouble)
        self.close()

    def _demand_reader(self, watch: _Watch) -> None:
        if not watch.reader_is_there:
            raise ReaderLost(f"{self._name}: {self._trouble}")


def reader_names() -> tuple[str, ...]:
    """Return the names of pcscd's readers, in its order.

    Raises ReaderMissing when no daemon answers, ReaderForbidden when it refuses this user.
    """
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    _demand_permission(result)
    if result != scard.SCARD_S_SUCCESS:
        raise ReaderMissing(_message(result))
    try:
        result, names = scard.SCardListReaders(context, [])
    finally:
        scard.SCardReleaseContext(context)
    if result not in {scard.SCARD_S_SUCCESS, scard.SCARD_E_NO_READERS_AVAILABLE}:
        raise ReaderMissing(_message(result))
    return tuple(str(name) for name in names)


def _demand_permission(result: int) -> None:
    """Raise ReaderForbidden for polkit's refusal, which pcscd reports as a security violation."""
    if result == scard.SCARD_W_SECURITY_VIOLATION:
        raise ReaderForbidden(f"pcscd refuses this user (polkit): {_message(result)}")


def _escape(handle: int) -> Callable[[bytes], bytes | None]:
    """A way to the reader itself, through whichever control code its driver takes."""

    def ask(command: bytes) -> bytes | None:
        for code in _ESCAPES:
            result, answer = scard.SCardControl(handle, code, list(command))
            if result == scard.SCARD_S_SUCCESS:
                return bytes(answer)
        return None

    return ask


def _message(result: int) -> str:
    return f"{scard.SCardGetErrorMessage(result)} (0x{result & 0xFFFF_FFFF:08X})"
