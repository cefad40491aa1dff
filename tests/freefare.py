"""libfreefare through ctypes: a DESFire driver that nobody here wrote, on a reader of libnfc.

Names and types are those of its `freefare.h` (0.4). Every verb answers whether the card did it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_uint8, c_void_p

import pytest

_OK = 0
LIBRARIES = ("libnfc.so.6", "libfreefare.so.0")


class Key:
    """One of libfreefare's keys; it is freed with the process."""

    def __init__(self, pointer: c_void_p) -> None:
        self.pointer = pointer


class FreefareTag:
    """The first card on the reader, connected."""

    def __init__(self, library: ctypes.CDLL, pointer: c_void_p) -> None:
        self._library = library
        self._pointer = pointer

    def des_key(self, value: bytes) -> Key:
        """A key of 8 bytes."""
        return Key(c_void_p(self._library.mifare_desfire_des_key_new(value)))

    def aes_key(self, value: bytes, version: int) -> Key:
        """A key of 16 bytes."""
        make = self._library.mifare_desfire_aes_key_new_with_version
        return Key(c_void_p(make(value, version)))

    def authenticate(self, key: Key) -> bool:
        """AuthenticateLegacy (0A) with key 0."""
        done = self._library.mifare_desfire_authenticate(self._pointer, 0, key.pointer)
        return bool(done == _OK)

    def authenticate_aes(self, key: Key) -> bool:
        """AuthenticateAES (AA) with key 0."""
        done = self._library.mifare_desfire_authenticate_aes(self._pointer, 0, key.pointer)
        return bool(done == _OK)

    def change_key(self, new: Key) -> bool:
        """ChangeKey of key 0, in a session of it."""
        done = self._library.mifare_desfire_change_key(self._pointer, 0, new.pointer, None)
        return bool(done == _OK)

    def key_version(self) -> int | None:
        """GetKeyVersion of key 0."""
        version = c_uint8()
        done = self._library.mifare_desfire_get_key_version(self._pointer, 0, byref(version))
        return version.value if done == _OK else None

    def key_settings(self) -> tuple[int, int] | None:
        """GetKeySettings: the settings and the number of keys."""
        settings, count = c_uint8(), c_uint8()
        ask = self._library.mifare_desfire_get_key_settings
        done = ask(self._pointer, byref(settings), byref(count))
        return (settings.value, count.value) if done == _OK else None

    def change_key_settings(self, settings: int) -> bool:
        """ChangeKeySettings."""
        change = self._library.mifare_desfire_change_key_settings
        return bool(change(self._pointer, c_uint8(settings)) == _OK)

    def format(self) -> bool:
        """FormatPICC."""
        return bool(self._library.mifare_desfire_format_picc(self._pointer) == _OK)


@contextmanager
def freefare_tag(path: str) -> Iterator[FreefareTag]:
    """The first DESFire on the PN532 at a device file; skips where the libraries are missing."""
    try:
        nfc, freefare = (ctypes.CDLL(name) for name in LIBRARIES)
    except OSError as error:
        pytest.skip(f"Debian's libfreefare-bin is not installed: {error}")
    nfc.nfc_open.restype = c_void_p
    freefare.freefare_get_tags.restype = POINTER(c_void_p)
    freefare.mifare_desfire_des_key_new.restype = c_void_p
    freefare.mifare_desfire_aes_key_new_with_version.restype = c_void_p
    context = c_void_p()
    nfc.nfc_init(byref(context))
    device = c_void_p(nfc.nfc_open(context, f"pn532_uart:{path}".encode()))
    assert device.value, "libnfc did not open the reader"
    tags = freefare.freefare_get_tags(device)
    try:
        assert tags[0], "libfreefare found no card"
        tag = c_void_p(tags[0])
        assert freefare.mifare_desfire_connect(tag) == _OK
        yield FreefareTag(freefare, tag)
        freefare.mifare_desfire_disconnect(tag)
    finally:
        freefare.freefare_free_tags(tags)
        nfc.nfc_close(device)
        nfc.nfc_exit(context)
