"""A USB bus without a wire: PyUSB's own back end, with one receipt printer on it."""

# ruff: noqa: ARG002 - the signatures are PyUSB's

from __future__ import annotations

import errno
from array import array
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.escpos_printer import EscposPrinter

IBackend: Any = pytest.importorskip("usb.backend").IBackend
_core = pytest.importorskip("usb.core")

VENDOR, PRODUCT = 0x04B8, 0x0202
OUT, BACK = 0x03, 0x81
"""Not those that python-escpos guesses."""
_LEFT_AT_ZERO = (
    "bLength",
    "bDescriptorType",
    "bcdUSB",
    "bDeviceClass",
    "bDeviceSubClass",
    "bDeviceProtocol",
    "bMaxPacketSize0",
    "bcdDevice",
    "iManufacturer",
    "iProduct",
    "iSerialNumber",
)


class UsbPrinter(IBackend):  # type: ignore[misc]  # PyUSB has no types
    """A bus with one device; what is a fact of the device is an argument."""

    def __init__(
        self,
        printer: EscposPrinter,
        *,
        interface_class: int = 7,
        most_bytes: int = 64,
        unplugged_after: int | None = None,
        refusal: int | None = None,
        sticks_after: int | None = None,
    ) -> None:
        self._printer = printer
        self._interface_class = interface_class
        self._most_bytes = most_bytes
        self._left = unplugged_after
        self._refusal = refusal
        self._sticks_after = sticks_after
        self._is_stuck = False
        self._answer = b""

    def enumerate_devices(self) -> Iterator[object]:
        """The one device."""
        yield self

    def get_parent(self, dev: object) -> None:
        """It hangs on no hub."""

    def get_device_descriptor(self, dev: object) -> SimpleNamespace:
        """Who it is."""
        return SimpleNamespace(
            **dict.fromkeys(_LEFT_AT_ZERO, 0),
            idVendor=VENDOR,
            idProduct=PRODUCT,
            bNumConfigurations=1,
            address=1,
            bus=1,
            port_number=1,
            port_numbers=(1,),
            speed=2,
        )

    def get_configuration_descriptor(self, dev: object, config: int) -> SimpleNamespace:
        """Its one configuration."""
        if config:
            raise IndexError
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=2,
            wTotalLength=32,
            bNumInterfaces=1,
            bConfigurationValue=1,
            iConfiguration=0,
            bmAttributes=0x80,
            bMaxPower=1,
            extra_descriptors=[],
        )

    def get_interface_descriptor(
        self, dev: object, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """Its one interface."""
        if intf or alt:
            raise IndexError
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=4,
            bInterfaceNumber=0,
            bAlternateSetting=0,
            bNumEndpoints=2,
            bInterfaceClass=self._interface_class,
            bInterfaceSubClass=1,
            bInterfaceProtocol=2,
            iInterface=0,
            extra_descriptors=[],
        )

    def get_endpoint_descriptor(
        self, dev: object, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """Out and back, both bulk."""
        return SimpleNamespace(
            bLength=7,
            bDescriptorType=5,
            bEndpointAddress=(OUT, BACK)[ep],
            bmAttributes=2,
            wMaxPacketSize=64,
            bInterval=0,
            bRefresh=0,
            bSynchAddress=0,
            extra_descriptors=[],
        )

    def open_device(self, dev: object) -> object:
        """Let it be opened, unless the system refuses."""
        if self._refusal is not None:
            raise _core.USBError("refused", errno=self._refusal)
        return self

    def close_device(self, dev_handle: object) -> None:
        """Nothing is held."""

    def set_configuration(self, dev_handle: object, config_value: int) -> None:
        """There is only one."""

    def get_configuration(self, dev_handle: object) -> int:
        """The only one."""
        return 1

    def reset_device(self, dev_handle: object) -> None:
        """It has nothing to forget."""

    def claim_interface(self, dev_handle: object, intf: int) -> None:
        """Nobody else wants it."""

    def release_interface(self, dev_handle: object, intf: int) -> None:
        """Nobody else wants it."""

    def bulk_write(
        self, dev_handle: object, ep: int, intf: int, data: array[int], timeout: int
    ) -> int:
        """Take some of the bytes, as a transfer that timed out half-way does."""
        assert ep == OUT
        if self._is_stuck:
            raise _core.USBTimeoutError("timed out", errno=errno.ETIMEDOUT)
        taken = data.tobytes()[: self._most_bytes]
        self._is_stuck = self._sticks_after is not None and len(self._printer.rows) > (
            self._sticks_after
        )
        if self._left is not None:
            self._left -= len(taken)
            if self._left < 0:
                raise _core.USBError("no such device", errno=errno.ENODEV)
        self._answer += self._printer.take(taken)
        return len(taken)

    def bulk_read(
        self, dev_handle: object, ep: int, intf: int, buff: array[int], timeout: int
    ) -> int:
        """Give an answer that waits."""
        assert ep == BACK
        if not self._answer:
            raise _core.USBTimeoutError("timed out", errno=errno.ETIMEDOUT)
        said, self._answer = self._answer[: len(buff)], self._answer[len(buff) :]
        buff[: len(said)] = array("B", said)
        return len(said)
