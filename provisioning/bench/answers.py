"""What the bench asks, and what an answer is.

The numbers are those of "Open questions" in the project's DESFire notes. A value is a status byte
or a number in hex, or one of `Said`; reports keep it in English, the screen translates it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Question(Enum):
    """Everything that is asked, in this order; the value is what a person reads."""

    DEBIT = "1  What a Debit leaves in the Transaction MAC"
    CREDIT = "1  What a Credit leaves in it"
    LIMITED_CREDIT = "1  What a LimitedCredit leaves in it"
    GET_VALUE = "1  What GetValue leaves in it"
    RECORD_COMMAND = "2  Which command byte a record written with 3Bh leaves in it"
    RECORD_FILL = "2  What a record of 20 bytes leaves in it"
    READ_DATA = "2  What ReadData leaves in it"
    READ_RECORDS = "2  What ReadRecords leaves in it"
    ABORT_AFTER_READS = "3  Status of an abort when there was nothing but reads"
    ABORT_OF_NOTHING = "3  Status of an abort when there was nothing at all"
    NO_CHANGES_SESSION = "3  Whether status 0Ch ends the session"
    ABORT_CLEARS = "3  Whether an abort takes reads out of the Transaction MAC"
    TRANSACTION_ENDS = "4  What ends a transaction"
    ERRORS_ABORT = "4  Which errors abort a transaction"
    FREE_READER_ID = "5  Whether CommitReaderID through the free right answers the last reader"
    NO_READER_ID = "6  Status of a commit without its CommitReaderID"
    TMC_RESTARTS = "7  Counter of a Transaction MAC file that was deleted and made again"
    OPTION_BITS = "8  Option bits of a Transaction MAC file"
    SETTINGS_LENGTH = "9  Length of a Transaction MAC file's settings"
    TIMING = "10 How long one sale's exchanges take"
    CAPABILITIES = "11 Capabilities that the card names when it authenticates"
    MIXED_CREDIT = "12 Whether Debit and LimitedCredit together leave an allowance"
    INSPECTION = "13 Whether CommitReaderID tells the last reader without a commit"
    ANSWER_BYTES = "14 Longest answer to one command"
    LIFTED_BEFORE = "15 What a card keeps that is lifted before its commit"
    LIFTED_AT_WORK = "15 What a card keeps that is lifted at work"
    FORMAT_FREES = "16 Whether formatting gives all memory back"


@unique
class Said(Enum):
    """The words that values consist of."""

    YES = "yes"
    NO = "no"
    ONE_BLOCK = "one block: command, file and value"
    TWO_BLOCKS = "two blocks: command and file, then the value"
    EACH_FILLED = "header and data, each filled with zeros"
    DATA_UNFILLED = "header filled with zeros, data as it is"
    RUN_ON = "header and data in one run"
    NO_TRACE = "nothing"
    UNKNOWN_FORM = "no form that the bench knows"
    OTHER_READER_ID = "a known form, but CommitReaderID leaves something else"
    STARTS_AGAIN = "it starts again at 0"
    GOES_ON = "it goes on"
    ALL_ABORT = "all of them"
    NONE_ABORTS = "none of them"
    SELECT_FIRST_ABORT = "select, authenticate first and abort; not authenticate non-first"
    NOTHING_KEPT = "nothing of it"
    ALL_OR_NOTHING = "all or nothing, and the proof fits"
    INCONSISTENT = "something else: look at the evidence"
    NOT_LIFTED = "nobody lifted the card"
    NOT_ASKED = "not asked"
    NOT_ANSWERED = "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question answered; `expected` is what the virtual card assumes, None for a mere fact."""

    question: Question
    value: str
    expected: str | None
    evidence: tuple[str, ...] = ()

    @property
    def is_missing(self) -> bool:
        """Whether the bench tried and got no answer."""
        return self.value == Said.NOT_ANSWERED.value

    @property
    def differs(self) -> bool:
        """Whether silicon is not what the virtual card assumes."""
        return self.expected is not None and self.value != self.expected
