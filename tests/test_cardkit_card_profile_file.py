"""What a bench settled is loaded into a profile, and nothing else can be smuggled in with it."""

from __future__ import annotations

import pytest

from cardkit.card.apdu import Ins
from cardkit.card.layout import CLAF_PURSE_1, ClearBy
from cardkit.card.profile_file import AMOUNT_FORM, SettledFacts, with_facts, write_facts
from cardkit.errors import DocumentMalformed

FACTS = SettledFacts(
    profile=CLAF_PURSE_1.name,
    clear_by=ClearBy.ABORT,
    amount_form=AMOUNT_FORM,
    sale_tmi=(Ins.DEBIT, Ins.WRITE_RECORD, Ins.COMMIT_READER_ID),
    birth_tmi=(Ins.COMMIT_READER_ID,),
)
TEXT = write_facts(FACTS)


def test_what_was_settled_comes_back() -> None:
    """Only the three settled data change; keys, files and rights are the program's own."""
    profile = with_facts(TEXT, CLAF_PURSE_1)
    assert profile.clear_by is ClearBy.ABORT
    assert (profile.sale_tmi, profile.birth_tmi) == (FACTS.sale_tmi, FACTS.birth_tmi)
    assert profile.files == CLAF_PURSE_1.files
    assert profile.name == CLAF_PURSE_1.name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("claf-purse/1", "claf-purse/2"),
        ("ABORT", "SELECT"),
        ('"ABORT"', '["ABORT"]'),
        (AMOUNT_FORM, "two blocks"),
        ("profile =", "profil ="),
        ('birth_tmi = ["COMMIT_READER_ID"]', ""),
        ('birth_tmi = ["COMMIT_READER_ID"]', "birth_tmi = []"),
        ('birth_tmi = ["COMMIT_READER_ID"]', 'birth_tmi = "COMMIT_READER_ID"'),
        ('birth_tmi = ["COMMIT_READER_ID"]', "birth_tmi = [200]"),
        ('["DEBIT", "WRITE_RECORD", ', '["WRITE_RECORD", '),
        ('["DEBIT", "WRITE_RECORD", ', '["DEBIT", "DEBIT", "WRITE_RECORD", '),
        ('["DEBIT", "WRITE_RECORD", ', '["DEBIT", "READ_DATA", "WRITE_RECORD", '),
        ('["DEBIT", "WRITE_RECORD", ', '["WRITE_RECORD", "DEBIT", '),
        ('["DEBIT", "WRITE_RECORD", ', '["DEBIT", "GET_VALUE", "WRITE_RECORD", '),
        ('"WRITE_RECORD", "COMMIT_READER_ID"]', '"COMMIT_READER_ID", "WRITE_RECORD"]'),
        ('"DEBIT"', '"CREDIT"'),
        ("sale_tmi =", "sale_tmi"),
        ("clear_by", "terminal_key_no = 2\nclear_by"),
    ],
)
def test_what_no_bench_writes_is_refused(old: str, new: str) -> None:
    """A file that a person changed by hand changes nothing, and says so."""
    assert old in TEXT
    with pytest.raises(DocumentMalformed):
        with_facts(TEXT.replace(old, new), CLAF_PURSE_1)
