"""Single changes to an export that was right: each with what an auditor has to say of it.

Rows are changed where they stand, as somebody with the database would; or signed anew with the
real keys of the service or of a terminal, as somebody would who has broken in.
"""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from auditor.findings import Class
from cardkit.acts import Act, AllowanceIssued, SettlementApproved, SpendReturned, open_act, sign_act
from cardkit.bodies import Refund, Sale
from cardkit.certificates import Role
from cardkit.digest import Digest, accept_digest, sign_digest
from cardkit.directory import CardStatus, read_row
from cardkit.entries import Entry, open_entry, sign_entry
from simulator.burnt.caisse import keys_of
from tests.audited import Audited

Apply: TypeAlias = Callable[[Audited, sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change, and what must be found: class, part of the row's name, cents that hang on it."""

    name: str
    apply: Apply
    kind: Class
    place: str
    cents: int = 0


_READ: Final = "SELECT content FROM TABLE WHERE rowid = ?"
_WRITE: Final = "UPDATE TABLE SET content = ? WHERE rowid = ?"


def _sql(sql: str, *values: object) -> Apply:
    def apply(_audited: Audited, db: sqlite3.Connection) -> None:
        assert db.execute(sql, values).rowcount >= 1

    return apply


def _flip(table: str, number: int, at: int = -70) -> Apply:
    """Flip a bit of a signed document."""

    def apply(_audited: Audited, db: sqlite3.Connection) -> None:
        read, write = (sql.replace("TABLE", table) for sql in (_READ, _WRITE))
        ((content,),) = db.execute(read, (number,))
        changed = bytearray(content)
        changed[at] ^= 1
        db.execute(write, (bytes(changed), number))

    return apply


# Acts, signed anew


def _acts(audited: Audited, db: sqlite3.Connection) -> list[Act]:
    keys = list(audited.caisse.ring.trust.keys(Role.SERVICE))
    contents = db.execute("SELECT content FROM act ORDER BY seq").fetchall()
    return [open_act(content, keys, caisse="flers") for (content,) in contents]


def _resign_act(find: Callable[[Act], bool], change: Callable[[Any], Any], *, rest: bool) -> Apply:
    """Sign an act anew with another body; `rest` signs all later ones anew too, so they follow."""

    def apply(audited: Audited, db: sqlite3.Connection) -> None:
        key, prev, begun = audited.caisse.ring.service, b"", False
        for act in _acts(audited, db):
            envelope = act.envelope
            body = act.body
            if not begun and find(act):
                begun, body = True, change(body)
            elif not (begun and rest):
                prev = act.signed.digest
                continue
            assert body is not None
            new = sign_act(key, body, seq=envelope.seq, prev=prev, at=envelope.at, by=envelope.by)
            prev = new.signed.digest
            db.execute(
                "UPDATE act SET content = ? WHERE seq = ?", (new.signed.encoded, envelope.seq)
            )
        assert begun

    return apply


def _is(kind: type) -> Callable[[Act], bool]:
    return lambda act: isinstance(act.body, kind)


def _more_paid(run: SettlementApproved) -> SettlementApproved:
    first, *others = run.lines
    more = replace(
        first, amount_cents=first.amount_cents + 1_00, total_cents=first.total_cents + 1_00
    )
    return replace(run, lines=(more, *others))


def _other_payee(run: SettlementApproved) -> SettlementApproved:
    first, *others = run.lines
    return replace(run, lines=(replace(first, merchant=77), *others))


def _more_returned(back: SpendReturned) -> SpendReturned:
    return replace(back, amount_cents=back.amount_cents + 1)


# Entries, signed anew


def _resign_entry(
    terminal: int, kind: type, change: Callable[[Any], Any], **envelope: object
) -> Apply:
    """Let a terminal sign one of its entries anew; the next one still follows the old one."""

    def apply(_audited: Audited, db: sqlite3.Connection) -> None:
        key = keys_of(terminal, caisse="flers")[0]
        for number, content in db.execute(
            "SELECT n, content FROM entry WHERE terminal = ? ORDER BY n", (terminal,)
        ).fetchall():
            entry = open_entry(content, key.public, caisse="flers", terminal=terminal)
            if isinstance(entry.body, kind):
                new = _signed(entry, key, change(entry.body), envelope)
                db.execute("UPDATE entry SET content = ? WHERE n = ?", (new, number))
                return
        raise AssertionError(kind)

    return apply


def _signed(entry: Entry, key: Any, body: Any, envelope: dict[str, object]) -> bytes:
    changed = replace(entry.envelope, **envelope)  # type: ignore[arg-type]  # fields by name
    return sign_entry(key, changed, body).signed.encoded


def _same(body: Any) -> Any:
    return body


def _swap(table: str, one: int, other: int) -> Apply:
    def apply(_audited: Audited, db: sqlite3.Connection) -> None:
        read, write = (sql.replace("TABLE", table) for sql in (_READ, _WRITE))
        contents = [db.execute(read, (number,)).fetchone()[0] for number in (one, other)]
        for number, content in zip((other, one), contents, strict=True):
            db.execute(write, (content, number))

    return apply


# Directories and digests


def _unblock(_audited: Audited, db: sqlite3.Connection) -> None:
    """Make a row of the directory say that a blocked card may buy."""
    for number, content in db.execute(
        "SELECT n, content FROM directory_row WHERE content IS NOT NULL ORDER BY n"
    ).fetchall():
        row = read_row(content)
        if row.status is CardStatus.BLOCKED:
            free = replace(row, status=CardStatus.ACTIVE).encoded
            db.execute("UPDATE directory_row SET content = ? WHERE n = ?", (free, number))
            return
    raise AssertionError("a blocked card is in the directory")


def _other_digest(change: Callable[[Digest], Digest]) -> Apply:
    """Hand out another digest of the last day than the one that stands in the log."""

    def apply(audited: Audited, db: sqlite3.Connection) -> None:
        number, content = db.execute(
            "SELECT n, content FROM digest ORDER BY n DESC LIMIT 1"
        ).fetchone()
        held = accept_digest(content, audited.caisse.ring.trust, held=None).digest
        new = sign_digest(audited.caisse.ring.service, change(held)).encoded
        db.execute("UPDATE digest SET content = ? WHERE n = ?", (new, number))

    return apply


SIGNED: Final = (
    Edit("a bit of an act", _flip("act", 20), Class.SIGNATURE, "act 20"),
    Edit("a bit of an act's signature", _flip("act", 20, at=-3), Class.SIGNATURE, "act 20"),
    Edit("two acts in each other's place", _swap("act", 20, 21), Class.LOG, "act 20"),
    Edit(
        "a run that pays more, signed anew",
        _resign_act(_is(SettlementApproved), _more_paid, rest=False),
        Class.LOG,
        "act ",
    ),
    Edit(
        "a run that pays more, and all later acts signed anew",
        _resign_act(_is(SettlementApproved), _more_paid, rest=True),
        Class.BALANCE,
        "paid of merchant 1",
        1_00,
    ),
    Edit(
        "a run that pays somebody else, and all later acts signed anew",
        _resign_act(_is(SettlementApproved), _other_payee, rest=True),
        Class.BALANCE,
        "paid of merchant 77",
    ),
    Edit(
        "a rewritten log is not the one that terminals were told",
        _resign_act(_is(SettlementApproved), _more_paid, rest=True),
        Class.WITNESS,
        "entry ",
    ),
    Edit(
        "a rewritten log is not the one of the digest",
        _resign_act(_is(SettlementApproved), _more_paid, rest=True),
        Class.DIGEST,
        "digest ",
    ),
    Edit(
        "more given back than was taken, signed anew",
        _resign_act(_is(SpendReturned), _more_returned, rest=False),
        Class.LOG,
        "act ",
    ),
    Edit(
        "an allowance that is no document",
        _resign_act(
            _is(AllowanceIssued), lambda body: replace(body, content=body.content[:-1]), rest=True
        ),
        Class.DOCUMENT,
        "act ",
    ),
    Edit("a bit of an entry", _flip("entry", 9), Class.SIGNATURE, "entry 9 "),
    Edit(
        "a sale of more, signed anew by its terminal",
        _resign_entry(1, Sale, lambda body: replace(body, amount_cents=body.amount_cents + 1)),
        Class.TOTAL,
        "entry 1/",
        1,
    ),
    Edit(
        "a refund of more, signed anew by its terminal",
        _resign_entry(1, Refund, lambda body: replace(body, amount_cents=body.amount_cents + 1)),
        Class.TOTAL,
        "entry 1/",
        1,
    ),
    Edit(
        "a perpetual total, signed anew",
        _resign_entry(1, Sale, _same, perpetual_cents=99_99),
        Class.TOTAL,
        "entry 1/",
    ),
    Edit(
        "an earlier time, signed anew",
        _resign_entry(1, Sale, _same, monotonic_ms=5),
        Class.CHAIN,
        "entry 1/",
    ),
    Edit("a bit of a certificate", _flip("certificate", 4), Class.CERTIFICATE, "certificate 4"),
    Edit("a row of the directory", _unblock, Class.DIRECTORY, "directory "),
    Edit(
        "another digest of a day",
        _other_digest(lambda it: replace(it, acts_head=bytes(32))),
        Class.DIGEST,
        "digests",
    ),
    Edit(
        "a digest of another time",
        _other_digest(lambda it: replace(it, made_at=it.made_at + timedelta(hours=1))),
        Class.DIGEST,
        "digests",
    ),
)
"""Changes that need a hand, or a key."""


def _rows() -> Iterator[Edit]:
    path = Path(__file__).with_suffix(".toml")
    for one in tomllib.loads(path.read_text("utf-8"))["edit"]:
        yield Edit(
            one["name"], _sql(one["sql"]), Class(one["kind"]), one["place"], one.get("cents", 0)
        )


EDITS: Final = (*_rows(), *SIGNED)


NOT_MONEY: Final = (
    ("meta.made_at", "UPDATE meta SET value = 'never' WHERE name = 'made_at'"),
    ("reason of a transaction: words for a person", "UPDATE card_transaction SET reason = 'x'"),
    ("subject of a posting: a name for what is summed", "UPDATE posting_line SET subject = 'x'"),
    ("order of entries of different terminals", "UPDATE entry SET n = n + 5000 WHERE terminal = 1"),
)
"""What can be changed without anybody being owed another cent, and is not found."""
