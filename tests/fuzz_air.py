"""Targets: what cards, readers and the chips between them answer.

A hostile card may know key 1, as one who has emptied a stolen terminal does. So the card of
`fuzz_card` is a real virtual one with a man in the middle who holds the key, and rewrites plain
answers before they are sealed again.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from nfc.clf import pn532

from cardkit.card import traffic
from cardkit.card.aes import decrypt_cbc, encrypt_cbc, pad
from cardkit.card.apdu import Ins
from cardkit.card.connection import Activation
from cardkit.card.desfire import Desfire
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.kinds import kind_at_first_sight
from cardkit.card.secure import CommMode, SecureChannel, session_keys
from cardkit.card.token import SaleRecord
from cardkit.errors import CardCollision, CardError, CardLost, ReaderError, must
from cardkit.reader.nfc import ChipLink
from cardkit.reader.target import Ats, parse_targets
from simulator import isodep, pn532_frame
from simulator.card import VirtualCard
from simulator.field import FieldConnection
from simulator.issued import DEMO_SYSTEM_ID, demo_keys, demo_master
from terminal.outcomes import Green
from terminal.tap import Tap
from terminal.till import Till
from tests.fuzz_target import Parts, Target, blocks, new_folder
from tests.terminal_world import MERCHANT, World

_CARDS: Final = 200
"""Cards that one till meets, each once, before there is a new one."""
_OK: Final = 0x9100
_FULL: Final = frozenset({Ins.GET_VALUE})
_KEYS: Final = TerminalCardKeys(system_id=DEMO_SYSTEM_ID, masters={1: demo_master("terminal")})


@dataclass(frozen=True, slots=True)
class Edit:
    """What the man in the middle does to one answer.

    `how` modulo four: 0 puts other plain data in, 1 xors into it, 2 answers with `content` as it
    stands, 3 loses the answer. From 128 on the card never hears the command.
    """

    how: int
    content: bytes


@dataclass
class KnowingMiddle:
    """A connection to a card through somebody who holds its key 1."""

    inner: FieldConnection
    key: bytes
    edits: dict[int, Edit]
    count: int = 0
    commands: int = 0
    challenge: bytes = b""
    channel: SecureChannel | None = None

    @property
    def uid(self) -> bytes:
        """The card's."""
        return self.inner.uid

    @property
    def activation(self) -> Activation:
        """The card's."""
        return self.inner.activation

    def close(self) -> None:
        """Let go of the card."""
        self.inner.close()

    def transceive(self, command: bytes) -> bytes:
        """Carry one APDU, or something else."""
        edit = self.edits.get(self.count)
        self.count += 1
        if edit is not None and edit.how >= 128:
            return self._invented(edit)
        answer = self.inner.transceive(command)
        self._listen(command, answer)
        return answer if edit is None else self._edited(command[1], answer, edit)

    def _listen(self, command: bytes, answer: bytes) -> None:
        """Keep up with the session: whoever knows the key can read the handshake."""
        ins, payload = command[1], command[5:-1]
        if ins == Ins.AUTHENTICATE_EV2_FIRST:
            self.challenge, self.channel = answer[:-2], None
        elif answer[-2:] != _OK.to_bytes(2):
            self.challenge, self.channel = b"", None
        elif ins == Ins.ADDITIONAL_FRAME and self.challenge:
            token, said = decrypt_cbc(self.key, payload), decrypt_cbc(self.key, answer[:-2])
            rnd_b = decrypt_cbc(self.key, self.challenge)
            enc_key, mac_key = session_keys(key=self.key, rnd_a=token[:16], rnd_b=rnd_b)
            self.channel = SecureChannel(enc_key=enc_key, mac_key=mac_key, ti=said[:4])
            self.challenge = b""
        elif self.channel is not None:
            self.channel._counter += 1

    def _edited(self, ins: int, answer: bytes, edit: Edit) -> bytes:
        if self.channel is None or edit.how % 4 >= 2:
            return self._invented(edit)
        mode = CommMode.FULL if ins in _FULL else CommMode.MAC
        try:
            plain = self.channel.unwrap(answer[-1], answer[:-2], mode)
        except CardError:
            return answer
        if edit.how % 4 == 0:
            return self._sealed(edit.content, mode)
        mask = edit.content.ljust(len(plain), b"\0")
        return self._sealed(bytes(a ^ b for a, b in zip(plain, mask, strict=False)), mode)

    def _sealed(self, plain: bytes, mode: CommMode) -> bytes:
        must(self.channel is not None, "a session")
        channel: Any = self.channel
        data = plain
        if mode is CommMode.FULL:
            data = encrypt_cbc(channel._enc_key, pad(plain), iv=channel._iv(b"\x5a\xa5"))
        return bytes(data + channel._mac(0, data) + _OK.to_bytes(2))

    def _invented(self, edit: Edit) -> bytes:
        if edit.how % 4 == 3:
            self.inner.close()
            raise CardLost("the card left the field")
        return edit.content


class _CardWorld:
    """A till and cards that it has not met yet."""

    def __init__(self) -> None:
        self.world = World.make(new_folder())
        self.cards = [self.world.new_card(50_00) for _ in range(_CARDS)]
        self.world.publish()
        self.till = self.world.till()


_WORLDS: Final[list[_CardWorld]] = []


def _unknown_card() -> tuple[World, Till, VirtualCard]:
    """A card whose only history is its birth, and a till."""
    if not _WORLDS or not _WORLDS[0].cards:
        for world in _WORLDS:
            world.till.journal.verify()
            world.till.close()
        _WORLDS[:] = [_CardWorld()]
    held = _WORLDS[0]
    return held.world, held.till, held.cards.pop()


def _edits(parts: Parts) -> dict[int, Edit]:
    found = {}
    while parts.left >= 2:
        place, how = parts.number(), parts.number()
        found[place] = Edit(how, parts.block())
    return found


def fuzz_card(data: bytes) -> None:
    """A sale and a second tap on a card whose answers somebody rewrites who knows its key."""
    parts = Parts(data)
    amount_cents = 1 + parts.number()
    edits = _edits(parts)
    world, till, card = _unknown_card()
    greens: list[Green] = []
    for shown in (edits, {place - 128: edit for place, edit in edits.items() if place >= 128}):
        middle = KnowingMiddle(world.connect(card), demo_keys(card.uid).terminal, shown)
        try:
            till.sell(middle, amount_cents, merchant=MERCHANT, announce=greens.append)
            till.balance(middle) if not shown else None
        except CardError:
            pass
        finally:
            world.field.lift()
    assert till.journal.is_running
    held = till.journal.open_intents(card.uid)
    assert len(held) <= 2
    assert len(greens) <= 2


def _taps() -> Iterator[bytes]:
    """A sale without an edit; then one for each way and each exchange."""
    yield b"\x63"
    for place in range(14):
        yield b"\x63" + bytes([place, 1]) + blocks(b"\1\2\3\4")
        yield b"\x63" + bytes([place, 0]) + blocks(b"\xff" * 12)
        yield b"\x63" + bytes([place, 3]) + blocks(b"")
        yield b"\x63" + bytes([place, 2]) + blocks(b"\x91\xae")


@dataclass
class ScriptedCard:
    """A connection whose card answers what an input says, and then is gone."""

    activation: Activation
    answers: Parts
    seen: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def uid(self) -> bytes:
        """What it claims."""
        return self.activation.uid

    def transceive(self, command: bytes) -> bytes:
        """The next answer."""
        if not self.answers.left:
            raise CardLost("gone")
        answer = self.answers.block()
        self.seen.append((command, answer))
        return answer

    def close(self) -> None:
        """Nothing is held."""


def fuzz_stranger(data: bytes) -> None:
    """Anything at all that lies on a reader: nobody's key, every answer its own."""
    parts = Parts(data)
    told = parts.number()
    activation = Activation(
        uid=parts.take((4, 7, 10, 7)[told & 3]),
        atqa=parts.take(2) if told & 4 else None,
        sak=parts.number() if told & 8 else None,
        ats=parts.block() if told & 16 else None,
        atr=parts.block() if told & 32 else None,
    )
    kind_at_first_sight(activation)
    card = ScriptedCard(activation, parts)
    try:
        Tap.open(card, _KEYS)
    except CardError:
        pass
    else:
        raise AssertionError("a card without a key was opened")
    for command, answer in card.seen:
        traffic.sent(command, CommMode.PLAIN)
        traffic.received(command, answer, CommMode.PLAIN)


def fuzz_desfire(data: bytes) -> None:
    """What the workshop asks a blank card in plain."""
    parts = Parts(data)
    questions = parts.number()
    card = Desfire(ScriptedCard(Activation(uid=bytes(7)), parts))
    asked: tuple[Callable[[], object], ...] = (
        card.get_version,
        card.get_key_settings,
        card.free_mem,
        card.get_file_ids,
        card.read_sig,
        lambda: card.get_file_settings(1),
        lambda: card.get_key_version(0),
        lambda: card.read_records(1, count=0, record_bytes=32, mode=CommMode.PLAIN),
    )
    for bit, ask in enumerate(asked):
        if questions >> bit & 1:
            try:
                ask()
            except CardError:
                continue


def fuzz_record(data: bytes) -> None:
    """A record of a card: read and written it is the same, or it is none."""
    record = SaleRecord.unpack(data[:32].ljust(32, b"\0"))
    if record is not None:
        assert SaleRecord.unpack(record.pack()) == record


def fuzz_frames(data: bytes) -> None:
    """A serial line to the virtual chip: pieces of any size say what the whole says."""
    cut = data[0] if data else 0
    stream = data[1:]
    whole, pieces = pn532_frame.FrameReader(), pn532_frame.FrameReader()
    found = whole.feed(stream)
    parts = [stream[at : at + cut + 1] for at in range(0, len(stream), cut + 1)]
    assert [frame for part in parts for frame in pieces.feed(part)] == found
    assert len(whole._buffer) <= pn532_frame.BODY_BYTES_MAX + 10
    for frame in found:
        if isinstance(frame, pn532_frame.Body):
            assert frame.data, "a frame without content is a command"
            again = pn532_frame.FrameReader().feed(pn532_frame.framed(frame.data))
            assert again == [frame]


class _Echo(VirtualCard):
    """A card that answers every command with two bytes and its length."""

    def transmit(self, command: bytes) -> bytes | None:
        """Answer so that long commands have long answers."""
        return command + b"\x90\x00" if len(command) < isodep.COMMAND_BYTES_MAX else None


def fuzz_isodep(data: bytes) -> None:
    """Blocks between a reader and a card, either end fed by a stranger."""
    parts = Parts(data)
    if parts.number() & 1:
        picc = isodep.Picc(_Echo(bytes(7)))
        picc.wake_up()
        picc.select()
        while parts.left:
            answer = picc.receive(parts.take(min(parts.number(), parts.left)))
            assert answer is None or len(answer) <= 256
        return
    length = parts.number()

    def air(_frame: bytes) -> bytes:
        if not parts.left:
            raise isodep.Silence
        return parts.take(min(parts.number(), parts.left))

    ats = isodep.Ats.parse(parts.take(6).replace(b"\0", b"\1", 1))
    try:
        isodep.Pcd(lambda frame, *_: air(frame), ats).exchange(bytes(length))
    except isodep.AirFault:
        return


class ScriptedLine:
    """A transport of nfcpy's: it acknowledges each command, and answers what an input says."""

    TYPE = "TTY"
    port = "/dev/nowhere"

    def __init__(self, answers: Parts) -> None:
        self._answers = answers
        self._acknowledges = False

    def write(self, _frame: bytes) -> None:
        """Take a command."""
        self._acknowledges = True

    def read(self, timeout: int = 0) -> bytearray:  # noqa: ARG002 - nfcpy names it
        """The acknowledgement, then an answer, framed well unless its first byte is odd."""
        if self._acknowledges:
            self._acknowledges = False
            return bytearray(pn532_frame.ACK)
        if not self._answers.left:
            raise OSError(errno.ETIMEDOUT, "timeout")
        how, content = self._answers.number(), self._answers.block()
        return bytearray(content if how & 1 else pn532_frame.framed(content))

    def close(self) -> None:
        """Nothing is held."""


def fuzz_chip(data: bytes) -> None:
    """A PN532 behind nfcpy that answers in disorder: CardError or ReaderError, never more."""
    parts = Parts(data)
    command = parts.number()
    chip = pn532.Chipset(ScriptedLine(parts), pn532.log)
    driver = SimpleNamespace(chipset=chip, mute=lambda: chip.rf_configuration(1, b"\2"))
    try:
        link = ChipLink(driver, name="chip", let_go=lambda: None)
        answer = link.exchange(bytes(command * 2))
        assert len(answer) >= 2
        link.is_present()
        link.release()
    except (CardError, ReaderError):
        return


def _chips() -> Iterator[bytes]:
    done = blocks(b"\xd5\x13")
    for answer in (b"\xd5\x41\0\x91\0", b"\xd5\x41\x40\x91", b"\xd5\x41\x01", b"\x7f\x81"):
        tail = b"".join(
            b"\0" + blocks(one) for one in (b"\xd5\x41\0\0", b"\xd5\x55\0", b"\xd5\x43\0")
        )
        yield b"\5\0" + done + b"\0" + blocks(answer) + tail
    cut = (b"\0\0\xff", b"\0\0\xff\0", b"\0\0\xff\xff\xff", b"", b"\0\0\xff\1\xff\xd5\x2b\0")
    for frame in cut:
        yield b"\5\0" + done + b"\1" + blocks(frame)
        yield b"\5\1" + blocks(frame)


def fuzz_found(data: bytes) -> None:
    """What a chip says it found, and an answer to select."""
    try:
        found = parse_targets(data)
    except CardCollision:
        return
    if found is not None:
        assert 0 < len(found.uid) <= 255
        kind_at_first_sight(found)
    allowed = Ats.unpack(data)
    assert 16 <= allowed.frame_bytes <= 256
    assert 0 < allowed.frame_wait_s < 5


TARGETS: Final = (
    Target("card", fuzz_card, _taps, replayed=30),
    Target(
        "stranger",
        fuzz_stranger,
        lambda: [
            bytes([63 - 4])
            + bytes(7)
            + b"\x20"
            + blocks(b"\x06\x75\x77\x81\x02\x80", b"\x3b\x81\x80\x01\x80\x80", *answers)
            for answers in (
                (b"\x90\0", b"\1" * 16 + b"\x91\xaf", b"\2" * 32 + b"\x91\0"),
                (b"\x6a\x82", b"\4\1\1\x33\0\x1a\5\x91\xaf", b"\x91\xaf", b"\x91\0", b"\x91\0"),
                (b"\x6a\x82", b"\x6d\0", b"\x6a\x82", b"\x6a\x82", b"\x90\0"),
                (b"\x6a\x82", b"\4\x91\0", b"\x91\0"),
                (b"\x6a\x82", b"\4\1\x91\xaf", b"\x91\xaf", b"\x91\0", b"\x91\0"),
            )
        ],
    ),
    Target(
        "desfire",
        fuzz_desfire,
        lambda: [
            b"\xff" + blocks(bytes(28) + b"\x91\0", b"\x0f\x85\x91\0", b"\0\0\1\x91\0"),
            b"\x20" + blocks(bytes.fromhex("0003FF1F0000000000FFFFFF7F00000000009100")),
        ],
    ),
    Target("record", fuzz_record, lambda: [bytes(range(32))]),
    Target(
        "frames",
        fuzz_frames,
        lambda: [
            b"\3" + pn532_frame.framed(b"\xd4\x02") + pn532_frame.ACK,
            b"\7" + pn532_frame.framed(b"\xd4\x40\x01" + bytes(258)),
            b"\7" + bytes.fromhex("0000FFFFFF000000000000"),
        ],
    ),
    Target(
        "isodep",
        fuzz_isodep,
        lambda: [
            bytes.fromhex("01 02E050 03D01105 060290600000 00 01B2 01C2"),
            bytes.fromhex("00 05 067577810280 03029000 01A2 02F201 0402910000"),
        ],
    ),
    Target("chip", fuzz_chip, _chips),
    Target(
        "found",
        fuzz_found,
        lambda: [bytes.fromhex("01010344200704010203040506067577810280")],
    ),
)
