"""Acts that somebody with the service's real key adds to the log, each against a rule."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from auditor.findings import Class
from cardkit.acts import (
    Act,
    ActBody,
    ClaimAccepted,
    EpochRaised,
    ProofKeysPublished,
    RecoveryConfirmed,
    RestoreFinished,
    SettlementApproved,
    SettlementConfirmed,
    SettlementLine,
    SettlementRevoked,
    SettlementSent,
    open_act,
    sign_act,
)
from cardkit.certificates import Role
from cardkit.payouts import PayoutEvidenced, PayoutReturned
from cardkit.resolutions import ActReversed
from tests.audit_edits import Apply, Edit
from tests.audited import COMMITTEE, TREASURER, Audited

FIRST_RUN: Final = "R1-0001"
_RESTORED: Final = EpochRaised(epoch=2, reason="restored")


def log_of(audited: Audited, db: sqlite3.Connection) -> list[Act]:
    """The acts of an export, in order."""
    keys = list(audited.caisse.ring.trust.keys(Role.SERVICE))
    contents = db.execute("SELECT content FROM act ORDER BY seq").fetchall()
    return [open_act(content, keys, caisse="flers") for (content,) in contents]


def append(audited: Audited, db: sqlite3.Connection, body: ActBody, by: int) -> None:
    """Sign one more act with the service's real key."""
    last = log_of(audited, db)[-1]
    seq, at = last.envelope.seq + 1, last.envelope.at
    key = audited.caisse.ring.service
    act = sign_act(key, body, seq=seq, prev=last.signed.digest, at=at, by=by)
    db.execute("INSERT INTO act VALUES (?, ?)", (seq, act.signed.encoded))


def added(*bodies: ActBody, by: int = TREASURER) -> Apply:
    """Return the edit that adds acts to the log."""

    def apply(audited: Audited, db: sqlite3.Connection) -> None:
        for body in bodies:
            append(audited, db, body, by)

    return apply


def reversing(kind: type, entered_by: int | None, *, last: bool = False) -> Apply:
    """Return the edit that adds the reversal of an act of a kind."""

    def apply(audited: Audited, db: sqlite3.Connection) -> None:
        acts = [act for act in log_of(audited, db) if isinstance(act.body, kind)]
        act = acts[-1 if last else 0]
        digest = act.signed.digest
        body = ActReversed(seq=act.envelope.seq, digest=digest, entered_by=entered_by)
        append(audited, db, body, TREASURER)

    return apply


def _then(*steps: Apply) -> Apply:
    def apply(audited: Audited, db: sqlite3.Connection) -> None:
        for step in steps:
            step(audited, db)

    return apply


def _again(kind: type, change: Callable[[ActBody], ActBody]) -> Apply:
    """Add an act like the last one of its kind, but for one thing."""

    def apply(audited: Audited, db: sqlite3.Connection) -> None:
        bodies = [act.body for act in log_of(audited, db) if isinstance(act.body, kind)]
        assert bodies[-1] is not None
        append(audited, db, change(bodies[-1]), TREASURER)

    return apply


def _run(name: str, total_cents: int, *, drawn_up_by: int = COMMITTEE) -> SettlementApproved:
    line = SettlementLine(merchant=77, amount_cents=5_00, total_cents=total_cents)
    return SettlementApproved(settlement=name, lines=(line,), drawn_up_by=drawn_up_by)


def _evidence(entered_by: int = COMMITTEE) -> PayoutEvidenced:
    return PayoutEvidenced(
        settlement="R1-0009", merchant=1, amount_cents=5_00, entered_by=entered_by
    )


def _came_back(amount_cents: int = 5_00) -> PayoutReturned:
    return PayoutReturned(
        settlement="R1-0009", merchant=1, amount_cents=amount_cents, entered_by=COMMITTEE
    )


def _still_paid(_audited: Audited, db: sqlite3.Connection) -> None:
    """Leave in the books what the log has taken back."""
    ((last, posting),) = db.execute("SELECT MAX(n), MAX(posting) FROM posting_line").fetchall()
    for number, (book, cents) in enumerate((("payable", -5_00), ("paid", 5_00)), start=1):
        row = (last + number, posting + 1, "settlement/R1-0009", b"", 0, book, 1, cents)
        db.execute("INSERT INTO posting_line VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def _other_key(keys: ActBody) -> ActBody:
    assert isinstance(keys, ProofKeysPublished)
    first, *others = keys.keys
    return replace(keys, keys=(replace(first, key=bytes(16)), *others))


def _one_cent_more(sale: ActBody) -> ActBody:
    assert isinstance(sale, RecoveryConfirmed)
    return replace(sale, amount_cents=sale.amount_cents + 1)


def _of_another_number(sale: ActBody) -> ActBody:
    assert isinstance(sale, RecoveryConfirmed)
    return replace(sale, seq=sale.seq + 1)


def _to_the_thief(sale: ActBody) -> ActBody:
    assert isinstance(sale, RecoveryConfirmed)
    return replace(sale, merchant=77)


def _recovered_of_more(_audited: Audited, db: sqlite3.Connection) -> None:
    """Let the books tell of a larger sale of the burnt terminal, in every row."""
    ((uid, tmc, cents),) = db.execute(
        "SELECT uid, tmc, amount_cents FROM card_transaction WHERE terminal = 3"
    ).fetchall()
    where = "WHERE uid = ? AND tmc = ?"
    db.execute(f"UPDATE card_transaction SET amount_cents = ? {where}", (cents + 1, uid, tmc))  # noqa: S608 - ours


INSIDER: Final = (
    Edit(
        "a run that one person drew up and approved",
        added(_run("R1-0009", 5_00, drawn_up_by=TREASURER)),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit("a run with a wrong total", added(_run("R1-0009", 6_00)), Class.SETTLEMENT, "act ", 1_00),
    Edit(
        "a run that was approved before",
        added(_run(FIRST_RUN, 5_00)),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "a run that nobody is owed",
        added(_run("R1-0009", 5_00)),
        Class.BALANCE,
        "in_payment of merchant 77",
        5_00,
    ),
    Edit(
        "a run that is confirmed a second time",
        added(SettlementConfirmed(settlement=FIRST_RUN)),
        Class.SETTLEMENT,
        "act ",
    ),
    Edit(
        "a run that is revoked when it was paid",
        added(SettlementRevoked(settlement=FIRST_RUN)),
        Class.SETTLEMENT,
        "act ",
    ),
    Edit(
        "a run that is sent and was never approved",
        added(SettlementSent(settlement="R1-0009")),
        Class.SETTLEMENT,
        "act ",
    ),
    Edit(
        "a run that is confirmed and was never sent",
        added(_run("R1-0009", 5_00), SettlementConfirmed(settlement="R1-0009")),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "a payout that one person entered",
        added(_RESTORED, _evidence(entered_by=TREASURER)),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "a payout that one person says came back",
        added(
            PayoutReturned(settlement=FIRST_RUN, merchant=1, amount_cents=5, entered_by=TREASURER)
        ),
        Class.SETTLEMENT,
        "act ",
        5,
    ),
    Edit(
        "a payout that came back and was never paid",
        added(_came_back()),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "a payout of the statement of which more came back",
        added(_RESTORED, _evidence(), _came_back(5_01)),
        Class.SETTLEMENT,
        "act ",
        5_01,
    ),
    Edit(
        "a payout of the statement when no restore was declared",
        added(_evidence()),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "a payout of the statement that is entered twice",
        added(_RESTORED, _evidence(), _evidence()),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "a payout of the statement that one person took back",
        _then(added(_RESTORED, _evidence()), reversing(PayoutEvidenced, None)),
        Class.DECISION,
        "act ",
        5_00,
    ),
    Edit(
        "a payout of the statement that came back, and is taken back",
        _then(added(_RESTORED, _evidence(), _came_back()), reversing(PayoutEvidenced, COMMITTEE)),
        Class.DECISION,
        "act ",
        5_00,
    ),
    Edit(
        "a payout of the statement that was taken back, and comes back",
        _then(
            added(_RESTORED, _evidence()),
            reversing(PayoutEvidenced, COMMITTEE),
            added(_came_back()),
        ),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "a payout of the statement that was taken back, and is still paid",
        _then(added(_RESTORED, _evidence()), reversing(PayoutEvidenced, COMMITTEE), _still_paid),
        Class.BALANCE,
        "paid of merchant 1",
        5_00,
    ),
    Edit(
        "a run while the statement is wrong in the books again",
        _then(
            added(_RESTORED, _evidence(), RestoreFinished(epoch=2, entered_by=COMMITTEE)),
            reversing(PayoutEvidenced, COMMITTEE),
            added(_run("R1-0010", 5_00)),
        ),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "a restore that one person finished",
        added(RestoreFinished(epoch=1, entered_by=TREASURER)),
        Class.SETTLEMENT,
        "act ",
    ),
    Edit(
        "a claim that one person accepted twice",
        added(
            ClaimAccepted(
                entry=bytes(32),
                amount_cents=5_00,
                merchant=1,
                first_person=TREASURER,
                second_person=TREASURER,
            )
        ),
        Class.SETTLEMENT,
        "act ",
        5_00,
    ),
    Edit(
        "another key of a transaction",
        _again(ProofKeysPublished, _other_key),
        Class.PROOF,
        "act ",
    ),
    Edit(
        "a recovered sale that is confirmed for more",
        _again(RecoveryConfirmed, _one_cent_more),
        Class.SALE,
        "transaction ",
    ),
    Edit(
        "a recovered sale that is confirmed under another number",
        _again(RecoveryConfirmed, _of_another_number),
        Class.SALE,
        "transaction ",
    ),
    Edit(
        "a recovered sale that is confirmed for somebody else",
        _again(RecoveryConfirmed, _to_the_thief),
        Class.BALANCE,
        "of merchant 77",
    ),
    Edit(
        "a recovered sale of more than the card has spent",
        _recovered_of_more,
        Class.PROOF,
        "transaction ",
        1,
    ),
)
"""The books do not follow most of them, and need not: the log is signed."""
