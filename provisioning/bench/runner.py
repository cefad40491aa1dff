"""Asks every question, whatever happens to one of them, and leaves the card as it came."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from cardkit.errors import CardAnswerInvalid, CardError, CardLost, ReaderError
from provisioning.bench import questions_card as of_card
from provisioning.bench import questions_tmi as of_tmi
from provisioning.bench import questions_transaction as of_transaction
from provisioning.bench.answers import Answer, Question, Said
from provisioning.bench.bench import Bench, CardStaysAway
from provisioning.bench.specimen import Specimen, give_back, prepare, repair

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""A card that slips off is laid down again; one that always fails is given up."""

Result = TypeVar("Result")
Ask: TypeAlias = Callable[[Bench], Answer]
Trouble: TypeAlias = CardError | ReaderError
QUESTIONS: Mapping[Question, Ask] = MappingProxyType(
    {
        Question.DEBIT: of_tmi.debit,
        Question.CREDIT: of_tmi.credit,
        Question.LIMITED_CREDIT: of_tmi.limited_credit,
        Question.GET_VALUE: of_tmi.get_value,
        Question.RECORD_COMMAND: of_tmi.record_command,
        Question.RECORD_FILL: of_tmi.record_fill,
        Question.READ_DATA: of_tmi.read_data,
        Question.READ_RECORDS: of_tmi.read_records,
        Question.ABORT_AFTER_READS: of_transaction.abort_after_reads,
        Question.ABORT_OF_NOTHING: of_transaction.abort_of_nothing,
        Question.NO_CHANGES_SESSION: of_transaction.no_changes_session,
        Question.ABORT_CLEARS: of_tmi.abort_clears,
        Question.TRANSACTION_ENDS: of_transaction.transaction_ends,
        Question.ERRORS_ABORT: of_transaction.errors_abort,
        Question.FREE_READER_ID: of_transaction.free_reader_id,
        Question.NO_READER_ID: of_transaction.no_reader_id,
        Question.TMC_RESTARTS: of_transaction.tmc_restarts,
        Question.OPTION_BITS: of_transaction.option_bits,
        Question.SETTINGS_LENGTH: of_card.settings_length,
        Question.TIMING: of_card.timing,
        Question.CAPABILITIES: of_card.capabilities,
        Question.MIXED_CREDIT: of_transaction.mixed_credit,
        Question.INSPECTION: of_transaction.inspection,
        Question.ANSWER_BYTES: of_card.answer_bytes,
        Question.LIFTED_BEFORE: of_card.lifted_before,
        Question.LIFTED_AT_WORK: of_card.lifted_at_work,
        Question.FORMAT_FREES: of_card.format_frees,
    }
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every answer, in the order of the questions, and whether the card is as it came."""

    answers: tuple[Answer, ...]
    given_back: bool

    @property
    def is_whole(self) -> bool:
        """Whether every question was answered."""
        return not any(answer.is_missing for answer in self.answers)


def silent(answer: Answer) -> None:
    """Tell nobody."""


def run(bench: Bench, specimen: Specimen, *, tell: Callable[[Answer], None] = silent) -> Outcome:
    """Ask everything; what the card does not answer is missing, and nothing is raised."""
    answers: list[Answer] = []
    try:
        trouble = _prepared(bench)
        for question in Question:
            if trouble is None:
                answer, trouble = _asked(bench, question)
            else:
                answer = _missing(question, trouble)
            answers.append(answer)
            tell(answer)
    finally:
        given_back = _given_back(bench, specimen)
    return Outcome(tuple(answers), given_back)


def _prepared(bench: Bench) -> Trouble | None:
    """Prepare the card, or say why it can't be."""
    try:
        bench.free_bytes = _again(bench, lambda: prepare(bench.host))
    except (CardError, ReaderError) as error:
        logger.warning("the card can't be prepared: %s", error)
        return error
    return None


def _asked(bench: Bench, question: Question) -> tuple[Answer, Trouble | None]:
    """The answer, after a loss and a new start if need be; and what makes asking on useless."""
    try:
        return _again(bench, lambda: _ask(bench, question)), None
    except (CardStaysAway, ReaderError) as error:
        logger.warning("question %s: %s", question.name, error)
        return _missing(question, error), error
    except CardError as error:
        logger.warning("question %s: %s", question.name, error)
        return _missing(question, error), None


def _ask(bench: Bench, question: Question) -> Answer:
    """Ask on sound ground, whatever the question before, or this one's last attempt, has left."""
    repair(bench.host)
    return QUESTIONS[question](bench)


def _missing(question: Question, error: Trouble) -> Answer:
    return Answer(
        question=question,
        value=Said.NOT_ANSWERED.value,
        expected=None,
        evidence=(f"{type(error).__name__}: {error}",),
    )


def _again(bench: Bench, act: Callable[[], Result]) -> Result:
    """Do it, and do it again with the card laid down anew as often as it, or an answer, is lost."""
    for _ in range(ATTEMPTS - 1):
        try:
            return act()
        except CardStaysAway:
            raise
        except (CardLost, CardAnswerInvalid) as error:
            logger.info("the card was lost: %s", error)
            bench.connect()
    return act()


def _given_back(bench: Bench, specimen: Specimen) -> bool:
    """Try to, after any trouble again: whatever a lost answer hid, it was done or is done now."""
    for _ in range(ATTEMPTS):
        try:
            give_back(bench.host, specimen)
        except CardError as error:
            logger.warning("the card is not given back yet: %s", error)
        else:
            return True
        try:
            bench.connect()
        except (CardError, ReaderError) as error:
            logger.warning("the card was not given back: %s", error)
            return False
    return False
