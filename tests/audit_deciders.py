"""Acts about disputes, slips and earlier acts that somebody with the service's key adds."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import date
from typing import Any, Final

from auditor.findings import Class
from cardkit.acts import (
    ActBody,
    AllowanceIssued,
    ClaimAccepted,
    ReturnReason,
    SpendReturned,
)
from cardkit.resolutions import (
    ActReversed,
    CreditWithheld,
    DisputeAnswer,
    DisputeAnswered,
    DisputeDecided,
    DisputeKind,
    DisputeOpened,
    DisputeOutcome,
    DisputeReason,
    PaperAccepted,
    PaperBearer,
)
from tests.audit_edits import Edit
from tests.audit_insider import added, append, reversing
from tests.audited import COMMITTEE, TREASURER, Audited

UID: Final = bytes.fromhex("04b0e200000001")
NUMBER: Final = bytes(16)
CARNET: Final = 6
"""Of which slip 1 is paid."""


def _slip(number: int, **more: Any) -> PaperAccepted:
    slip = PaperAccepted(
        merchant=1,
        carnet=CARNET,
        slip=number,
        day=date(2026, 3, 1),
        amount_cents=5_00,
        bearer=PaperBearer.FUND,
        doubts=0,
        entered_by=COMMITTEE,
    )
    return replace(slip, **more)


def _opened(**more: Any) -> DisputeOpened:
    opened = DisputeOpened(
        number=NUMBER,
        uid=UID,
        generation=1,
        tmc=2,
        kind=DisputeKind.NOT_BOUGHT,
        amount_cents=5_00,
        is_held=False,
        answer_by=date(2030, 1, 1),
    )
    return replace(opened, **more)


def _decided(**more: Any) -> DisputeDecided:
    decided = DisputeDecided(
        number=NUMBER,
        outcome=DisputeOutcome.REJECTED,
        amount_cents=0,
        reason=DisputeReason.SHOWN,
        entered_by=COMMITTEE,
    )
    return replace(decided, **more)


def _accepted_and_undone(audited: Audited, db: sqlite3.Connection) -> None:
    claim = ClaimAccepted(
        entry=bytes(32),
        amount_cents=5_00,
        merchant=1,
        first_person=TREASURER,
        second_person=COMMITTEE,
    )
    append(audited, db, claim, COMMITTEE)
    reversing(ClaimAccepted, None)(audited, db)


def _one(name: str, *bodies: ActBody, by: int = TREASURER, cents: int = 5_00) -> Edit:
    return Edit(name, added(*bodies, by=by), Class.DECISION, "act ", cents)


DECIDERS: Final = (
    _one("a slip that one person entered and paid", _slip(30, entered_by=TREASURER)),
    _one("a slip that was paid before", _slip(1)),
    _one("a slip of another merchant's carnet", _slip(30, merchant=77)),
    _one("a slip that no card makes good", _slip(30, bearer=PaperBearer.CREDIT)),
    Edit(
        "a slip that the books do not know",
        added(_slip(30)),
        Class.BALANCE,
        "owed to merchant 1",
        5_00,
    ),
    _one(
        "credit that is held back for nothing",
        CreditWithheld(uid=UID, generation=1, amount_cents=7_00, month=date(2026, 4, 1)),
        cents=40,
    ),
    _one(
        "credit that is given back and was not held back",
        CreditWithheld(uid=UID, generation=1, amount_cents=-5_00, month=date(2026, 4, 1)),
        cents=0,
    ),
    _one("a dispute that is decided by one person", _opened(), _decided(entered_by=TREASURER)),
    _one("a dispute that one person decides above the limit", _opened(), _decided(entered_by=None)),
    _one("a dispute that nobody opened", _decided(), cents=0),
    _one("a dispute that was opened before", _opened(), _opened()),
    _one(
        "a dispute that returns more than was disputed",
        _opened(),
        _decided(outcome=DisputeOutcome.BORNE, amount_cents=6_00),
        cents=1_00,
    ),
    _one(
        "a dispute that the service decides before its day",
        _opened(),
        _decided(entered_by=None, reason=DisputeReason.UNANSWERED),
        by=0,
    ),
    _one("a dispute of what no card has made", _opened(tmc=90)),
    _one("a dispute of more than the sale", _opened(amount_cents=12_51), cents=1),
    _one("a dispute that is decided twice", _opened(), _decided(), _decided(), cents=0),
    _one(
        "an answer where nobody was asked",
        _opened(kind=DisputeKind.DOUBTED, answer_by=None),
        DisputeAnswered(number=NUMBER, answer=DisputeAnswer.AGREES),
        cents=0,
    ),
    Edit(
        "a dispute that returns what the books do not know",
        added(_opened(), _decided(outcome=DisputeOutcome.BORNE, amount_cents=5_00)),
        Class.BALANCE,
        "returned of card",
        5_00,
    ),
    _one(
        "a held sale that one person gives back above the limit",
        SpendReturned(
            uid=UID, generation=1, tmc=2, amount_cents=5_00, reason=ReturnReason.CLAIM_REFUSED
        ),
    ),
    Edit(
        "a slip that one person took back",
        reversing(PaperAccepted, None),
        Class.DECISION,
        "act ",
        6_60,
    ),
    Edit(
        "a slip that was taken back before",
        reversing(PaperAccepted, COMMITTEE, last=True),
        Class.DECISION,
        "act ",
    ),
    Edit(
        "a slip that was taken back and is still owed",
        reversing(PaperAccepted, COMMITTEE),
        Class.BALANCE,
        "paper of card",
        6_60,
    ),
    Edit(
        "a credit that is taken back",
        reversing(AllowanceIssued, COMMITTEE),
        Class.DECISION,
        "act ",
    ),
    _one(
        "the reversal of an act that is not there",
        ActReversed(seq=4, digest=bytes(32), entered_by=COMMITTEE),
        cents=0,
    ),
    Edit(
        "a claim that one person took back",
        _accepted_and_undone,
        Class.DECISION,
        "act ",
        5_00,
    ),
)
"""The books do not follow most of them, and need not: the log is signed."""
