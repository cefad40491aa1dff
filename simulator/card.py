"""A virtual DESFire card: C-APDU in, R-APDU out, and everything a real one would remember.

A pure core without clock, thread or input and output. Readers are played by the adapters around
it (`simulator.field` in-process, `simulator.vpcd` for the real pcscd).
"""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass, field
from typing import TypeAlias

from simulator.desfire.channel import wire_bytes
from simulator.desfire.commands import CHAINED_DATA_BYTES_MAX, COMMANDS, Command
from simulator.desfire.handshake import (
    INS_EV2_FIRST,
    INS_EV2_NON_FIRST,
    Handshake,
    answer,
    challenge,
)
from simulator.desfire.legacy import (
    COMMANDS_OF_OLD,
    INS_D40,
    INS_EV1_AES,
    LegacyHandshake,
    is_of_old,
    legacy_answer,
    legacy_challenge,
)
from simulator.desfire.level import changes_own_key
from simulator.desfire.memory import Application, KeyKind, Memory, Model
from simulator.desfire.state import Behaviour, CardState, Random
from simulator.desfire.status import Fault, IsoFault, IsoStatus, Mode, Status, require
from simulator.desfire.transaction import Committed, ValueChange

__all__ = [
    "Behaviour",
    "Committed",
    "KeyKind",
    "Model",
    "Snapshot",
    "ValueChange",
    "VirtualCard",
]

CLA_ISO, CLA_NATIVE = 0x00, 0x90
INS_ISO_SELECT = 0xA4
INS_ADDITIONAL_FRAME = 0xAF
INS_GET_VALUE = 0x6C
INS_CHANGE_KEY = 0xC4
SELECT_BY_DF_NAME, SELECT_BY_FID = 0x04, 0x00
UID_BYTES = 7
# As delivered; the same for EV1, EV2 and EV3.
ATQA = bytes.fromhex("0344")
SAK = 0x20
ATS = bytes.fromhex("067577810280")  # FSC 64, to 848 kbit/s, FWT 77 ms


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a card remembered at one moment: to roll it back, or to make a clone of it."""

    memory: Memory = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """The rest of an answer that the reader fetches frame by frame."""

    frames: tuple[bytes, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class _Incoming:
    """The beginning of a command that arrives frame by frame."""

    ins: int
    payload: bytes


_Pending: TypeAlias = Handshake | LegacyHandshake | _Outgoing | _Incoming


class VirtualCard:
    """One card. It is fed APDUs by `transmit` and loses power by `reset`.

    Fresh from the factory: PICC level only, whose master key is DES and zero, free creation of
    applications. `picc_key` AES gives a card whose key has been made AES, zero as before.
    """

    def __init__(
        self,
        uid: bytes,
        *,
        random: Random = secrets.token_bytes,
        model: Model = Model.EV3,
        behaviour: Behaviour | None = None,
        picc_key: KeyKind = KeyKind.DES,
    ) -> None:
        if len(uid) != UID_BYTES:
            raise ValueError("a UID has 7 bytes")
        memory = Memory.blank(uid, model, picc_key)
        self._state = CardState(memory, random, behaviour or Behaviour(), memory.root)
        self._pending: _Pending | None = None

    @property
    def uid(self) -> bytes:
        """The 7 bytes of anticollision."""
        return self._state.memory.uid

    @property
    def atqa(self) -> bytes:
        """Answer to request, MSB first: 7-byte UID."""
        return ATQA

    @property
    def sak(self) -> int:
        """Select acknowledge: ISO/IEC 14443-4."""
        return SAK

    @property
    def ats(self) -> bytes:
        """Answer to select, TL first."""
        return ATS

    @property
    def memory(self) -> Memory:
        """What survives without power; tests and `simulator.issued` reach into it."""
        return self._state.memory

    @property
    def history(self) -> tuple[Committed, ...]:
        """Every transaction that this piece of plastic ever committed, oldest first.

        No roll-back changes it: it is what happened, and not what the card remembers.
        """
        return tuple(self._state.history)

    def reset(self) -> None:
        """The field is gone: session, selection, shadow and TMI with it."""
        self._pending = None
        self._state.power_up()

    def snapshot(self) -> Snapshot:
        """Keep a copy of the memory."""
        return Snapshot(copy.deepcopy(self._state.memory))

    def restore(self, snapshot: Snapshot) -> None:
        """Become what the snapshot remembers, UID included, and lose power."""
        self._state.memory = copy.deepcopy(snapshot.memory)
        self.reset()

    def sign(self, signature: bytes) -> None:
        """Set the 56 bytes that Read_Sig answers."""
        self._state.memory.signature = signature

    def cut_power_in_next_write(self, stored_bytes: int) -> None:
        """Let the next WriteData to a standard file stop after so many bytes, and fall mute."""
        self._state.cut_write_after_bytes = stored_bytes

    def transmit(self, command: bytes) -> bytes | None:
        """Answer one C-APDU with a whole R-APDU; None when the card stays mute."""
        if not command or self._is_mute():
            return None
        try:
            response = self._dispatch(command)
        except Fault as fault:
            self._pending = None
            self._state.fail()
            response = bytes([0x91, fault.status])
        except IsoFault as fault:
            self._pending = None
            self._state.fail()
            response = fault.status.to_bytes(2, "big")
        return None if self._is_mute() else response

    def _is_mute(self) -> bool:
        return not self._state.powered

    def _dispatch(self, command: bytes) -> bytes:
        if command[0] not in (CLA_ISO, CLA_NATIVE):
            raise IsoFault(IsoStatus.UNKNOWN_CLA)
        if len(command) < 4:
            raise IsoFault(IsoStatus.WRONG_LENGTH)
        if command[0] == CLA_ISO:
            return self._iso(command)
        if command[2:4] != b"\x00\x00":
            raise IsoFault(IsoStatus.WRONG_P1_P2)
        return self._native(command[1], _native_payload(command))

    def _iso(self, command: bytes) -> bytes:
        """ISOSelectFile by DF name, or by file identifier of an application."""
        _, ins, by, _, *_ = command
        if ins != INS_ISO_SELECT:
            raise IsoFault(IsoStatus.UNKNOWN_INS)
        name = _iso_payload(command)
        found: Application | None = None
        if by == SELECT_BY_DF_NAME:
            found = self._state.memory.by_df_name(name)
        elif by == SELECT_BY_FID:
            found = self._state.memory.by_iso_fid(name)
        if found is None:
            raise IsoFault(IsoStatus.NOT_FOUND)
        self._pending = None
        self._state.select(found)
        exhausted = found.tmac is not None and found.tmac.exhausted
        status = IsoStatus.SELECTED_DEACTIVATED if exhausted else IsoStatus.OK
        return status.to_bytes(2, "big")

    def _native(self, ins: int, payload: bytes) -> bytes:
        pending, self._pending = self._pending, None
        if ins == INS_ADDITIONAL_FRAME:
            return self._continue(pending, payload)
        require(pending is None, Status.COMMAND_ABORTED)
        if ins in (INS_EV2_FIRST, INS_EV2_NON_FIRST):
            self._pending, question = challenge(self._state, ins, payload)
            return _native_answer(question, Status.ADDITIONAL_FRAME)
        if ins in (INS_D40, INS_EV1_AES):
            self._pending, question = legacy_challenge(self._state, ins, payload)
            return _native_answer(question, Status.ADDITIONAL_FRAME)
        return self._command(ins, payload)

    def _continue(self, pending: _Pending | None, more: bytes) -> bytes:
        match pending:
            case Handshake():
                return _native_answer(answer(self._state, pending, more), Status.OK)
            case LegacyHandshake():
                return _native_answer(legacy_answer(self._state, pending, more), Status.OK)
            case _Outgoing():
                require(not more, Status.LENGTH_ERROR)
                return self._send(pending.frames, pending.status)
            case _Incoming():
                require(bool(more), Status.LENGTH_ERROR)
                return self._command(pending.ins, pending.payload + more)
        raise Fault(Status.ILLEGAL_COMMAND)

    def _command(self, ins: int, payload: bytes) -> bytes:
        """Run one native command inside or outside a session."""
        require(ins in COMMANDS, Status.ILLEGAL_COMMAND)
        command, state = COMMANDS[ins], self._state
        require(ins in COMMANDS_OF_OLD or not is_of_old(state.session), Status.ILLEGAL_COMMAND)
        mode = self._mode(command, ins, payload)
        if self._is_incomplete(command, mode, payload):
            self._pending = _Incoming(ins, payload)
            return _native_answer(b"", Status.ADDITIONAL_FRAME)
        body = self._unwrap(command, mode, ins, payload)
        ends_session = ins == INS_CHANGE_KEY and changes_own_key(state, body)
        session = state.session
        status, data = self._run(command, ins, body)
        if ends_session:
            state.session = None
        elif session is not None and state.session is session:
            data = session.wrap(status, data, mode=mode)
        return self._send(_cut(data, command.frames), status)

    def _run(self, command: Command, ins: int, body: bytes) -> tuple[Status, bytes]:
        """Status and data of a command; 0C may count as an answer and not as an error."""
        try:
            return command.status, command.run(self._state, ins, body)
        except Fault as fault:
            is_error = self._state.behaviour.no_changes_ends_session
            if fault.status is not Status.NO_CHANGES or is_error:
                raise
            return fault.status, b""

    def _mode(self, command: Command, ins: int, payload: bytes) -> Mode:
        """How this exchange is protected; raises Fault when the file's rights forbid it."""
        state = self._state
        require(len(payload) >= command.header_bytes, Status.LENGTH_ERROR)
        if command.rights:
            file = state.file(payload[0])
            grants = state.may_get_value if ins == INS_GET_VALUE else state.grants_freely
            if grants(file, command.rights):
                return Mode.PLAIN
            return command.mode or file.mode
        if state.session is None or command.mode is None:
            return Mode.PLAIN
        return command.mode

    def _is_incomplete(self, command: Command, mode: Mode, payload: bytes) -> bool:
        """Whether more frames of a command in several frames are still to come."""
        if not command.collects:
            return False
        data_bytes = command.lengths(self._state, payload[: command.header_bytes])[0]
        require(data_bytes <= CHAINED_DATA_BYTES_MAX, Status.BOUNDARY_ERROR)
        return len(payload) < wire_bytes(mode, command.header_bytes, data_bytes)

    def _unwrap(self, command: Command, mode: Mode, ins: int, payload: bytes) -> bytes:
        """Check the length, then MAC and padding; returns plain header and data."""
        header = payload[: command.header_bytes]
        lengths = command.lengths(self._state, header)
        session = self._state.session
        length = session.wire_bytes if session else wire_bytes
        possible = {length(mode, len(header), count) for count in lengths}
        require(len(payload) in possible, Status.LENGTH_ERROR)
        if session is None:
            return payload
        body = session.unwrap(ins, payload, header_bytes=len(header), mode=mode)
        require(len(body) - len(header) in lengths, Status.LENGTH_ERROR)
        return body

    def _send(self, frames: tuple[bytes, ...], status: Status) -> bytes:
        """Answer the first frame and keep the others."""
        first, *others = frames
        require(len(first) <= self._state.behaviour.answer_bytes_max, Status.LENGTH_ERROR)
        if others:
            self._pending = _Outgoing(tuple(others), status)
            return _native_answer(first, Status.ADDITIONAL_FRAME)
        return _native_answer(first, status)


def _native_answer(data: bytes, status: Status) -> bytes:
    return data + bytes([0x91, status])


def _native_payload(command: bytes) -> bytes:
    """Data of a wrapped native command: 90 INS 00 00 [Lc data] 00."""
    if len(command) == 5 and command[4] == 0:
        return b""
    if len(command) < 7 or len(command) != 6 + command[4] or command[-1] != 0:
        raise IsoFault(IsoStatus.WRONG_LENGTH)
    return command[5:-1]


def _iso_payload(command: bytes) -> bytes:
    """Data of an ISO command, whose Le may be missing."""
    size = command[4] if len(command) > 4 else 0
    if len(command) not in (5 + size, 6 + size) and len(command) != 4:
        raise IsoFault(IsoStatus.WRONG_LENGTH)
    return command[5 : 5 + size]


def _cut(data: bytes, sizes: tuple[int, ...]) -> tuple[bytes, ...]:
    """Cut an answer into frames of the given sizes, the last of which repeats."""
    if not sizes:
        return (data,)
    frames = []
    for size in sizes[:-1]:
        frames.append(data[:size])
        data = data[size:]
    frames += [data[start : start + sizes[-1]] for start in range(0, len(data), sizes[-1])]
    return tuple(frames)
