"""Lists of members as a French spreadsheet reads them; with names, so they stay in the office."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cardkit.money import format_cents
from server_stub.exports.sheet import sheet
from server_stub.services.members_read import MemberRow, State
from server_stub.services.renewals import RenewalRow
from server_stub.services.waves import WaveDraw

_MEMBERS = (
    *("Nom", "État", "Demande du", "Cotisation (€)", "Premier mois non promis"),
    *("En retard (€)", "Compte", "Cartes"),
)


def member_list(rows: Iterable[MemberRow], states: Mapping[State, str]) -> bytes:
    """Return members as CSV; `states` says each state in words."""
    return sheet(
        [
            _MEMBERS,
            *(
                (
                    row.name,
                    states[row.state],
                    f"{row.applied_on:%d/%m/%Y}",
                    "" if row.monthly_cents is None else format_cents(row.monthly_cents),
                    "" if row.until is None else f"{row.until:%d/%m/%Y}",
                    format_cents(row.late_cents),
                    row.number.hex(),
                    " ".join(uid.hex().upper() for uid in row.cards),
                )
                for row in rows
            ),
        ]
    )


def draw_list(made: WaveDraw) -> bytes:
    """Return a wave as CSV for everybody to repeat: accounts in their order, and no name."""
    rows = (
        (str(place), bytes(person.account.number).hex(), "oui" if place <= made.places else "non")
        for place, person in enumerate(made.people, start=1)
    )
    return sheet([("Place", "Compte", "Admis"), *rows])


def renewal_list(rows: Iterable[RenewalRow], stages: Mapping[str, str]) -> bytes:
    """Return whom the renewal concerns, as CSV; `stages` says each stage in words."""
    head = ("Nom", "Où en est-on", "Premier mois non promis", "Premier mois sans crédit")
    return sheet(
        [
            (*head, "Cotisation (€)", "Personnes", "Montant baissé", "Téléphone", "Courriel"),
            *(_renewal(row, stages) for row in rows),
        ]
    )


def _renewal(row: RenewalRow, stages: Mapping[str, str]) -> tuple[str, ...]:
    person, renewal = row.person, row.renewal
    return (
        "" if person is None else person.name,
        stages[renewal.stage.value],
        f"{renewal.after_last_month:%d/%m/%Y}",
        f"{renewal.nothing_from:%d/%m/%Y}",
        format_cents(renewal.monthly_cents),
        str(renewal.persons),
        "oui" if renewal.was_lowered else "non",
        "" if person is None else person.telephone,
        "" if person is None else person.email,
    )
