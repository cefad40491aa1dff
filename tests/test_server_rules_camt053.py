"""A bank's statement in ISO 20022 says what its CSV would, and bad files are refused whole."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from server_stub.rules.bank_files import read_file
from server_stub.rules.bank_statement import NotRead, Profile, Statement, Wrong
from server_stub.rules.camt053 import account_of, is_camt, read_camt

VECTORS = Path(__file__).parent / "vectors"
ACCOUNT = "FR76 3000 1007 9412 3456 7890 185"
TODAY = date(2026, 11, 6)
V02 = (VECTORS / "camt053_v02.xml").read_bytes()
V08 = (VECTORS / "camt053_v08.xml").read_bytes()
CSV = Profile(
    account=ACCOUNT,
    encoding="utf-8",
    delimiter=";",
    day_format="jj/mm/aaaa",
    decimal_mark=",",
    day="Date",
    labels=("Libellé",),
    amount="Montant",
)


def read(content: bytes) -> Statement:
    """A file that can be read."""
    found = read_camt(content, ACCOUNT, today=TODAY)
    assert isinstance(found, Statement), found
    return found


def refusal(content: bytes) -> Wrong:
    """Why a file is not read."""
    found = read_camt(content, ACCOUNT, today=TODAY)
    assert isinstance(found, NotRead), found
    return found.why


def test_what_is_booked_is_read_transfer_by_transfer() -> None:
    """Promise: a batch of payouts is as many lines as payouts; what is pending is none."""
    statement = read(V02)
    assert [(it.day.day, it.amount_cents, it.reference) for it in statement.lines] == [
        (2, 30_00, "A1"),
        (3, -60_20, "R1-0007-M7"),
        (3, -40_00, "R1-0007-M8"),
        (3, -2_50, "F1"),
    ]
    first, *_, fee = statement.lines
    assert (first.payer, first.label) == ("MME MARTHE LECOEUR", "COTISATION NOVEMBRE")
    assert fee.label == "FRAIS DE TENUE DE COMPTE"
    assert (statement.empty_lines, statement.breaks) == (1, ())


def test_a_later_version_says_the_same_elsewhere() -> None:
    """Promise: what banks changed in November 2025 changes nothing here; a return says why."""
    back, one, two = read(V08).lines
    assert (back.amount_cents, back.reference, back.label) == (
        40_00,
        "R1-0007-M8",
        "AC04 compte clos",
    )
    assert (one.payer, one.reference) == ("M. ALAIN GIRARD", "RF35473656A590")
    assert (one.index, two.index) == (1, 2)
    assert one.identity(ACCOUNT) != two.identity(ACCOUNT)
    assert read(V08).breaks == ()


def test_the_same_line_is_the_same_in_every_file() -> None:
    """Promise: a statement that is read twice, or as UTF-16, brings no line a second time."""
    other = V02.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    mine = {it.identity(ACCOUNT) for it in read(V02).lines}
    assert mine == {it.identity(ACCOUNT) for it in read(other).lines}


def test_balances_that_do_not_follow_are_told() -> None:
    """Promise: a file that lacks an entry between its two balances says so."""
    assert read(V02.replace(b"927.30", b"927.31")).breaks == (6,)


def test_a_batch_that_does_not_come_to_its_sum_stays_one_line() -> None:
    """Promise: nothing is invented: parts that are not the whole are not believed."""
    statement = read(V02.replace(b">60.2<", b">60.3<"))
    assert -100_20 in [it.amount_cents for it in statement.lines]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'Ccy="EUR">30.00', b'Ccy="CHF">30.00', Wrong.NOT_EUROS),
        (b">30.00<", b">30.005<", Wrong.AMOUNT),
        (b">30.00<", b">-30.00<", Wrong.AMOUNT),
        (b">30.00<", b">1e2<", Wrong.AMOUNT),
        (b"<Dt>2026-11-02</Dt></ValDt>", b"<Dt>02/11/2026</Dt></ValDt>", Wrong.DAY),
        (b"<Dt>2026-11-02</Dt></ValDt>", b"<Dt>2027-11-02</Dt></ValDt>", Wrong.DAY_AHEAD),
        (b"1234567890185", b"1234567890186", Wrong.ANOTHER_ACCOUNT),
        (b"</Document>", b"", Wrong.NOT_XML),
        (b"<Document", b'<!DOCTYPE x [<!ENTITY a "b">]><Document', Wrong.NOT_XML),
        (b"BkToCstmrStmt", b"BkToCstmrAcctRpt", Wrong.EMPTY),
        (b"<Ntry>", b"<Ntry>" + b"<a>" * 60, Wrong.NOT_XML),
    ],
)
def test_bad_files_are_refused_whole(old: bytes, new: bytes, why: Wrong) -> None:
    """Promise: one doubtful amount, day or account, and not one line of the file counts."""
    assert refusal(V02.replace(old, new)) is why


def test_a_bomb_is_never_opened() -> None:
    """Promise: a file that would grow in memory is refused at its second line."""
    bomb = b'<?xml version="1.0"?>\n<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'
    bomb += b"".join(b'<!ENTITY b%d "&a;&a;&a;">' % number for number in range(9))
    assert refusal(bomb + b"]>" + V02.partition(b"?>")[2]) is Wrong.NOT_XML
    assert refusal(V02 + b" " * 5_000_000) is Wrong.TOO_LONG


def test_a_profile_reads_either_form() -> None:
    """Promise: whoever has a CSV profile may hand in the other form of the same account."""
    assert read_file(V02, CSV, today=TODAY) == read(V02)
    assert read_file(b"Date;Montant", Profile.of_camt(ACCOUNT), today=TODAY) == NotRead(
        Wrong.NOT_XML
    )
    assert (is_camt(V02), is_camt(V08), is_camt(b"Date;Montant")) == (True, True, False)
    assert account_of(V08) == "FR7630001007941234567890185"
    assert Profile.of_camt(ACCOUNT).is_sound
    assert not Profile.of_camt(" ").is_sound
