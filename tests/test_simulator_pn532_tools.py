"""libnfc and libfreefare, written by others, read the virtual card through the virtual PN532."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from ctypes import c_char_p, c_int, c_uint8, c_uint32, c_void_p
from pathlib import Path

import pytest

from simulator.card import VirtualCard
from simulator.issued import AID, issued_card
from simulator.pn532 import VirtualPn532
from tests.desfire_host import KEYS, TERMINAL_KEY, UID
from tests.pn532_fixture import Echo

OTHER_UID = bytes.fromhex("04AABBCCDDEEF0")
TIMEOUT_S = 20
PACKAGES = {
    "nfc-list": "libnfc-bin",
    "nfc-poll": "libnfc-examples",
    "mifare-desfire-info": "libfreefare-bin",
}
LIBRARIES = ("libnfc.so.6", "libfreefare.so.0")
MIFARE_DESFIRE = 4  # enum freefare_tag_type
TARGET = """\
ISO/IEC 14443A (106 kbps) target:
    ATQA (SENS_RES): 03  44
       UID (NFCID1): 04  11  22  33  44  55  66
      SAK (SEL_RES): 20
                ATS: 75  77  81  02  80
"""
VERSION = """\
===> Version information for tag 04112233445566:
UID:                      0x04112233445566
"""
HARDWARE = """\
Hardware Information:
    Vendor ID:            0x04
    Type:                 0x01
    Subtype:              0x01
    Version:              51.0
    Storage size:         0x18 (=4096 bytes)
    Protocol:             0x05
"""


@pytest.fixture
def card(pn532: VirtualPn532) -> VirtualCard:
    """An issued card on the reader."""
    card = issued_card(UID)
    pn532.place(card)
    return card


def command_of(tool: str) -> list[str]:
    """The tool's own path: a shell between would keep the line open after a timeout."""
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is missing: apt-get install {PACKAGES[tool]}")
    return [path]


def environment(path: str) -> dict[str, str]:
    """Where libnfc finds the reader."""
    return os.environ | {"LIBNFC_DEFAULT_DEVICE": f"pn532_uart:{path}"}


def run(tool: str, path: str, *options: str) -> str:
    """Output of a tool that finds the reader, without the blanks at the ends of its lines."""
    done = subprocess.run(
        [*command_of(tool), *options],
        env=environment(path),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return trimmed(done.stdout)


def trimmed(output: str) -> str:
    """The same lines without trailing blanks."""
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines())


# --- tools


def test_nfc_list_finds_the_card(pn532: VirtualPn532, card: VirtualCard) -> None:
    """ATQA, UID, SAK and ATS, once, and no card of any other kind."""
    listed = run("nfc-list", pn532.path, "-t", "1")
    assert "1 ISO14443A passive target(s) found" in listed
    assert listed.count("target:") == 1
    assert TARGET in listed
    everything = run("nfc-list", pn532.path, "-v")
    assert everything.count("target:") == 1
    assert everything.count("\n0 ") == 9
    assert "MIFARE DESFire EV1 2K/4K/8K" in everything


def test_nfc_list_finds_an_empty_field(pn532: VirtualPn532) -> None:
    """Nothing is there, and the tool ends."""
    assert "target:" not in run("nfc-list", pn532.path)


def test_nfc_list_finds_two_cards(pn532: VirtualPn532, card: VirtualCard) -> None:
    """It halts the first one and looks again: the second one is another kind of card."""
    pn532.place(Echo(OTHER_UID, bytes.fromhex("0044"), 0x00, None))
    listed = run("nfc-list", pn532.path, "-t", "1")
    assert "2 ISO14443A passive target(s) found" in listed
    assert TARGET in listed
    assert "UID (NFCID1): 04  aa  bb  cc  dd  ee  f0" in listed


def test_nfc_poll_sees_the_card_come_and_go(pn532: VirtualPn532, card: VirtualCard) -> None:
    """It prints the card, waits for its removal, and ends when it is lifted."""
    command = ["timeout", str(TIMEOUT_S), *command_of("nfc-poll")]
    with subprocess.Popen(
        command, env=environment(pn532.path), stdout=subprocess.PIPE, text=True
    ) as polling:
        assert polling.stdout is not None
        output = polling.stdout.read(len("nfc-poll"))
        while "Waiting for card removing" not in output:
            more = polling.stdout.read(1)
            assert more, output
            output += more
        assert polling.poll() is None
        pn532.lift()
        output += polling.stdout.read()
        assert polling.wait(TIMEOUT_S) == 0
    assert TARGET in trimmed(output)
    assert "done." in output


def test_mifare_desfire_info_reads_the_card(pn532: VirtualPn532, card: VirtualCard) -> None:
    """GetVersion in its three frames, key settings, key version and free memory."""
    info = run("mifare-desfire-info", pn532.path)
    assert info.startswith(VERSION)
    assert HARDWARE in info
    assert HARDWARE.replace("Hardware", "Software").replace("51.0", "3.0") in info
    assert "Master Key version: 1 (0x01)" in info
    assert f"Free memory: {card.memory.free_bytes} bytes" in info
    assert "Use random UID: no" in info
    assert pn532.exchanges >= 6


# --- libfreefare as a library


class Freefare:
    """As much of libnfc and libfreefare as it takes to authenticate (their public headers)."""

    def __init__(self, path: str) -> None:
        self._nfc, self._freefare = (loaded(name) for name in LIBRARIES)
        self._nfc.nfc_open.restype = c_void_p
        self._nfc.nfc_open.argtypes = [c_void_p, c_char_p]
        for closing in (self._nfc.nfc_close, self._nfc.nfc_exit):
            closing.argtypes = [c_void_p]
        tags = self._freefare.freefare_get_tags
        tags.restype, tags.argtypes = ctypes.POINTER(c_void_p), [c_void_p]
        self._context = c_void_p()
        self._nfc.nfc_init(ctypes.byref(self._context))
        self._device = self._nfc.nfc_open(self._context, f"pn532_uart:{path}".encode())
        assert self._device, "libnfc does not open the reader"
        self._tags = tags(self._device)
        self.tag = c_void_p(self._tags[0])

    def call(self, name: str, *arguments: object) -> int:
        """Call a function that returns 0, -1 or a number."""
        function = self._freefare[name]
        function.restype = c_int
        return int(function(*arguments))

    def made(self, name: str, argument: object) -> c_void_p:
        """Call a function that returns something of its own."""
        function = self._freefare[name]
        function.restype = c_void_p
        return c_void_p(function(argument))

    def close(self) -> None:
        """Let go of tags and device."""
        release = self._freefare.freefare_free_tags
        release.restype, release.argtypes = None, [ctypes.POINTER(c_void_p)]
        release(self._tags)
        self._nfc.nfc_close(self._device)
        self._nfc.nfc_exit(self._context)


def loaded(library: str) -> ctypes.CDLL:
    """A shared library of the tools' packages."""
    try:
        return ctypes.CDLL(library)
    except OSError as error:
        pytest.skip(f"{error}: apt-get install libfreefare-bin")


@pytest.fixture
def freefare(pn532: VirtualPn532, card: VirtualCard) -> Iterator[Freefare]:
    """Libfreefare with the card before it."""
    with contextlib.closing(Freefare(pn532.path)) as freefare:
        yield freefare


def test_libfreefare_authenticates_with_the_right_key_only(freefare: Freefare) -> None:
    """An independent driver's AES handshake with the purse: the right key opens, zeros do not."""
    tag = freefare.tag
    assert freefare.call("freefare_get_tag_type", tag) == MIFARE_DESFIRE
    assert freefare.call("mifare_desfire_connect", tag) == 0
    aid = freefare.made("mifare_desfire_aid_new", c_uint32(int.from_bytes(AID, "big")))
    assert freefare.call("mifare_desfire_select_application", tag, aid) == 0
    results = []
    for value in (KEYS.terminal, bytes(16), KEYS.terminal):
        key = freefare.made("mifare_desfire_aes_key_new", c_char_p(value))
        number = c_uint8(TERMINAL_KEY)
        results.append(freefare.call("mifare_desfire_authenticate_aes", tag, number, key))
    assert results == [0, -1, 0]
    assert freefare.call("mifare_desfire_disconnect", tag) == 0


# --- out of process


@contextlib.contextmanager
def serving(link: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The reader as a process of its own, which has said that it is ready."""
    with subprocess.Popen(
        [sys.executable, "-m", "simulator", "reader", "--pty", str(link), *options],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said = spoken(process, "commands:")
            assert f"serving a PN532 at {link}" in said, said
            assert f"LIBNFC_DEFAULT_DEVICE=pn532_uart:{link} nfc-list" in said
            yield process
        finally:
            process.kill()


def spoken(process: subprocess.Popen[str], until: str) -> str:
    """What a process says on stderr up to a line that begins like this."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith(until):
            break
    return said


def told(process: subprocess.Popen[str], command: str) -> str:
    """Give a command, and return the line that answers it."""
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(f"{command}\n")
    process.stdin.flush()
    return process.stderr.readline()


def test_reader_process_serves_and_obeys(tmp_path: Path) -> None:
    """`--issued --uid` is what the tools read; lift, place and quit do what they say."""
    link = tmp_path / "reader"
    with serving(link, "--issued", "--uid", UID.hex()) as process:
        assert TARGET in run("nfc-list", str(link))
        assert told(process, "lift") == "on the reader: 0\n"
        assert "target:" not in run("nfc-list", str(link), "-t", "1")
        assert told(process, "jump") == "no such command: jump\n"
        assert told(process, "place") == "on the reader: 1\n"
        assert VERSION in run("mifare-desfire-info", str(link))
        told(process, "quit")
        assert process.wait(TIMEOUT_S) == 0
    assert not link.is_symlink()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_reader_process_ends_by_signal(tmp_path: Path, stop: signal.Signals) -> None:
    """With its input closed it serves on, and a signal ends it and takes the link away."""
    link = tmp_path / "reader"
    with serving(link, "--uid", UID.hex()) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert TARGET in run("nfc-list", str(link), "-t", "1")
        process.send_signal(stop)
        assert process.wait(TIMEOUT_S) == 0
    assert not link.is_symlink()


def test_reader_process_overwrites_nothing(tmp_path: Path) -> None:
    """A file, a folder and a link that leads somewhere stay; a dangling link is replaced."""
    file, folder, link = tmp_path / "file", tmp_path / "folder", tmp_path / "link"
    file.write_text("kept")
    folder.mkdir()
    link.symlink_to(file)
    for taken in (file, folder, link, tmp_path / "missing" / "link"):
        command = [sys.executable, "-m", "simulator", "reader", "--pty", str(taken)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert str(taken) in done.stderr
    assert (file.read_text(), link.readlink()) == ("kept", file)
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nothing")
    with serving(dangling) as process:
        assert dangling.readlink() != tmp_path / "nothing"
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    assert not dangling.is_symlink()
