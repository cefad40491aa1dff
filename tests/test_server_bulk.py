"""Rows made without the model's own constructor are the rows that it would have made."""

from __future__ import annotations

import pytest
from django.db.models import Model

from cardkit.errors import Bug
from server_stub.models import Card, CardTransaction, Claim, Posting, Sighting, StoredEntry
from server_stub.services import bulk

OURS = (CardTransaction, Claim, Posting, Sighting, StoredEntry)


def columns(row: Model) -> dict[str, object]:
    """Return what stands in a row, column by column."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize("model", OURS)
def test_a_row_of_which_nothing_is_said_has_its_defaults(model: type[Model]) -> None:
    """Promise: a column that nobody names is stored as the model declares it."""
    assert columns(bulk.made(model)) == columns(model())


def test_relations_are_kept_with_what_they_lead_to() -> None:
    """Promise: a claim tells of its card without another question."""
    card, entry = Card(id=7), StoredEntry(id=9)
    claim = bulk.made(Claim, card=card, entry=entry, seq=3)
    assert (claim.card_id, claim.entry_id, claim.seq) == (7, 9, 3)
    assert claim.card is card
    assert claim.entry is entry
    assert bulk.made(Claim, card=None).card_id is None


def test_no_two_rows_share_a_list() -> None:
    """Promise: what one claim leans on is not what another does."""
    first, second = bulk.made(Claim), bulk.made(Claim)
    first.leans_on.append([1, 2])
    assert second.leans_on == []


def test_a_column_that_the_model_does_not_have_is_our_bug() -> None:
    """Promise: a misspelt column is never silently lost."""
    with pytest.raises(Bug):
        bulk.made(Posting, amont_cents=5)
