"""A printer on a USB bus: PyUSB and python-escpos are real, the bus is not."""

from __future__ import annotations

import errno

import pytest

from cardkit.errors import (
    PrinterBusy,
    PrinterError,
    PrinterForbidden,
    PrinterMissing,
    PrinterOutOfPaper,
    PrinterUnreachable,
)
from terminal.printer import Paper, Printer, open_printer, open_usb_printer
from terminal.printer_wires import Patience
from tests.escpos_printer import OUT, EscposPrinter
from tests.test_terminal_printer import assert_same, picture
from tests.usb_printer import PRODUCT, VENDOR, UsbPrinter


def opened(bus: UsbPrinter) -> Printer:
    """Open the printer on a bus."""
    return open_usb_printer(VENDOR, PRODUCT, Patience(), bus)


def test_the_bitmap_is_what_comes_out_of_a_usb_printer() -> None:
    """Promise: the same over USB, at the printer's own end points, a part at a time."""
    roll = EscposPrinter()
    with opened(UsbPrinter(roll)) as printer:
        assert printer.status() is Paper.FINE
        printer.print(picture())
    assert_same(roll.picture(), picture())


def test_a_usb_printer_that_never_answers_prints() -> None:
    """Promise: a printer whose way back is mute is unknown, and prints."""
    roll = EscposPrinter(answers=False)
    with opened(UsbPrinter(roll)) as printer:
        assert printer.status() is Paper.UNKNOWN
        printer.print(picture())
    assert_same(roll.picture(), picture())


def test_a_usb_printer_without_paper() -> None:
    """Promise: the end of the paper is told over USB as well."""
    with opened(UsbPrinter(EscposPrinter(paper=OUT))) as printer, pytest.raises(PrinterOutOfPaper):
        printer.print(picture())


def test_a_usb_printer_unplugged_while_it_prints() -> None:
    """Promise: a plug that is pulled is an error of the printer and of nothing else."""
    bus = UsbPrinter(EscposPrinter(), unplugged_after=3_000)
    with opened(bus) as printer, pytest.raises(PrinterError):
        printer.print(picture())


def test_a_usb_printer_that_takes_nothing() -> None:
    """Promise: a transfer of which nothing was taken is no endless loop."""
    bus = UsbPrinter(EscposPrinter(), most_bytes=0)
    with opened(bus) as printer, pytest.raises(PrinterUnreachable):
        printer.print(picture())


def test_a_usb_printer_whose_lid_is_opened() -> None:
    """Promise: a transfer that nobody takes ends, and is an error of the printer."""
    bus = UsbPrinter(EscposPrinter(), sticks_after=24)
    with opened(bus) as printer, pytest.raises(PrinterUnreachable, match="takes nothing"):
        printer.print(picture())


@pytest.mark.parametrize(
    ("refusal", "error"),
    [(errno.EACCES, PrinterForbidden), (errno.EBUSY, PrinterBusy), (errno.ENODEV, PrinterMissing)],
)
def test_why_a_usb_printer_does_not_open(refusal: int, error: type[PrinterError]) -> None:
    """Promise: rights, another program and an absent device are told apart."""
    with pytest.raises(error):
        opened(UsbPrinter(EscposPrinter(), refusal=refusal))


def test_another_device_is_no_printer() -> None:
    """Promise: bytes of a receipt never go to a device that is no printer."""
    with pytest.raises(PrinterMissing, match="no printer"):
        opened(UsbPrinter(EscposPrinter(), interface_class=3))


def test_no_such_device() -> None:
    """Promise: a printer that is not plugged in is missing, also where there is no libusb."""
    with pytest.raises(PrinterMissing):
        open_printer("usb:fffe:fffe")
