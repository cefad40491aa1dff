"""Conventions: dated rows of a merchant, which permits, tills and auditors go by."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from auditor.audit import audit
from auditor.export import read_export
from auditor.findings import Class
from cardkit.acts import DocumentHeld
from cardkit.conventions import ConventionSigned
from cardkit.permit import MerchantGrant, sign_permit
from cardkit.sync import SyncAnswer
from server_stub.models import ActRow, Convention, ConventionEnd, Deputy, Merchant, PermitIssued
from server_stub.rules.conventions import (
    Category,
    NotEnded,
    NotSigned,
    Span,
    Terms,
    joined,
    objection,
    standing,
)
from server_stub.rules.scheme import RuleName
from server_stub.services import acts, conventions, deputies, merchants, rules_in_force
from server_stub.services.audit_export import export_audit
from server_stub.services.deputies import NotDeputed
from server_stub.services.documents import permit_of
from server_stub.services.rebuild import differences
from tests.service_books import payable_cents, state_of
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db

ANNE = 1
TODAY = date(2026, 10, 1)
OCTOBER, NOVEMBER, DECEMBER = TODAY, date(2026, 11, 1), date(2026, 12, 1)
YEAR = Span(date(2026, 1, 1), date(2027, 1, 1))
TERMS = Terms(distance_km=20, categories=(Category(name="Légumes"),))


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse on 1 October 2026, and a merchant without a convention."""
    world = ServiceWorld.make()
    Merchant.objects.create(id=1, name="Ferme du Gué")
    return world


def sign(
    world: ServiceWorld, days: Span, terms: Terms = TERMS, *, merchant: int = 1
) -> Convention | NotSigned:
    """Sign a convention today."""
    return conventions.sign(world.caisse, merchant, days, terms, signed_on=TODAY, by=ANNE)


def grant(world: ServiceWorld) -> MerchantGrant:
    """What a permit of today says of the merchant."""
    return conventions.grant_of(world.caisse, Merchant.objects.get(id=1))


def granted(world: ServiceWorld) -> tuple[datetime, datetime]:
    """From when until when."""
    return grant(world).convention_from, grant(world).convention_until


# Rows


@pytest.mark.parametrize(
    ("days", "why"),
    [
        (Span(date(2026, 12, 31), date(2027, 6, 1)), NotSigned.OVERLAPS),
        (Span(date(2025, 1, 1), date(2026, 1, 2)), NotSigned.OVERLAPS),
        (Span(date(2026, 3, 1), date(2026, 3, 2)), NotSigned.OVERLAPS),
        (Span(date(2025, 1, 1), date(2028, 1, 1)), NotSigned.OVERLAPS),
        (Span(date(2027, 1, 1), date(2027, 1, 1)), NotSigned.NO_LENGTH),
    ],
)
def test_two_conventions_never_cover_one_day(
    world: ServiceWorld, days: Span, why: NotSigned
) -> None:
    """Promise: one merchant, one day, one convention; the refusal says which rule."""
    assert isinstance(sign(world, YEAR), Convention)
    before = ActRow.objects.count()
    assert sign(world, days) is why
    assert ActRow.objects.count() == before


def test_the_database_itself_refuses_an_overlap(world: ServiceWorld) -> None:
    """Promise: whatever the code does, SQL can't put two conventions on one day; edges may touch.

    Red when its trigger in migration 0002 is left out.
    """
    assert isinstance(sign(world, YEAR), Convention)
    row = {"merchant": 1, "signed_on": TODAY, "terms": TERMS.digest}
    with pytest.raises(DatabaseError, match="conventions overlap"), transaction.atomic():
        Convention.objects.create(from_day=date(2026, 12, 31), until_day=date(2027, 5, 1), **row)
    Convention.objects.create(from_day=date(2027, 1, 1), until_day=date(2027, 5, 1), **row)
    Convention.objects.create(from_day=date(2025, 1, 1), until_day=date(2026, 1, 1), **row)
    Convention.objects.create(
        from_day=YEAR.from_day, until_day=YEAR.until_day, **row | {"merchant": 2}
    )


def test_an_end_in_the_database_never_prolongs(world: ServiceWorld) -> None:
    """Promise: an end only shortens: nobody prolongs a convention by a row of SQL."""
    made = sign(world, YEAR)
    assert isinstance(made, Convention)
    assert made.act is not None
    for day in (date(2027, 1, 1), date(2028, 1, 1), date(2025, 12, 31)):
        with pytest.raises(DatabaseError, match="never prolongs"), transaction.atomic():
            ConventionEnd.objects.create(act=made.act, convention=made, until_day=day)


def test_nothing_of_a_convention_is_edited(world: ServiceWorld) -> None:
    """Promise: an end and a change are rows of their own; the database refuses anything else."""
    sign(world, YEAR)
    conventions.end(world.caisse, 1, NOVEMBER, by=ANNE)
    for rows in (Convention.objects.all(), ConventionEnd.objects.all()):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows.update(until_day=date(2030, 1, 1))


def test_an_end_makes_room_for_what_follows(world: ServiceWorld) -> None:
    """Promise: after an early end the next convention begins on that very day, and no earlier."""
    sign(world, YEAR)
    assert conventions.end(world.caisse, 1, NOVEMBER, by=ANNE) is None
    assert sign(world, Span(date(2026, 10, 31), date(2028, 1, 1))) is NotSigned.OVERLAPS
    assert isinstance(sign(world, Span(NOVEMBER, date(2028, 1, 1))), Convention)


def test_an_end_is_not_backdated(world: ServiceWorld) -> None:
    """Promise 1: what was sold until today was sold under the convention."""
    sign(world, YEAR)
    assert conventions.end(world.caisse, 1, TODAY, by=ANNE) is NotEnded.BACKDATED
    assert conventions.end(world.caisse, 1, YEAR.until_day, by=ANNE) is NotEnded.NOTHING_TO_END
    assert conventions.end(world.caisse, 1, TODAY + timedelta(days=1), by=ANNE) is None


def test_one_that_never_began_leaves_its_days_free(world: ServiceWorld) -> None:
    """Promise: a convention that is called off before its first day stands in nobody's way."""
    sign(world, Span(DECEMBER, date(2027, 6, 1)))
    assert conventions.end(world.caisse, 1, NOVEMBER, by=ANNE) is None
    assert isinstance(sign(world, Span(OCTOBER, date(2028, 1, 1))), Convention)
    assert differences(world.caisse) == []


def test_a_change_is_an_end_and_a_beginning_or_nothing(world: ServiceWorld) -> None:
    """Promise: changed terms hold from a day on; a change that is refused ends nothing."""
    sign(world, YEAR)
    far = Terms(distance_km=500, categories=TERMS.categories)
    new = Span(NOVEMBER, date(2027, 1, 1))
    refused = conventions.change(world.caisse, 1, new, far, signed_on=TODAY, by=ANNE)
    assert refused is NotSigned.TOO_FAR
    assert not ConventionEnd.objects.exists()
    cheese = Terms(distance_km=20, categories=(Category(name="Fromage", coverage_bp=7_000),))
    made = conventions.change(world.caisse, 1, new, cheese, signed_on=TODAY, by=ANNE)
    assert isinstance(made, Convention)
    assert [one.days for one in conventions.of(world.caisse, 1)] == [
        Span(YEAR.from_day, NOVEMBER),
        new,
    ]
    assert differences(world.caisse) == []


@pytest.mark.parametrize(
    ("km", "minutes", "is_signed"), [(50, "", True), (51, "", False), (51, "PV 2026-03", True)]
)
def test_the_radius_is_a_vote_and_an_exception_names_its_minutes(
    world: ServiceWorld, km: int, minutes: str, is_signed: bool
) -> None:
    """Promise: beyond the voted kilometres only the minutes of a meeting let anybody in."""
    rules_in_force.set_rule(world.caisse, RuleName.RADIUS_KM, 50, from_day=OCTOBER)
    terms = Terms(distance_km=km, categories=TERMS.categories, exception_minutes=minutes)
    made = sign(world, YEAR, terms)
    assert made is NotSigned.TOO_FAR if not is_signed else isinstance(made, Convention)


def test_a_caisse_without_a_radius_refuses_nobody() -> None:
    """Promise: what was never voted forbids nothing."""
    terms = Terms(distance_km=900, categories=TERMS.categories)
    why_not = objection(YEAR, terms, (), signed_on=TODAY, today=TODAY, radius_km=None)
    assert why_not is None


def test_the_act_names_what_was_agreed_by_its_hash(world: ServiceWorld) -> None:
    """Promise 6: the log holds no product, and still nobody changes what was signed."""
    terms = Terms(
        distance_km=12,
        categories=(Category(name="Légumes", coverage_bp=10_000, products=("Carottes",)),),
    )
    made = sign(world, YEAR, terms)
    assert isinstance(made, Convention)
    (act,) = (
        it for it in acts.log(world.caisse, using="default") if it.envelope.seq == made.act_id
    )
    assert isinstance(act.body, ConventionSigned)
    assert act.body.terms == hashlib.sha256(terms.encoded).digest()
    assert act.envelope.by == ANNE
    assert b"Carottes" not in act.signed.encoded
    assert [one.terms for one in conventions.of(world.caisse, 1)] == [terms]


# What permits say


def test_a_permit_grants_the_days_in_french_time(world: ServiceWorld) -> None:
    """Promise: the first day begins and the last one ends at midnight in Paris, to the second."""
    assert granted(world) == (conventions.NEVER, conventions.NEVER), "nothing was signed"
    sign(world, YEAR)
    assert granted(world) == (
        datetime(2025, 12, 31, 23, tzinfo=UTC),
        datetime(2026, 12, 31, 23, tzinfo=UTC),
    )


def test_conventions_that_follow_each_other_are_granted_as_one(world: ServiceWorld) -> None:
    """Promise 5: without network a stall sells on through New Year's night, once both stand."""
    sign(world, YEAR)
    sign(world, Span(date(2027, 1, 1), date(2028, 1, 1)))
    assert granted(world)[1] == datetime(2027, 12, 31, 23, tzinfo=UTC)


def test_what_a_permit_grants_around_gaps() -> None:
    """Promise: in a gap the next days are granted; after the last, those that are over."""
    first, second = Span(OCTOBER, NOVEMBER), Span(DECEMBER, date(2027, 1, 1))
    both = (second, first)
    assert standing(both, date(2026, 10, 31)) == first
    assert standing(both, NOVEMBER) == second
    assert standing(both, date(2027, 5, 1)) == second
    assert standing((), TODAY) is None
    assert joined([first, Span(NOVEMBER, DECEMBER), second]) == [Span(OCTOBER, date(2027, 1, 1))]
    assert joined([Span(OCTOBER, OCTOBER)]) == []


def test_coverage_rates_travel_in_the_permit(world: ServiceWorld) -> None:
    """Promise: what a till may offer for an article is what the convention says."""
    categories = (
        Category(name="Légumes"),
        Category(name="Épicerie", coverage_bp=7_000),
        Category(name="Confitures", coverage_bp=3_000),
    )
    sign(world, YEAR, Terms(distance_km=1, categories=categories))
    assert grant(world).coverages_bp == (10_000, 7_000, 3_000)


def test_a_terminal_hears_of_an_end_at_its_next_exchange(world: ServiceWorld) -> None:
    """Promise: an early end is in the next permit, and not a day later; nothing else renews it."""
    sign(world, YEAR)
    stall = world.stall(merchants=(1,))
    assert stall.sync().permit is None, "nothing is new"
    conventions.end(world.caisse, 1, NOVEMBER, by=ANNE)
    answer = stall.sync()
    assert answer.permit is not None
    assert permit_of(answer.permit).merchants[0].convention_until == datetime(
        2026, 10, 31, 23, tzinfo=UTC
    )
    assert stall.sync().permit is None


def test_a_sale_outside_is_a_fact_and_the_permit_decides(world: ServiceWorld) -> None:
    """Promise: no sale is refused: by the permit that the till held it is paid, or held."""
    sign(world, YEAR)
    card, offline = world.card(), world.stall(4, merchants=(1,))
    offline.sync()
    offline.merchant = 1
    conventions.end(world.caisse, 1, TODAY + timedelta(days=2), by=ANNE)
    world.clock.pass_time(timedelta(days=3))
    unaware = offline.entries[offline.sell(card, 5_00) - 1].digest
    offline.sync()
    aware = offline.entries[offline.sell(card, 6_00) - 1].digest
    answer: SyncAnswer = offline.sync()
    assert answer.up_to_seq == len(offline.entries)
    assert state_of(unaware) == ("payable", "")
    assert state_of(aware) == ("held", "convention_out_of_dates")
    assert payable_cents(world, 1) == 5_00
    outside = merchants.state_of(world.caisse, Merchant.objects.get(id=1)).outside
    assert (outside.sales, outside.amount_cents) == (2, 11_00)
    assert differences(world.caisse) == []


def test_an_auditor_holds_permits_to_conventions(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 6: a permit that grants a day more than was signed is found from the outside."""
    sign(world, Span(YEAR.from_day, NOVEMBER))
    sign(world, Span(NOVEMBER, YEAR.until_day))
    world.stall(merchants=(1,))
    assert found(world, tmp_path / "good") == set()
    issued = PermitIssued.objects.get(terminal=3)
    one_day_more = replace(grant(world), convention_until=datetime(2027, 1, 2, tzinfo=UTC))
    wider = replace(permit_of(issued.content), version=2, merchants=(one_day_more,))
    content = sign_permit(world.caisse.ring.issuer, wider).encoded
    acts.record(world.caisse, DocumentHeld(content=content))
    assert found(world, tmp_path / "bad") == {"lets merchant 1 sell outside its conventions"}


def found(world: ServiceWorld, path: Path) -> set[str]:
    """What an auditor says of documents and of the log."""
    export_audit(world.caisse, path)
    report = audit(read_export(path))
    return {one.words for one in report.findings if one.kind in {Class.DOCUMENT, Class.LOG}}


# Deputies


def test_a_deputy_acts_between_two_days(world: ServiceWorld) -> None:
    """Promise: who may act for a merchant is a matter of dates; the last day is not theirs."""
    made = deputies.appoint(
        world.caisse, 1, "Jeanne Morel", by=ANNE, from_day=OCTOBER, until_day=NOVEMBER
    )
    assert isinstance(made, Deputy)
    days = (date(2026, 9, 30), OCTOBER, date(2026, 10, 31), NOVEMBER)
    assert [len(deputies.acting(world.caisse, 1, day)) for day in days] == [0, 1, 1, 0]
    assert deputies.dismiss(world.caisse, made.pk) is None
    assert deputies.acting(world.caisse, 1, TODAY) == []
    assert deputies.dismiss(world.caisse, 999) is NotDeputed.NO_DEPUTY


def test_a_deputys_name_is_in_no_fact_and_is_forgotten(world: ServiceWorld) -> None:
    """Promise 7: a name stands in an erasable table, and goes when the rule says, not before."""
    acted = ActRow.objects.count()
    made = deputies.appoint(world.caisse, 1, "Jeanne Morel", by=ANNE, until_day=NOVEMBER)
    assert isinstance(made, Deputy)
    assert ActRow.objects.count() == acted
    world.clock.set(datetime(2026, 11, 1, 12, tzinfo=UTC) + timedelta(days=730))
    assert deputies.erase_due(world.caisse) == 0
    world.clock.pass_time(timedelta(days=1))
    assert deputies.erase_due(world.caisse) == 1
    assert not Deputy.objects.exists()
