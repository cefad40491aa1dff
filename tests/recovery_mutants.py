"""Bugs as people make them in code that finds out how a torn thing ended, each with its catcher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SINGLES: Final = "tests/test_torn_everywhere.py::"
_PAIRS: Final = "tests/test_torn_everywhere_twice.py::"
_CARDS: Final = "tests/test_torn_everywhere_cards.py::"
_MOMENTS: Final = _SINGLES + "test_every_fault_at_every_moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One bug: texts of one file, each there once, and the test that must turn red with it."""

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    caught_by: str
    says: str
    """What the red test says, so that it is not red for another reason."""


RECOVERY: Final = (
    Mutant(
        name="judged by the counter alone",
        file="terminal/torn.py",
        edits=(("if any(_is_ours(", "if passed == 1 or any(_is_ours("),),
        caught_by=_PAIRS + "test_torn_again_while_it_is_found_out[not executed-equal]",
        says="a sale without a debit",
    ),
    Mutant(
        name="the token is not compared",
        file="terminal/torn.py",
        edits=(
            (
                "return same_sale and hmac.compare_digest(record.token, intent.token)",
                "return same_sale",
            ),
        ),
        caught_by=_SINGLES + "test_a_record_with_another_token_is_not_ours",
        says="a sale without a debit",
    ),
    Mutant(
        name="void without a look at the records",
        file="terminal/torn.py",
        edits=(
            (
                "return Undecidable(DoubtReason.RECORDS_UNREADABLE)",
                "return NotExecuted(VoidReason.RECORD_ABSENT)",
            ),
        ),
        caught_by=_MOMENTS + "[sale that settles a debit]",
        says="a debit that was called void",
    ),
    Mutant(
        name="a record that was overwritten counts as absent",
        file="terminal/torn.py",
        edits=(("if passed > readable or", "if passed > readable + 2 or"),),
        caught_by=_SINGLES + "test_the_card_buys_at_another_stall_in_between[nine]",
        says="a debit that was called void",
    ),
    Mutant(
        name="the outcome is entered although the card has left while it was read",
        file="terminal/amber.py",
        edits=(
            ("import CardRefused, must", "import CardError, must"),
            ("except CardRefused:", "except CardError:"),
        ),
        caught_by=_MOMENTS + "[sale that settles a debit]",
        says="left to the service",
    ),
    Mutant(
        name="the intent is written when the card has answered",
        file="terminal/selling.py",
        edits=(
            (
                "        entry = self._append(order, EntryKind.INTENT, intent, at=basis.asked_at)\n"
                '        must(entry.seq == seq, "the number of the sale")\n',
                "",
            ),
            (
                "            proof = tap.session.commit()\n",
                "            proof = tap.session.commit()\n"
                "            self._append(order, EntryKind.INTENT, intent, at=basis.asked_at)\n",
            ),
        ),
        caught_by=_MOMENTS + "[sale]",
        says="a debit without an intent on disk",
    ),
    Mutant(
        name="the allowance is written over the newer one",
        file="terminal/credit.py",
        edits=(("return orders.index(min(orders))", "return orders.index(max(orders))"),),
        caught_by=_SINGLES + "test_a_slot_that_is_half_written_costs_the_older_allowance",
        says="the newer of both was overwritten",
    ),
    Mutant(
        name="a paid sale is announced at the end of a balance",
        file="terminal/till.py",
        edits=(
            (
                "        settled = self._settle(tap, announce)\n        basis =",
                "        settled = self._settle(tap, nobody)\n        basis =",
            ),
        ),
        caught_by=_MOMENTS + "[balance that settles a debit]",
        says="a sale that nobody saw",
    ),
    Mutant(
        name="a key's version is changed before the key, and believed",
        file="cardkit/card/rekeying.py",
        edits=(
            ("if old == new and card.get_key_version", "if card.get_key_version"),
            (
                "    card.change_other_key(key_no, old=old, new=new, version=version)\n",
                "    card.change_other_key(key_no, old=old, new=old, version=version)\n"
                "    card.change_other_key(key_no, old=old, new=new, version=version)\n",
            ),
        ),
        caught_by=_CARDS + "test_every_fault_at_every_exchange[rekey]",
        says="the same command does not finish it",
    ),
)
