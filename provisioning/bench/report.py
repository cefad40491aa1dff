"""What the bench leaves behind: a dated section for docs/hardware-log.md, and the settled facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cardkit.card.connection import Activation
from cardkit.card.profile import CardProfile, ClearBy
from cardkit.card.profile_file import AMOUNT_FORM, SettledFacts, without_reads
from provisioning.bench.answers import Answer, Question, Said
from provisioning.bench.runner import Outcome
from provisioning.bench.specimen import Specimen

_GOOD_ABORTS = frozenset({"00", "0C"})
# A sale's record has 32 bytes, for which both are the same.
_PROVABLE_RECORDS = frozenset({Said.EACH_FILLED.value, Said.DATA_UNFILLED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Which card lay on which reader, and when."""

    at: datetime
    reader: str
    activation: Activation
    specimen: Specimen


def markdown(setting: Setting, outcome: Outcome) -> str:
    """A section of docs/hardware-log.md, in English as the documents are."""
    return "\n".join((*_head(setting, outcome), *_table(outcome), *_evidence(outcome), ""))


def settled(answers: Sequence[Answer], base: CardProfile) -> SettledFacts | None:
    """The facts for the card profile; None when the card gave no answer that settles them."""
    values = {answer.question: answer.value for answer in answers}
    debit = values.get(Question.DEBIT, "")
    if values.get(Question.RECORD_FILL) not in _PROVABLE_RECORDS:
        return None
    if values.get(Question.TRANSACTION_ENDS) != Said.SELECT_FIRST_ABORT.value:
        return None  # a sale relies on a new transaction after the select and after clearing
    reading = values.get(Question.GET_VALUE, "")
    if debit == Said.ONE_BLOCK.value and reading in (debit, Said.NO_TRACE.value):
        form = AMOUNT_FORM
    elif debit == reading == Said.TWO_BLOCKS.value:
        form = Said.TWO_BLOCKS.value
    else:
        return None
    sale_tmi, birth_tmi = base.sale_tmi, base.birth_tmi
    if reading == Said.NO_TRACE.value:
        sale_tmi, birth_tmi = without_reads(sale_tmi), without_reads(birth_tmi)
    return SettledFacts(
        profile=base.name,
        clear_by=_clear_by(values),
        amount_form=form,
        sale_tmi=sale_tmi,
        birth_tmi=birth_tmi,
    )


def _clear_by(values: dict[Question, str]) -> ClearBy:
    """AbortTransaction only when it is sure to empty the transaction and to keep the session."""
    status = values.get(Question.ABORT_AFTER_READS, "")
    keeps = status == "00" or values.get(Question.NO_CHANGES_SESSION) == Said.NO.value
    clears = values.get(Question.ABORT_CLEARS) == Said.YES.value
    return ClearBy.ABORT if status in _GOOD_ABORTS and keeps and clears else ClearBy.REAUTHENTICATE


def _head(setting: Setting, outcome: Outcome) -> Iterator[str]:
    version, activation = setting.specimen.version, setting.activation
    yield f"## {setting.at:%Y-%m-%d %H:%M} UTC, {setting.reader}"
    yield ""
    yield f"- UID `{activation.uid.hex().upper()}`, batch `{version.batch.hex().upper()}`"
    yield (
        f"- hardware {version.hw_type:02X} {version.hw_major:02X}.{version.hw_minor:02X}, software "
        f"{version.sw_major:02X}.{version.sw_minor:02X}, storage {version.storage:02X}, made in "
        f"week {version.week:02X} of 20{version.year:02X}"
    )
    yield f"- {', '.join(_shown(activation)) or 'the reader tells nothing of the activation'}"
    chip = setting.specimen.chip
    yield f"- {f'signed by NXP: {chip.value}' if chip else '**signed by nobody we trust**'}"
    key = "DES, as delivered" if setting.specimen.has_factory_key else "AES, all zero"
    yield f"- PICC master key: {key}; given back: {'yes' if outcome.given_back else '**no**'}"
    yield ""


def _shown(activation: Activation) -> Iterator[str]:
    if activation.atqa is not None:
        yield f"ATQA `{activation.atqa.hex().upper()}`"
    if activation.sak is not None:
        yield f"SAK `{activation.sak:02X}`"
    if activation.ats is not None:
        yield f"ATS `{activation.ats.hex().upper()}`"
    if activation.atr is not None:
        yield f"ATR `{activation.atr.hex().upper()}`"


def _table(outcome: Outcome) -> Iterator[str]:
    yield "| question | answer | the virtual card assumes |"
    yield "| --- | --- | --- |"
    for answer in outcome.answers:
        value = f"**{answer.value}**" if answer.differs or answer.is_missing else answer.value
        yield f"| {answer.question.value} | {value} | {answer.expected or '-'} |"
    yield ""


def _evidence(outcome: Outcome) -> Iterator[str]:
    yield "Evidence:"
    yield ""
    for answer in outcome.answers:
        for line in answer.evidence:
            yield f"- {answer.question.name}: {line}"
