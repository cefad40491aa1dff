"""The producers and groceries of the life: invented, as they stand on the markets of the Bocage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MON, TUE, WED, THU, FRI, SAT = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A partner, and how people buy there."""

    name: str
    days: tuple[int, ...]
    """Days of the week, Monday is 0."""
    baskets_cents: tuple[int, int]
    category: str
    """What most of it is, as the convention says."""
    distance_km: int
    liked: int
    """How many of a hundred members come by regularly."""
    online: bool = False
    """Whether there is network at the counter."""


SHOPS: Final = (
    Shop(
        name="L’Épicerie du Bocage",
        category="Épicerie biologique",
        distance_km=1,
        days=(TUE, WED, THU, FRI, SAT),
        baskets_cents=(420, 2600),
        liked=60,
        online=True,
    ),
    Shop(
        name="Ferme des Tilleuls",
        category="Légumes",
        distance_km=9,
        days=(WED, SAT),
        baskets_cents=(350, 1900),
        liked=55,
    ),
    Shop(
        name="Fromagerie de la Bruyère",
        category="Fromages",
        distance_km=17,
        days=(WED, SAT),
        baskets_cents=(380, 1450),
        liked=40,
    ),
    Shop(
        name="Boulangerie du Moulin",
        category="Pain",
        distance_km=3,
        days=(TUE, WED, THU, FRI, SAT),
        baskets_cents=(190, 980),
        liked=50,
        online=True,
    ),
    Shop(
        name="Le Jardin de Marthe",
        category="Légumes",
        distance_km=6,
        days=(WED, SAT),
        baskets_cents=(400, 1800),
        liked=45,
    ),
    Shop(
        name="Pain de la Vère",
        category="Pain",
        distance_km=5,
        days=(WED, SAT),
        baskets_cents=(260, 1200),
        liked=30,
    ),
    Shop(
        name="Ferme des Trois Chênes",
        category="Volailles et œufs",
        distance_km=12,
        days=(SAT,),
        baskets_cents=(650, 2800),
        liked=25,
    ),
    Shop(
        name="Laiterie du Val d’Orne",
        category="Produits laitiers",
        distance_km=24,
        days=(WED, SAT),
        baskets_cents=(220, 1100),
        liked=35,
    ),
    Shop(
        name="Les Vergers de la Rouvre",
        category="Fruits",
        distance_km=15,
        days=(SAT,),
        baskets_cents=(300, 1600),
        liked=30,
    ),
    Shop(
        name="Halle paysanne du Noireau",
        category="Produits de la ferme",
        distance_km=11,
        days=(THU, FRI, SAT),
        baskets_cents=(500, 3200),
        liked=35,
        online=True,
    ),
    Shop(
        name="Boucherie des Haies",
        category="Viande",
        distance_km=19,
        days=(FRI, SAT),
        baskets_cents=(700, 2900),
        liked=25,
    ),
    Shop(
        name="Les Ruchers du Houlme",
        category="Miel",
        distance_km=26,
        days=(SAT,),
        baskets_cents=(450, 1700),
        liked=12,
    ),
    Shop(
        name="Moulin à farine de Durcet",
        category="Farines et légumes secs",
        distance_km=10,
        days=(SAT,),
        baskets_cents=(320, 1500),
        liked=15,
    ),
    Shop(
        name="Champignons de la Roche",
        category="Champignons",
        distance_km=21,
        days=(WED,),
        baskets_cents=(300, 1200),
        liked=14,
    ),
    Shop(
        name="Le Potager des Deux Sœurs",
        category="Légumes",
        distance_km=14,
        days=(WED, SAT),
        baskets_cents=(280, 1500),
        liked=25,
    ),
)
"""On Wednesdays and Saturdays is market in Flers."""
