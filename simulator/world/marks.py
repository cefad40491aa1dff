"""Places that enough worlds must reach: a world that never gets there proves nothing about them.

Marks are set from outside, by what a till or the service came to; no program knows of them.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum, unique


@unique
class Mark(Enum):
    """Something that has to happen sometimes."""

    GREEN = "a sale"
    GREEN_OFFLINE_FOR_A_WEEK = "a sale by a till that has heard nothing for a week"
    GREEN_AFTER_CUT = "a sale at the first tap after a power cut"
    DECLINED_NOT_ENOUGH = "a card without enough credit"
    DECLINED_BLOCKED = "a blocked card"
    DECLINED_DAY_CAP = "more than a card may spend at one till in a day"
    DECLINED_DIRECTORY_EXPIRED = "a till whose directory has expired"
    DECLINED_PERMIT_EXPIRED = "a till whose permit has expired"
    MONTH_LEARNT_FROM_CARD = "a till learnt of an allowance that the card brought"

    AMBER = "a sale whose end nobody saw"
    AMBER_AND_DEBITED = "… and the card had paid"
    AMBER_AND_NOT_DEBITED = "… and the card had not paid"
    TORN_EXECUTED_READ_BACK = "found to be paid by the counter and the record"
    TORN_EXECUTED_BY_RECORD = "found to be paid by the record alone"
    TORN_VOID_COUNTER = "found not to be paid by the counter"
    TORN_VOID_RECORDS = "found not to be paid by the records"
    TORN_UNDECIDABLE = "left to the service by the till"
    AMBER_PARKED_BY_CLOSURE = "left to the service by the end of the day"
    REFUNDED_AS_ANSWERED = "given back because it was paid another way"
    LATE_GREEN = "an earlier sale turned green at a later tap"

    KILLED_IN_TAP = "the till was killed during a tap"
    CUT_IN_TAP = "the power went during a tap"
    CUT_LOST_UNTOLD = "a cut took an entry that nobody had been told of"
    CUT_KEPT_UNTOLD = "a cut left an entry that nobody had been told of"
    JOURNAL_STOPPED = "a write failed and the till stopped"
    SYNC_FAILED_AND_STOPPED = "a sync of the disk failed and the till stopped"
    DISK_FULL_AND_STOPPED = "the disk was full and the till stopped"
    OPENED_AGAIN = "a till that had stopped was opened again and sold"
    STORE_FETCHED_ANEW = "a till without a directory asked for the whole of it"
    ROT_FOUND = "a rotten file was refused when the till was opened"
    SECOND_REFUSED = "a second till on the same journal was refused"
    OLD_IMAGE_FOUND = "a till that was put back was stopped by the service's answer"

    CLOCK_RAISED = "a clock below what was signed was raised"
    CLOCK_REFUSED_SALE = "a clock far ahead kept a till from selling"
    CLOCK_DECLARED = "a person said what time it is"

    DELIVERED_TWICE = "a request arrived twice"
    DELIVERED_LATE = "a request arrived days later"
    ANSWER_REFUSED = "a till refused an answer"
    PORTAL_REFUSED = "a hotspot's page was no answer"
    REQUEST_REFUSED = "the service refused a garbled request"
    INBOX_GARBAGE_SURVIVED = "garbage in the inbox was journalled and left behind"
    SERVICE_DIED_INSIDE = "the service died in a transaction and took nothing in"
    SERVICE_DIED_AFTER = "the service died after a transaction and had taken it in"
    SERVICE_RESTORED = "the service was put back"
    RESENT_AFTER_RESTORE = "a till sent again what a restored service had forgotten"
    NEW_EPOCH_ACCEPTED = "a till took in a directory of a new epoch"

    REFUND_GRANTED = "a refund was granted"
    REFUND_IN_ALLOWANCE = "an allowance contains a refund"
    RETURNED_NEVER_GREEN = "money went back that never turned green"
    RETURNED_UNCLAIMED = "money went back that nobody claimed"
    RETURNED_CONTRADICTED = "money went back that a till denied"
    HELD = "a sale was held"
    GAP_SEEN = "a card showed a transaction that nobody had told of"
    RECOVERED = "a burnt till's sale was recovered from a card"
    RECOVERY_CONFIRMED = "… and confirmed by a person"
    LOST_TILL_TURNED_UP = "a till that was declared lost sent what it had"
    BLOCKED_AND_LEARNT = "a till learnt that a card is blocked"
    FREED_AND_SOLD = "a card that was found again bought something"
    LONG_HEAL = "the world had to wait for a rule's days"

    NO_STALL_LEFT = "no till was left, and a producer was given another one"
    RUN_PAID = "merchants were paid by a run"
    RUN_REVOKED = "a run was revoked, and its merchants were owed again"
    OWN_RUN_REFUSED = "a person could not approve the run that he drew up"
    PAID_AFTER_RESTORE = "a restored service paid again, when the statement had been compared"
    PAYOUT_EVIDENCED = "a payout that a restored service had forgotten was entered"
    EVIDENCE_TAKEN_BACK = "a wrong sum that two people had entered was taken back"
    EVIDENCE_SET_ASIDE = "… or what a till had been told of it, after a second restore"

    DISPUTE_RETURNED = "a member got back what was disputed"
    DISPUTE_REJECTED = "a disputed sale stood"
    DISPUTE_RULED = "the voted rule decided a dispute that nobody had answered"
    SLIP_PAID = "two people paid a slip of paper"
    SLIP_ENTERED_AGAIN = "a slip that a restored service had forgotten was entered again"
    STOLEN_TILL_TOLD = "a sale that a stolen till told of was owed within its loss window"


class Marks:
    """How often each mark was reached."""

    def __init__(self) -> None:
        self.counts: Counter[Mark] = Counter()

    def hit(self, mark: Mark) -> None:
        """Note that it has happened."""
        self.counts[mark] += 1
