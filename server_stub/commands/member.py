"""`clafoutis-server member` and `wave`: the life of a member, from the waiting list to the exit."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from server_stub.commands.context import acting, opened, person_of

if TYPE_CHECKING:
    from enum import Enum

    from server_stub.models import Account, Commitment, Person
    from server_stub.services.caisse import Caisse
    from server_stub.services.exits import Leaving
    from server_stub.services.renewals import Planned
    from server_stub.services.waves import WaveDraw

_DAY: Final = click.DateTime(["%Y-%m-%d"])
_ROLES: Final = ("guardian", "relative", "carer", "social_worker", "interpreter", "other")
_write = click.option("--write", is_flag=True, help="Do it; without this it is only shown.")
_places = click.option("--places", type=click.IntRange(1), required=True)
_seed = click.option("--seed", default="", help="Of a draw, as it was published.")


@click.group()
def wave() -> None:
    """Admit members from the waiting list, in the voted order."""


@wave.command("list")
def waiting() -> None:
    """Show the waiting list, and what stands for it in the minutes before a draw."""
    from django.utils.translation import gettext as _

    from server_stub.services.waves import fingerprint, waiting_list

    people = waiting_list(opened())
    for person in people:
        click.echo(f"{person.pk:>5}  {person.applied_on}  {person.account}  {person.name}")
    digest = fingerprint(bytes(it.account.number) for it in people).hex()
    click.echo(_("Empreinte de la liste : %(digest)s") % {"digest": digest}, err=True)


@wave.command()
@_places
@_seed
def draw(places: int, seed: str) -> None:
    """Show whom the next wave would admit; nothing is written."""
    from server_stub.services import waves

    done = waves.draw(opened(), places=places, seed=seed)
    if isinstance(done, waves.NotDrawn):
        _refuse(done)
        return
    _show_wave(done)


@wave.command()
@_places
@_seed
@acting
def admit(places: int, seed: str, by: str) -> None:
    """Admit the next wave: the list that `wave draw` shows."""
    from server_stub.services import waves

    caisse = opened()
    done = waves.admit(caisse, places=places, seed=seed, by=person_of(caisse, by))
    if isinstance(done, waves.NotDrawn):
        _refuse(done)
        return
    _show_wave(done)


@click.group()
def member() -> None:
    """Take members in, change what they promised, renew it, and let them leave.

    WHO is a member's number, a part of the name that nobody else has, or an account.
    """


@member.command()
@click.argument("name")
@click.option("--address", default="")
@click.option("--telephone", default="")
@click.option("--email", default="")
@click.option("--applied-on", type=_DAY, help="Today without it.")
def add(
    *, name: str, address: str, telephone: str, email: str, applied_on: datetime | None
) -> None:
    """Put somebody on the waiting list."""
    from server_stub.services import people

    person = people.register(
        opened(),
        name,
        applied_on=None if applied_on is None else applied_on.date(),
        address=address,
        telephone=telephone,
        email=email,
    )
    click.echo(f"{person.pk}  {person.account}")


@member.command()
@click.argument("who")
def show(who: str) -> None:
    """Print everything that is known of a member, for the member."""
    from server_stub.services import people

    caisse = opened()
    told = people.all_about(caisse, _person(caisse, who))
    click.echo(json.dumps(told, ensure_ascii=False, indent=1))


@member.command()
@click.argument("who")
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), required=True)
@click.option("--telephone", default="")
@click.option("--email", default="")
def helper(*, who: str, name: str, role: str, telephone: str, email: str) -> None:
    """Put down who else is spoken to for a member; erased with the member."""
    from server_stub.models import HelperRole
    from server_stub.services import people

    caisse = opened()
    person = _person(caisse, who)
    people.add_helper(caisse, person, name, role=HelperRole(role), telephone=telephone, email=email)


@member.command("helper-gone")
@click.argument("who")
@click.argument("name")
def helper_gone(who: str, name: str) -> None:
    """Forget a helper of a member, named in full."""
    from django.utils.translation import gettext as _

    from server_stub.services import people

    caisse = opened()
    found = _person(caisse, who).helpers.filter(name=name).first()
    if found is None:
        raise click.BadParameter(_("personne ne s’appelle « %(name)s » ici") % {"name": name})
    people.remove_helper(caisse, found)


@member.command("in-touch")
@click.argument("who")
def in_touch(who: str) -> None:
    """Say that a member was in touch today."""
    from server_stub.services import people

    caisse = opened()
    people.in_touch(caisse, _person(caisse, who))


@member.command()
@click.argument("who")
@click.argument("euros")
@click.option("--from", "first", type=_DAY, required=True, help="The first day of a month.")
@click.option("--persons", type=int, default=1, show_default=True, help="Of the household.")
@acting
def commit(*, who: str, euros: str, first: datetime, persons: int, by: str) -> None:
    """Put a member's promise on record: EUROS a month for the voted months."""
    from server_stub.services import commitments

    caisse = opened()
    done = commitments.commit(
        caisse,
        _account(caisse, who),
        _cents(euros),
        first_month=first.date(),
        persons=persons,
        by=person_of(caisse, by),
    )
    if isinstance(done, commitments.NotPromised):
        _refuse(done)


@member.command()
@click.argument("who")
@click.option("--from", "month", type=_DAY, required=True, help="The first day of a month.")
@click.option("--lower-to", metavar="EUROS", help="Hardship: less is due; the credit stays.")
@click.option("--month-off", is_flag=True, help="That month: no dues and no credit.")
@click.option("--persons", type=int, help="Of the household, from then on.")
@acting
def change(
    *,
    who: str,
    month: datetime,
    lower_to: str | None,
    month_off: bool,
    persons: int | None,
    by: str,
) -> None:
    """Change a promise before its end, as only the caisse may: one thing at a time."""
    from cardkit.membership import CommitmentChangeKind
    from server_stub.services import commitments

    if [lower_to is not None, month_off, persons is not None].count(True) != 1:
        raise click.UsageError("--lower-to | --month-off | --persons")
    caisse = opened()
    kind = CommitmentChangeKind.PERSONS
    if lower_to is not None:
        kind = CommitmentChangeKind.AMOUNT
    elif month_off:
        kind = CommitmentChangeKind.MONTH_OFF
    done = commitments.change(
        caisse,
        _commitment(caisse, _account(caisse, who), month),
        kind,
        from_month=month.date(),
        monthly_cents=0 if lower_to is None else _cents(lower_to),
        persons=persons or 0,
        by=person_of(caisse, by),
    )
    if isinstance(done, commitments.NotPromised):
        _refuse(done)


@member.command()
@click.argument("who", required=False)
@click.argument("euros", required=False)
@click.option("--due", is_flag=True, help="Everybody whose promise ends, or is over.")
@click.option("--same", is_flag=True, help="With --due: with the same amount.")
@click.option("--persons", type=int, help="Of the household, if that changed.")
@click.option("--by", metavar="NAME", help="Who does it: a console user.")
@_write
def renew(
    *,
    who: str | None,
    euros: str | None,
    due: bool,
    same: bool,
    persons: int | None,
    by: str | None,
    write: bool,
) -> None:
    """Show whom the renewal concerns; renew WHO, or with --due --same everybody at once."""
    from server_stub.services import renewals

    caisse = opened()
    if who is None:
        if same and due and write:
            _show_plans(renewals.renew_same(caisse, by=person_of(caisse, by or "")))
        elif same and due:
            _show_plans(renewals.plan_same(caisse))
        else:
            _show_campaign(caisse)
        return
    account, cents = _account(caisse, who), None if euros is None else _cents(euros)
    plan = renewals.plan_one(caisse, account, monthly_cents=cents, persons=persons)
    if isinstance(plan, renewals.NotRenewed):
        _refuse(plan)
        return
    if write and plan.refusal is None:
        number = person_of(caisse, by or "")
        renewals.renew(caisse, account, monthly_cents=cents, persons=persons, by=number)
    _show_plans([plan])


@member.command()
@click.argument("who")
@click.option("--card", type=click.Choice(["kept", "back", "lost"]), required=True)
@click.option("--from", "month", type=_DAY, help="The first month without them; the soonest.")
@click.option("--by", metavar="NAME", help="Who does it: a console user.")
@_write
def leave(*, who: str, card: str, month: datetime | None, by: str | None, write: bool) -> None:
    """Show what happens when a member leaves; with --write, do it."""
    from server_stub.services import exits

    caisse = opened()
    account = _account(caisse, who)
    where, first = exits.CardIs(card), None if month is None else month.date()
    done = (
        exits.leave(caisse, account, card=where, from_month=first, by=person_of(caisse, by or ""))
        if write
        else exits.plan(caisse, account, card=where, from_month=first)
    )
    if isinstance(done, exits.NotLeft):
        _refuse(done)
        return
    _show_leaving(done)


@member.command("card-back")
@click.argument("who")
@acting
def card_back(who: str, by: str) -> None:
    """Block the card that somebody who left had kept."""
    from server_stub.services import exits

    caisse = opened()
    click.echo(exits.take_card_back(caisse, _account(caisse, who), by=person_of(caisse, by)))


@member.command()
@acting
def lapse(by: str) -> None:
    """Take back what blocked cards of leavers have left, where every stall knows of the block."""
    from server_stub.services import exits
    from server_stub.services.amounts import euros

    caisse = opened()
    cents = exits.lapse_due(caisse, by=person_of(caisse, by))
    click.echo(euros(cents, _language()))


@member.command()
@click.argument("who")
@acting
@_write
def erase(who: str, by: str, *, write: bool) -> None:
    """Forget who a member is, and who helped; the books stay what they are."""
    from django.utils.translation import gettext as _

    from server_stub.services import people

    caisse = opened()
    person = _person(caisse, who)
    number = person_of(caisse, by)
    if not write:
        text = _("Sera effacé : %(name)s. Les livres ne changent pas. Rien n’est encore fait.")
        click.echo(text % {"name": person.name})
        return
    people.erase(caisse, person, by=number)


def _show_wave(made: WaveDraw) -> None:
    from django.utils.translation import gettext as _

    for place, person in enumerate(made.people, start=1):
        mark = "+" if place <= made.places else " "
        click.echo(f"{mark}{place:>4}  {person.account}  {person.name}")
    text = _("Vague %(number)s : %(places)s admis sur %(candidates)s, empreinte %(digest)s.")
    facts = {
        "number": made.number,
        "places": made.places,
        "candidates": len(made.people),
        "digest": made.fingerprint.hex(),
    }
    click.echo(text % facts, err=True)


def _show_campaign(caisse: Caisse) -> None:
    from server_stub.services.amounts import euros
    from server_stub.services.member_words import STAGES
    from server_stub.services.renewals import campaign

    for row in campaign(caisse):
        renewal = row.renewal
        amount = euros(renewal.monthly_cents, _language())
        click.echo(
            f"{STAGES[renewal.stage]:<20}  {renewal.after_last_month}  {renewal.nothing_from}"
            f"  {amount:>10}  {_called(row.person, row.account)}"
        )


def _show_plans(plans: list[Planned]) -> None:
    from django.utils.translation import gettext as _

    from server_stub.services.amounts import euros
    from server_stub.services.member_words import refusal_in_words

    for plan in plans:
        amount = euros(plan.monthly_cents, _language())
        called = _called(plan.row.person, plan.row.account)
        why = "" if plan.refusal is None else f"  ({refusal_in_words(plan.refusal)})"
        mark = "+" if plan.refusal is None else "-"
        click.echo(f"{mark} {plan.first_month}  {amount:>10}  {called}{why}")
    count = sum(plan.refusal is None for plan in plans)
    text = _("%(count)s à renouveler sur %(all)s.") % {"count": count, "all": len(plans)}
    click.echo(text, err=True)


def _show_leaving(told: Leaving) -> None:
    from django.utils.translation import gettext as _

    from server_stub.services.amounts import euros
    from server_stub.services.rule_words import day_in_words

    language = _language()
    click.echo(
        _("Ni cotisation ni crédit à partir du %(day)s.") % {"day": day_in_words(told.from_month)}
    )
    for one in told.last_dues.months:
        if one.missing_cents:
            text = _("Reste dû pour %(month)s : %(amount)s")
            facts = {"month": f"{one.month:%m/%Y}", "amount": euros(one.missing_cents, language)}
            click.echo(text % facts)
    if told.last_dues.surplus_cents > 0:
        amount = euros(told.last_dues.surplus_cents, language)
        click.echo(_("Payé en trop : %(amount)s") % {"amount": amount})
    for card in told.blocked:
        click.echo(_("Carte bloquée : %(card)s") % {"card": card.uid.hex()})
    amount = euros(told.left_cents, language)
    if told.lapses:
        text = _(
            "Crédit restant, qui revient à la caisse dès que les terminaux le savent : %(amount)s"
        )
        click.echo(text % {"amount": amount})
    elif told.spendable_until is not None:
        text = _("Crédit restant : %(amount)s, utilisable jusqu’au %(day)s")
        day = day_in_words(told.spendable_until.date())
        click.echo(text % {"amount": amount, "day": day})


def _person(caisse: Caisse, who: str) -> Person:
    from django.utils.translation import gettext as _

    from server_stub.models import Person

    people = Person.objects.using(caisse.using).select_related("account")
    found = list(
        people.filter(pk=int(who)) if who.isdigit() else people.filter(name__icontains=who)
    )
    if len(found) == 1:
        return found[0]
    text = _("« %(who)s » désigne %(count)s personnes.") % {"who": who, "count": len(found)}
    raise click.BadParameter(text)


def _account(caisse: Caisse, who: str) -> Account:
    """Return an account by its own number, as of somebody who was forgotten, or by its person."""
    from server_stub.models import Account

    try:
        number = bytes.fromhex(who)
    except ValueError:
        number = b""
    found = Account.objects.using(caisse.using).filter(number=number).first() if number else None
    return _person(caisse, who).account if found is None else found


def _commitment(caisse: Caisse, account: Account, month: datetime) -> Commitment:
    """Return the promise that speaks of a month; the newest one where none does."""
    from django.utils.translation import gettext as _

    from server_stub.services.commitments import speaking_of

    found = speaking_of(caisse, account, month.date())
    if found is None:
        raise click.BadParameter(_("Aucun engagement ne porte sur ce mois."))
    return found


def _called(person: Person | None, account: Account) -> str:
    return str(account) if person is None else f"{person.pk} {person.name}"


def _cents(written: str) -> int:
    from cardkit.money import parse_amount

    return 0 if written.strip() in {"0", "0,00", "0.00"} else parse_amount(written)


def _language() -> str:
    from django.utils.translation import get_language

    return get_language() or "fr"


def _refuse(why: Enum) -> None:
    """Say why nothing was done, and end with status 1."""
    from server_stub.services.member_words import refusal_in_words

    click.echo(f"clafoutis-server: {refusal_in_words(why)}", err=True)
    sys.exit(1)
