"""A bank's statement, read or refused: no file makes it guess, and none makes it fall over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.rules.bank_statement import (
    ENCODINGS,
    NotRead,
    Profile,
    Statement,
    Wrong,
    read_statement,
)
from server_stub.rules.bank_words import NotAnAmount, payer_key, read_amount, tidy

TODAY = date(2026, 11, 30)
ACCOUNT = "FR76 3000 1007 9412 3456 7890 185"
TWO_COLUMNS = Profile(
    account=ACCOUNT,
    encoding="cp1252",
    delimiter=";",
    day_format="jj/mm/aaaa",
    decimal_mark=",",
    skip_first=2,
    day="Date de valeur",
    labels=("Libellé",),
    debit="Débit",
    credit="Crédit",
    balance="Solde",
)
SIGNED = Profile(
    account="",
    encoding="utf-8",
    delimiter=",",
    day_format="aaaa-mm-jj",
    decimal_mark=".",
    day="date",
    labels=("label",),
    amount="amount",
)
HEAD = "Compte;FR7630001007941234567890185\nPériode;novembre\n"
COLUMNS = "Date de valeur;Libellé;Débit;Crédit;Solde\n"


def file_of(*rows: str, head: str = HEAD, columns: str = COLUMNS) -> bytes:
    """A file as a French bank writes it."""
    return (head + columns + "\n".join(rows) + "\n").encode("cp1252")


def read(content: bytes, profile: Profile = TWO_COLUMNS) -> Statement:
    """Read a file that is one."""
    statement = read_statement(content, profile, today=TODAY)
    assert isinstance(statement, Statement), statement
    return statement


def refused(content: bytes, profile: Profile = TWO_COLUMNS) -> NotRead:
    """Read a file that is none."""
    refusal = read_statement(content, profile, today=TODAY)
    assert isinstance(refusal, NotRead), refusal
    return refusal


def test_a_french_statement_is_read() -> None:
    """Promise: debit and credit, comma, no-break spaces, semicolons in quotes: all are read."""
    lines = read(
        file_of(
            '05/11/2026;"VIR DUPONT; MARTHE";;20,00;1\u00a0020,00',
            "06/11/2026;PRLV ASSURANCE;-12,5;;1\u00a0007,50",
            "07/11/2026;FRAIS;3,00;;1.004,50",
            "08/11/2026;SUBVENTION;;10\u00a0000,00 €;11 004,50",
        )
    ).lines
    assert [it.amount_cents for it in lines] == [20_00, -12_50, -3_00, 10_000_00]
    assert lines[0].label == "VIR DUPONT; MARTHE"
    assert [it.balance_cents for it in lines] == [1020_00, 1007_50, 1004_50, 11_004_50]
    assert [it.line for it in lines] == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("text", "decimal_mark", "cents"),
    [
        ("1\u202f234,56", ",", 1234_56),
        ("1\u00a0234,56 €", ",", 1234_56),
        ("1.234.567,89", ",", 1_234_567_89),
        ("1,234.50", ".", 1234_50),
        ("1'234.50", ".", 1234_50),
        ("\u221212,00", ",", -12_00),
        ("12,00-", ",", -12_00),
        ("+ 12", ",", 12_00),
        ("12,5", ",", 12_50),
        ("20 EUR", ",", 20_00),
    ],
)
def test_amounts_as_banks_write_them(text: str, decimal_mark: str, cents: int) -> None:
    """Promise: every blank and sign that banks use for thousands and debits is understood."""
    assert read_amount(text, decimal_mark=decimal_mark) == cents


@pytest.mark.parametrize(
    ("text", "decimal_mark"),
    [
        ("12.50", ","),
        ("1,234", ","),
        ("12 34,00", ","),
        ("1.23", ","),
        ("--5", ","),
        ("-5-", ","),
        ("", ","),
        ("-", ","),
        ("1e5", "."),
        ("=1+1", ","),
        ("١٢", ","),
        ("12,", ","),
        ("NaN", "."),
    ],
)
def test_what_could_be_another_amount_is_none(text: str, decimal_mark: str) -> None:
    """Promise: an amount is never guessed: what could be read two ways is refused."""
    assert isinstance(read_amount(text, decimal_mark=decimal_mark), NotAnAmount)


ROW = "05/11/2026;VIR DUPONT;;20,00;1020,00"


@pytest.mark.parametrize(
    ("content", "why", "line"),
    [
        (b"", Wrong.EMPTY, None),
        (b"\r\n\r\n \n", Wrong.EMPTY, None),
        (file_of(), Wrong.EMPTY, None),
        (file_of(ROW).decode("cp1252").encode("utf-8"), Wrong.ENCODING, None),
        (file_of(ROW).decode("cp1252").encode("utf-16"), Wrong.ENCODING, None),
        (file_of(ROW, head="Compte;FR7610107001011234567890129\n\n"), Wrong.ANOTHER_ACCOUNT, None),
        (file_of(ROW, columns="Date;Libellé;Débit;Crédit;Solde\n"), Wrong.NO_COLUMN, 3),
        (file_of("29/02/2026;VIR;;20,00;"), Wrong.DAY, 4),
        (file_of("2026-11-05;VIR;;20,00;"), Wrong.DAY, 4),
        (file_of(ROW, "12/11/2027;VIR;;20,00;"), Wrong.DAY_AHEAD, 5),
        (file_of(ROW, "05/11/2026;VIR;;20.00;"), Wrong.AMOUNT, 5),
        (file_of("05/11/2026;VIR;;-20,00;"), Wrong.AMOUNT, 4),
        (file_of("05/11/2026;VIR;5,00;20,00;"), Wrong.TWO_AMOUNTS, 4),
        (file_of("05/11/2026;VIR;;;"), Wrong.TWO_AMOUNTS, 4),
        (file_of("05/11/2026;VIR;;20,00;soldé"), Wrong.BALANCE, 4),
        (file_of("05/11/2026;VIR"), Wrong.TOO_SHORT, 4),
        (file_of('05/11/2026;"VIR;;20,00;'), Wrong.NOT_CSV, 4),
        (b"x" * 5_000_001, Wrong.TOO_LONG, None),
    ],
    ids=lambda it: it.name if isinstance(it, Wrong) else "",
)
def test_a_hostile_file_is_refused_whole(content: bytes, why: Wrong, line: int | None) -> None:
    """Promise: what is doubtful is refused, with its line, and not one line of the file counts."""
    refusal = refused(content)
    assert (refusal.why, refusal.line) == (why, line)


def test_a_leap_day_is_a_day() -> None:
    """Promise: 29 February is read in the years that have it."""
    content = file_of("29/02/2028;VIR;;20,00;")
    statement = read_statement(content, TWO_COLUMNS, today=date(2028, 3, 1))
    assert isinstance(statement, Statement)
    assert statement.lines[0].day == date(2028, 2, 29)


def test_two_equal_transfers_of_a_day_are_two_lines() -> None:
    """Promise: lines that say the same are told apart, and are the same ones in each file."""
    row = "2026-11-05,VIR DUPONT,20.00"
    first = read(f"date,label,amount\n{row}\n{row}\n".encode(), SIGNED).lines
    again = read(f"date,label,amount\n2026-11-04,X,1.00\n{row}\n{row}\n".encode(), SIGNED).lines
    assert len({it.identity("a") for it in first}) == 2
    assert [it.identity("a") for it in first] == [it.identity("a") for it in again[1:]]
    assert first[0].identity("a") != first[0].identity("b")


def test_a_balance_that_does_not_follow_is_told() -> None:
    """Promise: a line that is missing in the middle of a statement is seen, in either order."""
    rows = [
        "05/11/2026;A;;20,00;120,00",
        "06/11/2026;B;;20,00;140,00",
        "07/11/2026;C;5,00;;135,00",
    ]
    assert read(file_of(*rows)).breaks == ()
    assert read(file_of(*reversed(rows))).breaks == ()
    assert read(file_of(rows[0], rows[2])).breaks == (5,)


def test_a_label_is_a_text_on_one_line() -> None:
    """Promise: no label obeys: neither line breaks, nor escapes, nor marks that turn text round."""
    assert tidy("=CMD()\x1b[2J\r\n\u202eabc\x00") == "=CMD() [2J abc"
    content = b'date,label,amount\n2026-11-05,"a\nb",1.00\n'
    assert read(content, SIGNED).lines[0].label == "a b"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VIR SEPA RECU /DE DUPONT MARTHE /REF 12", "VIREMENT DUPONT Marthe nov. 2026"),
        ("VIR INST Mme LECŒUR-MARTIN oct", "VIR INST MME LECŒUR-MARTIN OCT"),
    ],
)
def test_a_payer_is_known_by_what_stays_the_same(one: str, other: str) -> None:
    """Promise: numbers, months and a bank's own words do not hide who paid before."""
    first, second = payer_key("", one), payer_key("", other)
    assert set(first.split()) & set(second.split())
    assert payer_key("", "VIREMENT SEPA RECU 123456 NOVEMBRE 2026") == ""


def test_a_profile_that_can_not_be_read_by_is_seen() -> None:
    """Promise: a profile names a day, a label, and one way of telling amounts."""
    assert TWO_COLUMNS.is_sound
    assert SIGNED.is_sound
    for wrong in (
        {"amount": "Montant"},
        {"debit": ""},
        {"day": ""},
        {"labels": ()},
        {"encoding": "rot13"},
        {"delimiter": ";;"},
        {"delimiter": '"'},
        {"decimal_mark": "'"},
        {"day_format": "%s"},
        {"skip_first": -1},
        {"has_heading": False},
    ):
        assert not replace(TWO_COLUMNS, **wrong).is_sound, wrong


@given(
    content=st.binary(max_size=400) | st.text(max_size=200).map(lambda it: it.encode("utf-8")),
    encoding=st.sampled_from(ENCODINGS),
    has_heading=st.booleans(),
)
def test_no_bytes_make_it_fall_over(content: bytes, encoding: str, has_heading: bool) -> None:
    """Promise: any bytes are a statement or a refusal, never a crash."""
    named = replace(SIGNED, encoding=encoding)
    numbered = replace(named, day="1", labels=("2",), amount="3")
    profile = named if has_heading else replace(numbered, has_heading=False)
    told = read_statement(content, profile, today=TODAY)
    assert isinstance(told, Statement | NotRead)


CELL = st.text(st.characters(codec="utf-8"), max_size=12)


@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6), delimiter=st.sampled_from(";,\t|"))
def test_no_cells_make_it_fall_over(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    """Promise: whatever stands in the columns, a line is read as it is or refused by its number."""
    heading = delimiter.join(("date", "label", "amount"))
    body = "\n".join(delimiter.join(row) for row in [("2026-11-05", "x", "1.00"), *rows])
    told = read_statement(
        f"{heading}\n{body}".encode(), replace(SIGNED, delimiter=delimiter), today=TODAY
    )
    if isinstance(told, Statement):
        assert all(it.label == tidy(it.label) for it in told.lines)
    else:
        assert told.line is not None or told.why is Wrong.ENCODING


@given(cents=st.integers(-(10**11), 10**11), blank=st.sampled_from(["", "\u00a0", "\u202f", "."]))
def test_every_amount_comes_back(cents: int, blank: str) -> None:
    """Promise: an amount that is written with any of the blanks is the amount that is read."""
    sign, (whole, rest) = "-" if cents < 0 else "", divmod(abs(cents), 100)
    text = f"{sign}{f'{whole:,}'.replace(',', blank)},{rest:02}"
    assert read_amount(text, decimal_mark=",") == cents
