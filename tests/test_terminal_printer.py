"""The printer, over a pseudo-terminal, a loopback socket, a file and a USB bus without a wire."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from escpos.printer import Dummy  # type: ignore[import-untyped]
from PIL import Image, ImageChops

from cardkit.errors import (
    PrinterBusy,
    PrinterError,
    PrinterForbidden,
    PrinterMissing,
    PrinterOutOfPaper,
    PrinterUnreachable,
)
from terminal.printer import BAND_ROWS, Paper, escpos_job, open_printer
from terminal.printer_wires import Patience
from terminal.printer_words import paper_state, printer_trouble
from terminal.words import Words
from tests.escpos_printer import LOW, OUT, EscposPrinter, NetworkPrinter, SerialPrinter
from tests.rights import as_nobody

TREE = Path(__file__).parent.parent
ANSWERING = Patience(answer_s=20)
"""For printers that answer: they are waited for, and nothing is."""
SILENT = Patience(write_s=0.05, answer_s=0.01, answers=2)


def picture(width: int = 384, height: int = 150) -> Image.Image:
    """A bitmap that is different at every end."""
    drawn = Image.new("1", (width, height), 1)
    for y in range(height):
        for x in range(0, width, 1 + y % 7):
            drawn.putpixel((x, y), 0)
    return drawn


def no_pause(_seconds: float) -> None:
    """Wait for nothing."""


def assert_same(printed: Image.Image, sent: Image.Image) -> None:
    """Hold two bitmaps against each other, dot by dot."""
    assert printed.size == sent.size
    assert ImageChops.logical_xor(printed, sent).getbbox() is None


@pytest.mark.parametrize("width", [384, 576])
def test_the_bitmap_is_what_comes_out_of_a_network_printer(width: int) -> None:
    """Promise: what the screen previews is what the paper shows, dot by dot, cut once."""
    roll, sent = EscposPrinter(), picture(width)
    line = NetworkPrinter(roll)
    with open_printer(line.address, patience=ANSWERING) as printer:
        printer.print(sent)
    line.wait()
    assert_same(roll.picture(), sent)
    assert (roll.initialised, roll.cuts) == (1, 1)


def test_the_bitmap_is_what_comes_out_of_a_serial_printer() -> None:
    """Promise: the same over a serial line."""
    roll, sent = EscposPrinter(), picture()
    line = SerialPrinter(roll)
    with open_printer(line.address, patience=ANSWERING, pause=no_pause) as printer:
        printer.print(sent)
    line.wait()
    assert_same(roll.picture(), sent)


def test_our_bytes_are_those_of_the_library() -> None:
    """Promise: a printer that python-escpos drives is driven the same way by us."""
    composed = Dummy(profile="TM-T88V")
    composed.hw("INIT")
    composed.image(picture(), fragment_height=BAND_ROWS)
    composed.cut()
    assert escpos_job(picture()) == composed.output


def test_composing_says_nothing_on_the_screen(capfd: pytest.CaptureFixture[str]) -> None:
    """Promise: the library writes nothing over the till's screen."""
    escpos_job(picture())
    assert capfd.readouterr() == ("", "")


def test_the_library_leaves_nothing_behind(tmp_path: Path) -> None:
    """Promise: printing fills no disk of a till that is started every day, and keeps its log."""
    program = (
        "import logging; from PIL import Image; from terminal.printer import escpos_job;"
        "escpos_job(Image.new('1', (384, 8)));"
        "assert logging.getLogger().handlers == []"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(TREE)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "paper"), [(OUT, Paper.OUT), (LOW, Paper.LOW), (0x12, Paper.FINE)]
)
def test_a_printer_that_answers_is_believed(said: int, paper: Paper) -> None:
    """Promise: the state of the paper is the one that the printer tells."""
    line = NetworkPrinter(EscposPrinter(paper=said))
    with open_printer(line.address, patience=ANSWERING) as printer:
        assert printer.status() is paper
    line.wait()


def test_a_printer_that_never_answers_is_unknown_and_prints() -> None:
    """Promise: where nothing is known nothing is claimed, and cheap printers print all the same."""
    roll = EscposPrinter(answers=False)
    line = NetworkPrinter(roll)
    with open_printer(line.address, patience=SILENT) as printer:
        assert printer.status() is Paper.UNKNOWN
        printer.print(picture())
    line.wait()
    assert_same(roll.picture(), picture())


def test_without_paper_nothing_is_sent() -> None:
    """Promise: a receipt is not begun on a printer that says it has no paper."""
    roll = EscposPrinter(paper=OUT)
    line = NetworkPrinter(roll)
    with (
        open_printer(line.address, patience=ANSWERING) as printer,
        pytest.raises(PrinterOutOfPaper),
    ):
        printer.print(picture())
    line.wait()
    assert roll.rows == []
    assert roll.initialised == 0


def test_paper_that_ends_within_a_receipt_is_told() -> None:
    """Promise: a receipt of which half came out does not count as printed."""
    roll = EscposPrinter(rows_of_paper=60)
    line = NetworkPrinter(roll)
    with (
        open_printer(line.address, patience=replace(ANSWERING, answers=1)) as printer,
        pytest.raises(PrinterOutOfPaper),
    ):
        printer.print(picture())
    line.wait()
    assert len(roll.rows) == 60


def test_a_printer_that_answers_only_at_once_is_taken_at_its_word() -> None:
    """Promise: a printer without GS r still ends a receipt as printed."""
    roll = EscposPrinter(knows_in_turn=False)
    line = NetworkPrinter(roll)
    with open_printer(line.address, patience=Patience(answer_s=1, answers=2)) as printer:
        printer.print(picture())
    line.wait()
    assert_same(roll.picture(), picture())


def test_a_network_printer_unplugged_while_it_prints() -> None:
    """Promise: what became of a receipt is not known when the printer goes, and it is said so."""
    line = NetworkPrinter(EscposPrinter(), unplugged_after=3_000)
    with (
        open_printer(line.address, patience=ANSWERING) as printer,
        pytest.raises(PrinterUnreachable),
    ):
        printer.print(picture(height=2_000))
    line.wait()


def test_a_serial_printer_unplugged_while_it_prints() -> None:
    """Promise: the same over a serial line, and letting go of it raises nothing more."""
    line = SerialPrinter(EscposPrinter(), unplugged_after=3_000)
    with (
        open_printer(line.address, patience=ANSWERING, pause=no_pause) as printer,
        pytest.raises(PrinterUnreachable),
    ):
        printer.print(picture(height=2_000))
    line.wait()


def test_a_printer_that_takes_nothing_is_not_waited_for_for_ever() -> None:
    """Promise: a printer with its lid open gives the thread back, also when it is let go."""
    far, near = os.openpty()
    address = f"serial:{os.ttyname(near)}"
    with (
        open_printer(address, patience=SILENT, pause=no_pause) as printer,
        pytest.raises(PrinterUnreachable, match="takes nothing"),
    ):
        printer.print(picture(height=5_000))
    os.close(near)
    os.close(far)


def test_a_serial_printer_in_use_is_busy() -> None:
    """Promise: two programs never print into each other's receipt."""
    far, near = os.openpty()
    path = os.ttyname(near)
    fcntl.flock(near, fcntl.LOCK_EX)
    with pytest.raises(PrinterBusy):
        open_printer(f"serial:{path}", patience=SILENT)
    os.close(near)
    os.close(far)


def test_an_open_serial_printer_is_busy_for_others() -> None:
    """Promise: the till's own use keeps other programs out."""
    far, near = os.openpty()
    path = os.ttyname(near)
    with open_printer(f"serial:{path}", patience=SILENT), pytest.raises(PrinterBusy):
        open_printer(f"serial:{path}", patience=SILENT)
    open_printer(f"serial:{path}", patience=SILENT).close()
    os.close(near)
    os.close(far)


def test_a_printer_without_rights_is_forbidden(tmp_path: Path) -> None:
    """Promise: a missing right is told apart from a missing printer."""
    escpos_job(picture())  # loads what nobody may read
    far, near = os.openpty()
    tmp_path.chmod(0o700)
    for address in (f"serial:{os.ttyname(near)}", f"file:{tmp_path}/receipt"):
        with as_nobody(), pytest.raises(PrinterForbidden):
            open_printer(address, patience=SILENT)
    os.close(near)
    os.close(far)


def test_nobody_listens_there() -> None:
    """Promise: a printer that is switched off is unreachable, not a crash."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(PrinterUnreachable):
        open_printer(f"network:127.0.0.1:{port}", patience=SILENT)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "lp0",
        "usb:04b8",
        "usb:04b8:0202:1",
        "serial:",
        "serial:ttyUSB0",
        "serial:/dev/no-such-line",
        "network:",
        "network:two words",
        "network:a..b",
        "file:",
        "file:/dev/no-such-printer",
        "file:/no-such-folder/receipt",
    ],
)
def test_what_is_no_printer_is_missing(address: str) -> None:
    """Promise: an address with a mistake says that there is no such printer."""
    with pytest.raises(PrinterMissing):
        open_printer(address, patience=SILENT)


def test_a_file_holds_what_a_printer_would_get(tmp_path: Path) -> None:
    """Promise: a file takes a receipt byte by byte, and never claims to know of paper."""
    path = tmp_path / "receipt"
    with open_printer(f"file:{path}") as printer:
        assert printer.status() is Paper.UNKNOWN
        printer.print(picture())
    roll = EscposPrinter()
    roll.take(path.read_bytes())
    assert path.read_bytes() == escpos_job(picture())
    assert_same(roll.picture(), picture())


def test_a_file_that_is_no_receipt_is_not_written_over(tmp_path: Path) -> None:
    """Promise: an address that names the journal by mistake costs no journal."""
    journal, old = tmp_path / "journal.db", tmp_path / "receipt"
    journal.write_bytes(b"SQLite format 3\x00")
    with pytest.raises(PrinterForbidden):
        open_printer(f"file:{journal}")
    assert journal.read_bytes() == b"SQLite format 3\x00"
    for _ in range(2):
        with open_printer(f"file:{old}") as printer:
            printer.print(picture())
    assert old.read_bytes() == escpos_job(picture())


def test_a_full_disk_is_a_trouble_of_the_printer() -> None:
    """Promise: no error of the system comes through, whatever it is."""
    with open_printer("file:/dev/full") as printer, pytest.raises(PrinterError):
        printer.print(picture())


def test_every_trouble_says_first_that_the_sale_stands() -> None:
    """Promise: nobody pays twice because a printer did not print, and each trouble has its own."""
    words = Words("fr")
    said = {printer_trouble(words, kind("")) for kind in (*PrinterError.__subclasses__(),)}
    assert len(said) == len(PrinterError.__subclasses__())
    assert all(sentence.startswith("La vente est bien enregistrée.") for sentence in said)
    assert len({paper_state(words, paper) for paper in Paper}) == len(Paper)
