"""What goes wrong in the field has a command, a page in each language, and a drill that lives."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.living_tests import LivingTests, living_tests
from tests.test_guide_commands import GUIDE


@dataclass(frozen=True, slots=True)
class Situation:
    """One thing that goes wrong."""

    command: str
    pages: tuple[str, str]
    drills: tuple[str, ...]


TERMINAL = ("fr/terminal.md", "en/terminal.md")
WORKSHOP = ("fr/atelier.md", "en/workshop.md")
SITUATIONS = {
    "a terminal is dead, its SD card lives": Situation(
        "stick rescue",
        TERMINAL,
        ("test_terminal_rescue.py::test_the_sales_of_a_dead_board_are_written_to_a_stick",),
    ),
    "a terminal is dead, and its SD card too": Situation(
        "clafoutis-server terminal lost",
        TERMINAL,
        (
            "test_server_recover.py::test_five_in_a_row_come_back_from_the_records",
            "test_server_recover.py::test_confirmed_is_owed_and_the_rescued_journal_pays_no_second_time",
        ),
    ),
    "a terminal is stolen": Situation(
        "clafoutis-server terminal stolen",
        ("fr/commercants.md", "en/merchants.md"),
        (
            "test_server_terminal_commands.py::test_a_theft_is_one_command",
            "test_server_stolen.py::test_a_later_sync_moves_no_cent_beyond_the_window",
        ),
    ),
    "a card is lost on a Saturday": Situation(
        "clafoutis-provision card issue --account",
        WORKSHOP,
        (
            "test_server_console_cards.py::test_blocking_says_first_what_can_still_be_lost",
            "test_server_console_cards.py::test_a_replacement_gets_what_is_left_once_nobody_can_sell_to_the_old_one",
            "test_server_cloned.py::test_lost_card_and_its_replacement_never_spend_twice",
            "test_terminal_strangers.py::test_the_card_that_replaces_it_pays_before_the_list_knows_it",
        ),
    ),
    "key 1 has leaked": Situation(
        "clafoutis-provision card rekey --all",
        WORKSHOP,
        (
            "test_provisioning_ceremony.py::test_a_rolled_bundle_is_a_new_one_beside_the_old",
            "test_provisioning_rekey.py::test_torn_anywhere_it_can_be_run_again",
        ),
    ),
    "the issuer's key has leaked": Situation(
        "keys roll issuer",
        WORKSHOP,
        (
            "test_provisioning_ceremony.py::test_a_new_issuer_leaves_what_the_old_one_signed",
            "test_server_leaked_issuer.py::test_what_a_thief_of_the_issuers_key_signs_is_paid_by_no_machine",
            "test_cardkit_allowance.py::test_nothing_above_the_roots_ceiling_is_accepted",
        ),
    ),
    "the service is lost": Situation(
        "clafoutis-server restored",
        ("fr/reprise.md", "en/recovery.md"),
        (
            "test_server_drills.py::test_the_copy_made_at_sending_is_enough",
            "test_server_restore.py::test_nothing_is_paid_twice_or_lost",
        ),
    ),
    "the coordinator is gone": Situation(
        "clafoutis-server administrator invite",
        ("fr/relais.md", "en/handover.md"),
        (
            "test_server_access_links.py::test_a_caisse_goes_on_without_the_one_who_held_it",
            "test_server_access_links.py::test_first_administrator_comes_from_the_server",
        ),
    ),
    "the experiment ends": Situation(
        "clafoutis-server wind-up forget",
        ("fr/fin.md", "en/the-end.md"),
        ("test_server_winding_up.py::test_an_experiment_ends_and_its_books_do_not",),
    ),
}


@pytest.fixture(scope="module")
def living() -> LivingTests:
    """The tests of this tree."""
    return living_tests()


@pytest.mark.parametrize("what", SITUATIONS)
def test_who_is_in_trouble_finds_a_page(what: str, living: LivingTests) -> None:
    """Promise: each has its command on a page, in French and in English, and a drill that lives."""
    situation = SITUATIONS[what]
    for page in situation.pages:
        assert situation.command in (GUIDE / page).read_text("utf-8"), page
    assert not [trouble for name in situation.drills if (trouble := living.trouble(name))]


@pytest.mark.parametrize("page", ["fr/urgences.md", "en/emergencies.md"])
def test_one_page_leads_to_all(page: str) -> None:
    """Promise: who has only the first page in hand gets to every other one."""
    text = (GUIDE / page).read_text("utf-8")
    language = page.partition("/")[0]
    for what, situation in SITUATIONS.items():
        (wanted,) = (it for it in situation.pages if it.startswith(language))
        assert f"]({wanted.partition('/')[2]})" in text, what
