"""A bank's statement as ISO 20022 says it: camt.053 (BankToCustomerStatement), any version.

A file holds statements (`Stmt`) of one account, these hold entries (`Ntry`), and an entry may be a
batch of single transfers (`TxDtls`). What is booked counts; what is pending or only told does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from server_stub.rules.bank_statement import (
    BYTES_MAX,
    DAYS_AHEAD_MAX,
    LABEL_CHARACTERS,
    LINES_MAX,
    REFERENCE_CHARACTERS,
    BankLine,
    NotRead,
    Statement,
    Wrong,
    indexed,
)
from server_stub.rules.bank_words import packed, tidy

NAMESPACE: Final = re.compile(rb"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d")
EURO: Final = "EUR"
_LOOK_BYTES: Final = 4_096
_DEPTH_MAX: Final = 40
_BOOKED: Final = "BOOK"
_CREDIT: Final = "CRDT"
_OPENING: Final = frozenset({"OPBD", "PRCD"})
_CLOSING: Final = frozenset({"CLBD"})
_NO_REFERENCE: Final = frozenset({"", "NOTPROVIDED", "NONREF"})
_AMOUNT: Final = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2})0*)?")
"""Unsigned, and in whole cents."""
_RETURNED: Final = {
    "AC01": "numéro de compte faux",
    "AC04": "compte clos",
    "AC06": "compte bloqué",
    "AG01": "opération interdite sur ce compte",
    "AM05": "déjà reçu",
    "MD07": "titulaire décédé",
    "MS03": "sans motif donné",
    "RC01": "BIC faux",
}
"""ExternalReturnReason1Code (ISO 20022), as a bank would write it on a French statement."""
_LINE: Final = "line"
"""An attribute of our own on each element: where in the file it begins."""


class _Refused(Exception):
    def __init__(self, why: Wrong, line: int | None = None, words: str = "") -> None:
        super().__init__(why.value)
        self.refusal = NotRead(why, line, words)


def is_camt(content: bytes) -> bool:
    """Say whether a file seems to be one, in UTF-8 or UTF-16: its beginning names the standard."""
    begins = content[:_LOOK_BYTES].replace(b"\0", b"")
    return NAMESPACE.search(begins) is not None


def account_of(content: bytes) -> str | NotRead:
    """Return the account whose movements a file tells: its IBAN, or what the bank calls it."""
    try:
        return _account(next(iter(_statements(_tree(content)))))
    except _Refused as refused:
        return refused.refusal


def read_camt(content: bytes, account: str, *, today: date) -> Statement | NotRead:
    """Read a whole file of an account, or say why nothing of it is taken."""
    try:
        return _read(content, account, today)
    except _Refused as refused:
        return refused.refusal


def _read(content: bytes, account: str, today: date) -> Statement:
    lines: list[BankLine] = []
    empty, breaks = 0, []
    latest = today + timedelta(days=DAYS_AHEAD_MAX)
    for statement in _statements(_tree(content)):
        if packed(_account(statement)) != packed(account):
            raise _Refused(Wrong.ANOTHER_ACCOUNT, _line_of(statement))
        found: list[BankLine] = []
        for entry in statement.findall("Ntry"):
            booked = list(_booked(entry, latest))
            empty += 0 if booked else 1
            found += booked
        if not _adds_up(statement, found):
            breaks.append(_line_of(statement))
        lines += found
        if len(lines) > LINES_MAX:
            raise _Refused(Wrong.TOO_LONG)
    if not lines and not empty:
        raise _Refused(Wrong.EMPTY)
    return Statement(lines=tuple(indexed(lines)), empty_lines=empty, breaks=tuple(breaks))


def _tree(content: bytes) -> ET.Element:
    """Parse without names of namespaces; a document type is refused, for it may define anything."""
    if len(content) > BYTES_MAX:
        raise _Refused(Wrong.TOO_LONG)
    builder, parser, depth = ET.TreeBuilder(), expat.ParserCreate(), 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH_MAX:
            raise _Refused(Wrong.NOT_XML, parser.CurrentLineNumber)
        kept = {"Ccy": _attributes["Ccy"]} if "Ccy" in _attributes else {}
        builder.start(name.rpartition(":")[2], kept | {_LINE: str(parser.CurrentLineNumber)})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name.rpartition(":")[2])

    def refuse(*_told: object) -> None:
        raise _Refused(Wrong.NOT_XML, parser.CurrentLineNumber)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
        return builder.close()
    except expat.ExpatError as error:
        raise _Refused(Wrong.NOT_XML, error.lineno) from error


def _statements(root: ET.Element) -> list[ET.Element]:
    found = root.findall("BkToCstmrStmt/Stmt")
    if not found:
        raise _Refused(Wrong.EMPTY)
    return found


def _account(statement: ET.Element) -> str:
    name = _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")
    if not name:
        raise _Refused(Wrong.ANOTHER_ACCOUNT, _line_of(statement))
    return name


def _booked(entry: ET.Element, latest: date) -> Iterator[BankLine]:
    """Yield the movements of an entry: those of a batch one by one, if they come to its sum."""
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    if status != _BOOKED:
        return
    whole = _line(entry, entry, _cents(entry, "Amt"), latest)
    if not whole.amount_cents:
        return
    parts = entry.findall("NtryDtls/TxDtls")
    amounts = [_part_cents(part, entry) for part in parts]
    told = [it for it in amounts if it is not None]
    if len(parts) > 1 and len(told) == len(parts) and sum(told) == whole.amount_cents:
        for part, cents in zip(parts, told, strict=True):
            if cents:
                yield _line(entry, part, abs(cents), latest, credit=cents > 0)
    elif len(parts) == 1:
        yield replace(
            _line(entry, parts[0], abs(whole.amount_cents), latest),
            amount_cents=whole.amount_cents,
        )
    else:
        yield whole


def _part_cents(part: ET.Element, entry: ET.Element) -> int | None:
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        if part.find(path) is not None:
            side = _text(part, "CdtDbtInd") or _text(entry, "CdtDbtInd")
            return _cents(part, path) * (1 if side == _CREDIT else -1)
    return None


def _line(
    entry: ET.Element, part: ET.Element, cents: int, latest: date, *, credit: bool | None = None
) -> BankLine:
    """Return a movement; `part` is where its parties, its reference and its words stand."""
    came = _text(entry, "CdtDbtInd") == _CREDIT if credit is None else credit
    other = "Dbtr" if came else "Cdtr"
    inside = part if part is not entry else entry.find("NtryDtls/TxDtls")
    inside = entry if inside is None else inside
    reference = _first(
        inside, "Refs/EndToEndId", "RmtInf/Strd/CdtrRefInf/Ref", "Refs/AcctSvcrRef"
    ) or _first(entry, "AcctSvcrRef", "NtryRef")
    words = [
        *(tidy(it.text or "") for it in inside.findall("RmtInf/Ustrd")),
        _text(inside, "AddtlTxInf"),
        _reason(_text(inside, "RtrInf/Rsn/Cd")),
        _text(entry, "AddtlNtryInf"),
    ]
    return BankLine(
        line=_line_of(part),
        day=_day(entry, latest),
        amount_cents=cents if came else -cents,
        label=tidy(" ".join(filter(None, words)))[:LABEL_CHARACTERS],
        payer=_first(inside, f"RltdPties/{other}/Pty/Nm", f"RltdPties/{other}/Nm")[
            :REFERENCE_CHARACTERS
        ],
        reference=reference[:REFERENCE_CHARACTERS],
        balance_cents=None,
        index=1,
    )


def _reason(code: str) -> str:
    words = _RETURNED.get(code)
    return code if words is None else f"{code} {words}"


def _day(entry: ET.Element, latest: date) -> date:
    """The value date, or where the bank tells none the day of the booking."""
    text = _first(entry, "ValDt/Dt", "ValDt/DtTm", "BookgDt/Dt", "BookgDt/DtTm")
    try:
        day = date.fromisoformat(text[:10])
    except ValueError as error:
        raise _Refused(Wrong.DAY, _line_of(entry), text[:40]) from error
    if day > latest:
        raise _Refused(Wrong.DAY_AHEAD, _line_of(entry), text[:40])
    return day


def _cents(parent: ET.Element, path: str) -> int:
    amount = parent.find(path)
    text = "" if amount is None else tidy(amount.text or "")
    if amount is None or amount.get("Ccy") != EURO:
        raise _Refused(Wrong.NOT_EUROS, _line_of(parent), text[:40])
    read = _AMOUNT.fullmatch(text)
    if read is None:
        raise _Refused(Wrong.AMOUNT, _line_of(amount), text[:40])
    return int(read[1]) * 100 + int((read[2] or "").ljust(2, "0"))


def _adds_up(statement: ET.Element, lines: list[BankLine]) -> bool:
    """Whether what was booked leads from the opening balance to the closing one, if both stand."""
    opening, closing = (_balance(statement, kinds) for kinds in (_OPENING, _CLOSING))
    if opening is None or closing is None:
        return True
    return opening + sum(line.amount_cents for line in lines) == closing


def _balance(statement: ET.Element, kinds: frozenset[str]) -> int | None:
    for balance in statement.findall("Bal"):
        if _text(balance, "Tp/CdOrPrtry/Cd") in kinds:
            side = 1 if _text(balance, "CdtDbtInd") == _CREDIT else -1
            return _cents(balance, "Amt") * side
    return None


def _first(parent: ET.Element, *paths: str) -> str:
    found = (_text(parent, path) for path in paths)
    return next((it for it in found if it.upper() not in _NO_REFERENCE), "")


def _text(parent: ET.Element, path: str) -> str:
    return tidy(parent.findtext(path) or "")


def _line_of(element: ET.Element) -> int:
    return int(element.get(_LINE, "0"))
