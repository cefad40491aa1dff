"""The numbers that a committee votes: each is a dated rule, in force from a day on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum, unique
from typing import Final

from cardkit.errors import must
from cardkit.membership import AdmissionOrder


@unique
class RuleName(StrEnum):
    """What can be voted; amounts in cents, times in days unless the name says months."""

    MONTHLY_CREDIT_CENTS = "monthly_credit_cents"
    MONTHS_AHEAD = "months_ahead"
    """How many months beyond the present one are signed in advance."""
    SPENDABLE_DAYS = "spendable_days"
    """How long after its last month's beginning a card's credit can be spent."""
    DIRECTORY_DAYS = "directory_days"
    PERMIT_DAYS = "permit_days"
    SALE_MAX_CENTS = "sale_max_cents"
    CARD_DAY_MAX_CENTS = "card_day_max_cents"
    CARD_DAY_STALE_MAX_CENTS = "card_day_stale_max_cents"
    FRESH_DAYS = "fresh_days"
    UNSENT_MAX_CENTS = "unsent_max_cents"
    REFUND_DAYS = "refund_days"
    CONTRADICTION_DAYS = "contradiction_days"
    """How long a debit that its terminal denies waits for a person, before it is given back."""
    RECOVERY_DAYS = "recovery_days"
    """How long a gap that a lost terminal may explain waits for what the card still tells."""
    CARD_FLOOR_CENTS = "card_floor_cents"
    """With less value than this left in its counter, a card is to be replaced."""
    COMMITMENT_NEEDED = "commitment_needed"
    """1 where credit is given only for months that were promised, 0 where to every account."""
    CONTRIBUTION_FLOOR_CENTS = "contribution_floor_cents"
    CONTRIBUTION_STEP_CENTS = "contribution_step_cents"
    COMMITMENT_MONTHS = "commitment_months"
    EXTRA_PERSON_CENTS = "extra_person_cents"
    """What each person beyond the first adds to a household's credit."""
    GRACE_MONTHS = "grace_months"
    """Months after the last promised one that are given while a renewal is on its way."""
    DUES_DAYS = "dues_days"
    """How long after its first day a month may be unpaid without being late."""
    RENEWAL_WEEKS = "renewal_weeks"
    """How long before its end a commitment is on the list of those to renew."""
    RETENTION_DAYS = "retention_days"
    """How long after the last contact a member's name is kept."""
    IBAN_COOLING_DAYS = "iban_cooling_days"
    """How long a changed bank account of a merchant waits before it is paid to."""
    EQUILIBRIUM_FUND_CENTS = "equilibrium_fund_cents"
    """What public bodies gave once, to fill the gap of the first year."""
    CASH_BOX_MAX_CENTS = "cash_box_max_cents"
    """How much cash the till box may hold before it is handed in (encaisse maximum)."""
    LATE_DUES = "late_dues"
    """What it leads to that a contribution is late: a `LateDues`."""
    LATE_CREDIT_DAYS = "late_credit_days"
    """How long a contribution may be late before no new credit is signed, where that is voted."""
    ADMISSION_ORDER = "admission_order"
    """In which order the waiting list is admitted: a `cardkit.membership.AdmissionOrder`."""
    LEAVING_CREDIT = "leaving_credit"
    """What becomes of the credit that a leaver has not spent: a `LeavingCredit`."""
    COVERAGE_PERCENT = "coverage_percent"
    """How much of an eligible product is paid in credit."""
    COVERAGE_REDUCED_PERCENT = "coverage_reduced_percent"
    COVERAGE_LOW_PERCENT = "coverage_low_percent"
    RADIUS_KM = "radius_km"
    """How far a producer may be."""
    LOST_SALE_BORNE_BY = "lost_sale_borne_by"
    """Who bears a sale that a lost terminal can't prove and no card does: a `LossBearer`."""
    SINGLE_SIGNATURE_MAX_CENTS = "single_signature_max_cents"
    """Up to what amount a claim without proof is one person's decision."""
    DISPUTE_DAYS = "dispute_days"
    """How long a producer has to answer when a sale is disputed."""
    DISPUTE_HOLDS = "dispute_holds"
    """Whether a disputed amount is held while nobody has decided."""
    DISPUTE_UNANSWERED = "dispute_unanswered"
    """What becomes of a dispute that a producer has not answered: an `Unanswered`."""
    DISPUTE_BORNE_BY = "dispute_borne_by"
    """Who bears what a dispute gives back to a member: a `DisputeBearer`."""
    PAPER_DAY_MAX_CENTS = "paper_day_max_cents"
    """How much of one stall's paper slips of one day can be paid."""
    PAPER_ON_CREDIT = "paper_on_credit"
    """Whether what a paper slip paid comes out of credit that is not signed yet."""
    PAPER_MONTH_MAX_CENTS = "paper_month_max_cents"
    """How much of one month's credit paper slips may take."""


@unique
class LeavingCredit(IntEnum):
    """What becomes of the credit that a leaver has not spent."""

    SPENDABLE = 0
    """It can be spent until the date that was signed with it."""
    LAPSES = 1
    """The card is blocked; once every stall knows, what is left is the caisse's again."""


@unique
class LateDues(IntEnum):
    """What it leads to that a contribution is late; no stall learns of it, whatever is voted."""

    NOTHING = 0
    REMINDER = 1
    """The member stands on the list of those to remind."""
    NO_CREDIT = 2
    """Likewise, and after `late_credit_days` no new month is signed until it is paid."""


@unique
class LossBearer(IntEnum):
    """Who bears a sale that nothing proves."""

    CAISSE = 0
    MERCHANT = 1
    HALF_EACH = 2


@unique
class Unanswered(IntEnum):
    """What becomes of a dispute when the producer's days are over."""

    REJECTED = 0
    """The sale stands."""
    RETURNED = 1
    """The member has it back."""


@unique
class DisputeBearer(IntEnum):
    """Who bears what a dispute gives back."""

    MERCHANT = 0
    """The next run pays so much less."""
    FUND = 1


@unique
class Answer(IntEnum):
    """Of a rule that is a question."""

    NO = 0
    YES = 1


CHOICES: Final[dict[RuleName, type[IntEnum]]] = {
    RuleName.COMMITMENT_NEEDED: Answer,
    RuleName.ADMISSION_ORDER: AdmissionOrder,
    RuleName.LEAVING_CREDIT: LeavingCredit,
    RuleName.LOST_SALE_BORNE_BY: LossBearer,
    RuleName.DISPUTE_HOLDS: Answer,
    RuleName.DISPUTE_UNANSWERED: Unanswered,
    RuleName.DISPUTE_BORNE_BY: DisputeBearer,
    RuleName.PAPER_ON_CREDIT: Answer,
    RuleName.LATE_DUES: LateDues,
}
"""Rules whose value is one of a few answers; the number is what is signed."""

APPLIED_BY_PEOPLE: Final = frozenset(
    {
        RuleName.COVERAGE_PERCENT,
        RuleName.COVERAGE_REDUCED_PERCENT,
        RuleName.COVERAGE_LOW_PERCENT,
        RuleName.LOST_SALE_BORNE_BY,
    }
)
"""Voted, dated and printed like the others; nothing is computed from them here."""

STARTING_VALUES: Final = {
    RuleName.MONTHLY_CREDIT_CENTS: 100_00,
    RuleName.MONTHS_AHEAD: 1,
    RuleName.SPENDABLE_DAYS: 400,
    RuleName.DIRECTORY_DAYS: 35,
    RuleName.PERMIT_DAYS: 35,
    RuleName.SALE_MAX_CENTS: 150_00,
    RuleName.CARD_DAY_MAX_CENTS: 150_00,
    RuleName.CARD_DAY_STALE_MAX_CENTS: 80_00,
    RuleName.FRESH_DAYS: 7,
    RuleName.UNSENT_MAX_CENTS: 3_000_00,
    RuleName.REFUND_DAYS: 31,
    RuleName.CONTRADICTION_DAYS: 14,
    RuleName.RECOVERY_DAYS: 31,
    RuleName.CARD_FLOOR_CENTS: 10_000_00,
    RuleName.COMMITMENT_NEEDED: 0,
    RuleName.CONTRIBUTION_FLOOR_CENTS: 20_00,
    RuleName.CONTRIBUTION_STEP_CENTS: 5_00,
    RuleName.COMMITMENT_MONTHS: 3,
    RuleName.EXTRA_PERSON_CENTS: 0,
    RuleName.GRACE_MONTHS: 1,
    RuleName.DUES_DAYS: 9,
    RuleName.RENEWAL_WEEKS: 5,
    RuleName.RETENTION_DAYS: 730,
    RuleName.IBAN_COOLING_DAYS: 3,
    RuleName.EQUILIBRIUM_FUND_CENTS: 20_000_00,
    RuleName.CASH_BOX_MAX_CENTS: 500_00,
    RuleName.LATE_DUES: 1,
    RuleName.LATE_CREDIT_DAYS: 31,
    RuleName.ADMISSION_ORDER: 0,
    RuleName.LEAVING_CREDIT: 0,
    RuleName.COVERAGE_PERCENT: 100,
    RuleName.RADIUS_KM: 50,
    RuleName.LOST_SALE_BORNE_BY: 0,
    RuleName.SINGLE_SIGNATURE_MAX_CENTS: 0,
    RuleName.DISPUTE_DAYS: 14,
    RuleName.DISPUTE_HOLDS: 1,
    RuleName.DISPUTE_UNANSWERED: 1,
    RuleName.DISPUTE_BORNE_BY: 0,
    RuleName.PAPER_DAY_MAX_CENTS: 300_00,
    RuleName.PAPER_ON_CREDIT: 1,
    RuleName.PAPER_MONTH_MAX_CENTS: 30_00,
}
"""What a new caisse is given to vote upon; never read once it has rules of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedRule:
    """One vote."""

    name: RuleName
    value: int
    from_day: date


def in_force(rules: Iterable[DatedRule], name: RuleName, day: date) -> int:
    """Return the value of a rule on a day; that there is one is the caisse's first duty."""
    dated = [rule for rule in rules if rule.name is name and rule.from_day <= day]
    must(bool(dated), f"a rule {name} is in force on {day}")
    return max(dated, key=lambda rule: rule.from_day).value


def of_month(rules: Iterable[DatedRule], name: RuleName, month: date) -> int | None:
    """Return the value of a rule on a month's first day; the first one, where that was before any.

    None in a caisse that has never voted on it.
    """
    dated = sorted((it for it in rules if it.name is name), key=lambda rule: rule.from_day)
    begun = [rule for rule in dated if rule.from_day <= month]
    one = begun[-1] if begun else next(iter(dated), None)
    return None if one is None else one.value
