"""The members of the life: invented people, what they can pay, and where they like to shop.

Telephone numbers are of the range that is kept for fiction (Arcep, décision 2018-0881), and
addresses of mail of a domain that is nobody's (RFC 2606).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from random import Random
from typing import Final

from cardkit.till_box import Means
from simulator.life.shops import Shop

_FIRST_NAMES: Final = (
    *(
        "Agnès",
        "Aïcha",
        "Alain",
        "Amina",
        "André",
        "Anne",
        "Antoine",
        "Béatrice",
        "Bruno",
        "Camille",
    ),
    *("Carlos", "Chantal", "Claire", "Damien", "Denise", "Éric", "Fatou", "Florence", "Gérard"),
    *("Hélène", "Ibrahim", "Inès", "Jacques", "Jeanne", "Julien", "Karim", "Laure", "Léa", "Louis"),
    *("Lucie", "Malik", "Marguerite", "Marie", "Mathieu", "Monique", "Nadia", "Nathan", "Odile"),
    *(
        "Olivier",
        "Pascal",
        "Paul",
        "Rachid",
        "Renée",
        "Rose",
        "Samuel",
        "Sophie",
        "Thérèse",
        "Yann",
    ),
)
_LAST_NAMES: Final = (
    *(
        "Aubert",
        "Barbier",
        "Bazin",
        "Bellanger",
        "Benoist",
        "Besnard",
        "Bisson",
        "Boulay",
        "Brunet",
    ),
    *(
        "Carrel",
        "Cherif",
        "Colin",
        "Coutard",
        "Diallo",
        "Duchemin",
        "Dupont",
        "Fontaine",
        "Fouquet",
    ),
    *("Gautier", "Girard", "Guérin", "Haddad", "Hamel", "Hubert", "Jouvin", "Lacroix", "Lambert"),
    *("Lebrun", "Leclerc", "Lefèvre", "Lemoine", "Lepage", "Leroux", "Mahé", "Marchand", "Martin"),
    *(
        "Mercier",
        "Moreau",
        "Noël",
        "Onfroy",
        "Pelletier",
        "Picard",
        "Prunier",
        "Renault",
        "Roussel",
    ),
    *("Sanchez", "Thomas", "Toutain", "Traoré", "Vallée", "Vasseur", "Yılmaz"),
)
_TOWNS: Final = ("61100 Flers", "61100 La Lande-Patry", "61100 Saint-Georges-des-Groseillers")
_MONTHLY_CENTS: Final = {
    20_00: 12,
    30_00: 6,
    40_00: 6,
    50_00: 9,
    60_00: 8,
    75_00: 7,
    90_00: 5,
    100_00: 14,
    110_00: 7,
    125_00: 10,
    150_00: 10,
    200_00: 6,
}
"""How many of a hundred pay so much: 87 € on average, for a credit of 100 €."""
_MEANS: Final = {Means.STANDING_ORDER: 70, Means.TRANSFER: 16, Means.CASH: 9, Means.CHEQUE: 5}
_GUARDED: Final = 0.06
"""How many are reached through a guardian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who applies."""

    number: int
    name: str
    address: str
    telephone: str
    email: str
    reached_through: str
    monthly_cents: int
    favourites: tuple[int, ...]
    """Indexes of shops."""
    thrift: float
    """How readily they go shopping, around 1."""
    means: Means
    """How they pay."""
    lateness: float
    """How often a month is paid late, or not at all."""


def people(random: Random, shops: tuple[Shop, ...], count: int) -> tuple[Person, ...]:
    """Invent people with names that no two of them have."""
    pairs = [(first, last) for last in _LAST_NAMES for first in _FIRST_NAMES]
    return tuple(
        _person(random, shops, number, *names)
        for number, names in enumerate(random.sample(pairs, count), start=1)
    )


def _person(random: Random, shops: tuple[Shop, ...], number: int, first: str, last: str) -> Person:
    liked = [index for index, shop in enumerate(shops) if random.randrange(100) < shop.liked]
    amounts = list(_MONTHLY_CENTS)
    return Person(
        number=number,
        name=f"{first} {last}",
        address=f"{random.randint(1, 90)} rue des Essais, {random.choice(_TOWNS)}",
        telephone=f"02 61 91 {number // 100:02} {number % 100:02}",
        email=f"{_plain(first)}.{_plain(last)}@example.org" if random.random() < 0.7 else "",
        reached_through="Mandataire judiciaire" if random.random() < _GUARDED else "",
        monthly_cents=random.choices(amounts, weights=list(_MONTHLY_CENTS.values()))[0],
        favourites=tuple(liked) or (0,),
        thrift=random.uniform(0.6, 1.4),
        means=random.choices(list(_MEANS), weights=list(_MEANS.values()))[0],
        lateness=random.choice((0.01, 0.01, 0.01, 0.03, 0.2)),
    )


def _plain(name: str) -> str:
    """Return a name in the letters that every mail program takes."""
    letters = unicodedata.normalize("NFKD", name.replace("ı", "i")).encode("ascii", "ignore")
    return letters.decode("ascii").lower()
