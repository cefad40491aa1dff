"""A box of cards through a real pcscd, while cards are torn off and the program is killed."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

import pytest
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

from cardkit.allowance import accept_allowance
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.session import PurseSession
from provisioning.card_words import Condition
from provisioning.keystore import new_keys, write_keys
from server_stub.api import workshop
from server_stub.models import Account, Card, CardStatus
from server_stub.services.caisse import Caisse
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.pcscd import PrivatePcscd
from simulator.strangers import desfire_ev1, phone
from simulator.vpcd import VpcdSlot
from tests.workshop_robot import Accident, Mishap, Robot, mishaps
from tests.workshop_world import NOW, World, make_world

logger = logging.getLogger(__name__)

KEYS: Final = new_keys("flers", now=NOW, step_max_cents=300_00)
SEED: Final = 20261127
FEW: Final = [
    Mishap(Accident.NONE, 0),
    Mishap(Accident.TORN_AFTER, 36),
    Mishap(Accident.KILLED_AFTER, 59),
    Mishap(Accident.KILLED_ASKING, 2),
]


class Box:
    """A caisse on a socket, its workshop's list, and a robot that has a box of cards."""

    def __init__(self, world: World, folder: Path, daemon: PrivatePcscd, count: int) -> None:
        self.world = world
        self.cards = [world.maker.blank_card(self._uid(number)) for number in range(count)]
        for number in range(count):
            Account.objects.create(number=self._account(number))
        self._folder, self._daemon = folder, daemon
        self.happened: dict[Accident, int] = {}

    def work(self, plan: list[Mishap], *, with_strangers: bool) -> int:
        """Issue every card while the plan happens; the exit status of the last program."""
        listed = self._folder / "members.csv"
        accounts = (self._account(number).hex() for number in range(len(self.cards)))
        listed.write_text("\n".join(["account", *accounts]) + "\n")
        write_keys(self._folder / "keys", KEYS, passphrases=None)
        robots: list[Robot] = []

        def caisse() -> Caisse:
            for robot in robots:
                robot.asked()
            return self.world.caisse

        with (
            override_settings(ROOT_URLCONF=tuple(workshop.addresses(caisse)), STATIC_ROOT=None),
            VpcdSlot("127.0.0.1", self._daemon.port) as slot,
            (self._folder / "log").open("w") as log,
        ):
            server = LiveServer("localhost")
            command = [
                *("card", "issue", "--batch", str(listed), "--quiet", "--force"),
                *("--service", server.url, "--keys", str(self._folder / "keys" / "workshop")),
                *("--reader", f"pcsc:{self._daemon.reader_names[0]}"),
            ]
            robot = Robot(
                daemon=self._daemon,
                slot=slot,
                command=command,
                book=self._folder / "members.csv.cards",
                log=log,
            )
            robots.append(robot)
            try:
                if with_strangers:
                    robot.shows(phone())
                    robot.shows(desfire_ev1())
                return robot.work(self.cards, plan)
            finally:
                self.happened = robot.happened
                robot.close()
                server.stop()

    def are_all_good(self) -> bool:
        """Whether each card can buy offline, and is the one card of its account."""
        active = Card.objects.filter(status=CardStatus.ACTIVE)
        owners = dict(active.values_list("uid", "account__number"))
        assert owners == {self._uid(n): self._account(n) for n in range(len(self.cards))}
        assert not Card.objects.exclude(status=CardStatus.ACTIVE).exists()
        return all(self._buys(card) for card in self.cards)

    def _buys(self, card: VirtualCard) -> bool:
        self.world.field.place(card)
        try:
            if self.world.cards.inspect(self.world.laid()).condition is not Condition.ISSUED:
                return False
            masters = {master.version: master.key for master in KEYS.workshop.masters}
            keys = TerminalCardKeys(KEYS.public.system_id, masters)
            purse = PurseSession.open(self.world.laid(), keys)
            first, _ = purse.allowance_slots()
            return purse.tmac().tmc == 1 and first is not None and self._fits(first, card.uid)
        finally:
            self.world.field.lift()

    @staticmethod
    def _fits(document: bytes, uid: bytes) -> bool:
        return accept_allowance(document, KEYS.public.trust()).uid == uid

    @staticmethod
    def _uid(number: int) -> bytes:
        return bytes([4, 0xB0, 0, 0, 0]) + number.to_bytes(2)

    @staticmethod
    def _account(number: int) -> bytes:
        return b"\xb0" * 14 + number.to_bytes(2)


@pytest.fixture
def world(db: None) -> World:
    """A caisse; its service is put on a socket by the box."""
    return make_world(KEYS, ManualClock(NOW))


def test_few_cards_through_pcscd_with_one_accident_of_each_kind(
    world: World, tmp_path: Path, virtual_pcscd: PrivatePcscd
) -> None:
    """Promise: torn cards and a killed program leave a box that the same command finishes."""
    tmp_path.chmod(0o700)
    box = Box(world, tmp_path, virtual_pcscd, len(FEW))
    assert box.work(FEW, with_strangers=True) == 0
    assert box.are_all_good()
    said = (tmp_path / "log").read_text("utf-8")
    assert "Un téléphone" in said
    assert "EV1" in said


@pytest.mark.slow
def test_a_hundred_cards_through_pcscd_are_all_good_at_the_end(
    world: World, tmp_path: Path, virtual_pcscd: PrivatePcscd
) -> None:
    """Promise: whatever is killed and torn, each of a hundred cards is good at the end."""
    tmp_path.chmod(0o700)
    box = Box(world, tmp_path, virtual_pcscd, 100)
    plan = mishaps(SEED, 100)
    began = time.monotonic()
    assert box.work(plan, with_strangers=True) == 0
    logger.warning("%.0f s for 100 cards: %s", time.monotonic() - began, box.happened)
    assert box.are_all_good()
    assert sum(box.happened.values()) == len(plan)
    assert all(box.happened[accident] >= 5 for accident in Accident)
