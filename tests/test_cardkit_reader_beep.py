"""A reader's own beep is taken for "paid": it is muted where a documented command can do that."""

from __future__ import annotations

import pytest

from cardkit.reader.beep import Beep, Buzzer, buzzer_of, silence

ACR122_SILENCE = bytes.fromhex("FF00520000")
READ_BEHAVIOUR = bytes.fromhex("E000002100")
BEEPING, QUIET = 0x7F, 0x77


class Acr125x:
    """A reader that keeps a behaviour byte, and the commands it got."""

    def __init__(self, behaviour: int, *, keeps: bool = True) -> None:
        self.behaviour = behaviour
        self.keeps = keeps
        self.asked: list[bytes] = []

    def ask(self, command: bytes) -> bytes:
        """Tell the behaviour, and take another."""
        self.asked.append(command)
        if command[4] and self.keeps:
            self.behaviour = command[5]
        return bytes.fromhex("E100000001") + bytes([self.behaviour])


def test_readers_are_known_by_their_names() -> None:
    """The names are pcscd's; of any other reader nothing is known, and nothing is sent to it."""
    known = {
        "ACS ACR122U PICC Interface 00 00": Buzzer.ACR122,
        "ACS ACR1252 1S CL Reader [ACR1252 Reader PICC] 00 00": Buzzer.ACR125X,
        "ACS ACR1251 1S CL Reader 00 00": Buzzer.ACR125X,
        "ACS ACR1255U-J1 01 00": Buzzer.ACR125X,
        "HID Global OMNIKEY 5022 Smart Card Reader 00 00": None,
        "Virtual PCD 00 00": None,
    }
    assert {name: buzzer_of(name) for name in known} == known


def test_an_acr122u_confirms_its_silence() -> None:
    """The colour of its light may follow the 9000; anything else is no confirmation."""
    asked: list[bytes] = []
    loud = [bytes.fromhex("6300"), bytes.fromhex("9001"), b"", None]
    answers = [bytes.fromhex("9000"), bytes.fromhex("90000E"), *loud]

    def ask(command: bytes) -> bytes | None:
        asked.append(command)
        return answers[len(asked) - 1]

    heard = [silence(Buzzer.ACR122, ask) for _ in answers]
    assert heard == [Beep.MUTED, Beep.MUTED, *(Beep.AUDIBLE for _ in loud)]
    assert asked == [ACR122_SILENCE] * len(answers)


def test_an_acr1252u_loses_one_bit_of_its_behaviour() -> None:
    """Only the beep at cards goes: its lights stay as their owner set them."""
    reader = Acr125x(BEEPING)
    assert silence(Buzzer.ACR125X, reader.ask) is Beep.MUTED
    assert reader.behaviour == QUIET
    assert reader.asked == [READ_BEHAVIOUR, bytes.fromhex("E00000210177")]


def test_a_quiet_acr1252u_is_not_written_to() -> None:
    """Its memory wears out: what is right already stays as it is."""
    reader = Acr125x(QUIET)
    assert silence(Buzzer.ACR125X, reader.ask) is Beep.MUTED
    assert reader.asked == [READ_BEHAVIOUR]


def test_an_acr1252u_that_keeps_beeping_says_so() -> None:
    """What it answers after the change counts, not that it answered."""
    assert silence(Buzzer.ACR125X, Acr125x(BEEPING, keeps=False).ask) is Beep.AUDIBLE


@pytest.mark.parametrize("answer", [None, b"", bytes.fromhex("E100000001"), bytes(6)])
def test_an_answer_that_says_nothing_is_no_silence(answer: bytes | None) -> None:
    """A driver that lets nothing through leaves the reader as loud as it was."""
    assert silence(Buzzer.ACR125X, lambda _: answer) is Beep.AUDIBLE
