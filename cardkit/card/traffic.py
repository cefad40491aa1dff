"""What went over the air, as a line for somebody who knows DESFire; no key is in it, hidden or not.

    > READ_DATA           MAC    0F0000000C0000 mac 1D3A4F5C6B7A8990   file 0F, 12 bytes from 0
    < OK                  MAC    0500000011… mac 99AABBCCDDEEFF00

Shown is what anybody near the antenna hears: clear bytes, ciphertext as such, MACs. Never what is
inside a ciphertext, because these functions are given no key. Left out is what somebody could
turn into a key who learns one other key later: the nonces of a handshake, and every command that
carries a key (a blank card's session key is no secret).
"""

from __future__ import annotations

from typing import Final

from cardkit.card.apdu import ISO_SELECT, KEY_CARRYING, Ins, StatusWord
from cardkit.card.secure import CommMode

_LC: Final = 4
_PAYLOAD: Final = 5
_MAC_BYTES: Final = 8
_STATUS_BYTES: Final = 2
_TMC_BYTES: Final = 4
_MODES: Final = {CommMode.PLAIN: "Plain", CommMode.MAC: "MAC", CommMode.FULL: "Full"}
_HANDSHAKES: Final = frozenset({Ins.AUTHENTICATE_EV2_FIRST, Ins.AUTHENTICATE_LEGACY})
_CLEAR_BYTES: Final = {
    Ins.GET_CARD_UID: 0,
    Ins.CHANGE_KEY_SETTINGS: 0,
    Ins.CREATE_TRANSACTION_MAC_FILE: 5,
}
"""Header bytes of commands in Full mode, in front of their ciphertext; 1 is the usual number."""
_RANGES: Final = {
    Ins.READ_DATA: "bytes",
    Ins.WRITE_DATA: "bytes",
    Ins.WRITE_RECORD: "bytes",
    Ins.READ_RECORDS: "records",
}
_OF_A_FILE: Final = frozenset(
    {Ins.GET_VALUE, Ins.DEBIT, Ins.GET_FILE_SETTINGS, Ins.CHANGE_FILE_SETTINGS}
)
_OF_A_KEY: Final = frozenset({*_HANDSHAKES, Ins.CHANGE_KEY, Ins.GET_KEY_VERSION})


def sent(command: bytes, mode: CommMode) -> str:
    """Return the line of a C-APDU."""
    ins, payload = command[1], command[_PAYLOAD:-1]
    if ins in KEY_CARRYING:
        shown = f"{_hex(payload[:1])} and {len(payload) - 1} bytes that carry a key"
    elif ins == Ins.ADDITIONAL_FRAME and payload:
        shown = f"{len(payload)} bytes of the handshake"
    elif mode is CommMode.FULL:
        shown = _parts(payload, clear_bytes=_CLEAR_BYTES.get(Ins(ins), 1), has_mac=True)
    else:
        shown = _parts(payload, clear_bytes=len(payload), has_mac=mode is CommMode.MAC)
    return _line(">", _command_name(ins), mode, shown, _meaning(ins, payload))


def received(command: bytes, answer: bytes, mode: CommMode) -> str:
    """Return the line of the R-APDU that answers a command."""
    ins, data = command[1], answer[:-_STATUS_BYTES]
    status = int.from_bytes(answer[-_STATUS_BYTES:])
    is_handshake = ins in _HANDSHAKES or (ins == Ins.ADDITIONAL_FRAME and command[_LC])
    if is_handshake and data:
        shown = f"{len(data)} bytes of the handshake"
    else:
        clear_bytes = 0 if mode is CommMode.FULL else len(data)
        has_mac = mode is not CommMode.PLAIN and len(data) >= _MAC_BYTES
        shown = _parts(data, clear_bytes=clear_bytes, has_mac=has_mac)
    return _line("<", _status_name(status), mode, shown, _proof(ins, data))


def _parts(payload: bytes, *, clear_bytes: int, has_mac: bool) -> str:
    """Clear bytes, ciphertext and MAC, each under its name."""
    end = len(payload) - (_MAC_BYTES if has_mac else 0)
    clear, hidden, mac = payload[: min(clear_bytes, end)], payload[clear_bytes:end], payload[end:]
    named = (("", clear), ("enc ", hidden), ("mac ", mac))
    return " ".join(name + _hex(part) for name, part in named if part)


def _meaning(ins: int, payload: bytes) -> str:
    """What the clear part of a command says; nothing of it is secret."""
    if ins == ISO_SELECT:
        return "by DF name"
    if ins == Ins.SELECT_APPLICATION:
        return f"AID {_hex(payload[::-1])}"
    if ins in _OF_A_KEY:
        return f"key {payload[0]}"
    if ins in _OF_A_FILE:
        return f"file {payload[0]:02X}"
    if ins in _RANGES:
        first = int.from_bytes(payload[1:4], "little")
        count = int.from_bytes(payload[4:7], "little")
        return f"file {payload[0]:02X}, {count} {_RANGES[Ins(ins)]} from {first}"
    return ""


def _proof(ins: int, data: bytes) -> str:
    """Which transaction a commit has made; its TMV stands right behind the counter."""
    if ins != Ins.COMMIT_TRANSACTION or len(data) <= _TMC_BYTES:
        return ""
    return f"TMC {int.from_bytes(data[:_TMC_BYTES], 'little')}, then its TMV"


def _line(direction: str, name: str, mode: CommMode, shown: str, meaning: str) -> str:
    line = f"{direction} {name:<22} {_MODES[mode]:<5} {shown}"
    return f"{line}   {meaning}".rstrip() if meaning else line.rstrip()


def _command_name(ins: int) -> str:
    if ins == ISO_SELECT:
        return "ISO_SELECT"
    return Ins(ins).name if ins in set(Ins) else f"{ins:02X}"


def _status_name(status: int) -> str:
    return StatusWord(status).name if status in set(StatusWord) else f"{status:04X}"


def _hex(data: bytes) -> str:
    return data.hex().upper()
