"""nfcpy's own driver as the host of a virtual PN532."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import nfc.clf
import nfc.clf.pn532
import nfc.clf.transport
import nfc.tag.tt4

NFCPY_BAUD_BPS = 921_600


def opened_nfcpy(path: str) -> nfc.clf.ContactlessFrontend:
    """Nfcpy's frontend on any line: its own way to open one knows no folders."""
    device = nfc.clf.pn532.init(nfc.clf.transport.TTY(path))
    device._path = path
    frontend = nfc.clf.ContactlessFrontend()
    frontend.device = device
    return frontend


@contextmanager
def nfcpy_frontend(path: str) -> Iterator[nfc.clf.ContactlessFrontend]:
    """The same, closed when the context ends."""
    frontend = opened_nfcpy(path)
    try:
        yield frontend
    finally:
        frontend.close()


def nfcpy_tag(frontend: nfc.clf.ContactlessFrontend) -> nfc.tag.tt4.Type4ATag:
    """Sense the card and activate it, as nfcpy does."""
    target = frontend.sense(nfc.clf.RemoteTarget("106A"))
    assert target is not None
    tag = nfc.tag.activate(frontend, target)
    assert isinstance(tag, nfc.tag.tt4.Type4ATag)
    return tag


def transmit_of(tag: nfc.tag.tt4.Type4ATag) -> Callable[[bytes], bytes]:
    """What `tests.desfire_host.Host` speaks through."""

    def transmit(command: bytes) -> bytes:
        return bytes(tag.transceive(command))

    return transmit
