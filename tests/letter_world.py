"""A caisse whose members get letters: somebody late, somebody new, somebody whose promise ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from cardkit.till_box import Means
from server_stub.models import CaisseDetails, Person
from server_stub.rules.scheme import RuleName
from server_stub.services import (
    commitments,
    details,
    issue,
    payments,
    people,
    rules_in_force,
    waves,
)
from server_stub.services.commitments import Promised
from server_stub.services.details import Contact
from server_stub.services.payments import Taken
from tests.service_world import ServiceWorld

ANNE: Final = 1
BRUNO: Final = 2
OCTOBER: Final = date(2026, 10, 1)
CONTACT: Final = Contact(
    name="Caisse de l’alimentation de Flers",
    address="41 rue de la Boule\n61100 Flers",
    place="Flers",
    telephone="02 33 64 00 00",
    lost_card_telephone="06 12 34 56 78",
    email="caisse@flers.example",
    hours="mardi et jeudi, 9 h – 12 h",
)
IBAN: Final = "FR7630006000011234567890189"


@dataclass
class LetterWorld:
    """A caisse that says how it is reached, on 1 October 2026."""

    world: ServiceWorld

    @classmethod
    def make(cls) -> LetterWorld:
        """With the rule that credit needs a commitment, and that lateness leads to reminders."""
        world = ServiceWorld.make()
        rules_in_force.set_rule(world.caisse, RuleName.COMMITMENT_NEEDED, 1, from_day=OCTOBER)
        kept = details.keep_details(world.caisse, CONTACT, iban=IBAN, by=ANNE)
        assert isinstance(kept, CaisseDetails), kept
        return cls(world)

    def member(self, name: str, *, email: str = "", months: int = 3) -> Person:
        """Somebody with a card, who promised 20 € a month from October on."""
        caisse = self.world.caisse
        person = people.register(caisse, name, address="12 rue du Moulin\n61100 Flers", email=email)
        waves.admit(caisse, places=1, by=ANNE)
        self.world.card(account=bytes(person.account.number))
        made = commitments.commit(
            caisse, person.account, 20_00, first_month=OCTOBER, months=months, by=ANNE
        )
        assert isinstance(made, Promised), made
        issue.issue_due(caisse)
        return person

    def pay(self, person: Person, cents: int = 20_00) -> None:
        """A transfer of today."""
        done = payments.take(
            self.world.caisse,
            person.account,
            cents,
            means=Means.TRANSFER,
            value_date=self.world.now.date(),
            reference="VIR1",
            by=ANNE,
        )
        assert isinstance(done, Taken), done

    def pass_days(self, days: int) -> None:
        """Let time go by."""
        self.world.clock.pass_time(timedelta(days=days))
