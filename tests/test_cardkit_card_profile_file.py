"""What a bench settled is loaded into a profile, and nothing else can be smuggled in with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cardkit
from cardkit.card.apdu import Ins
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import ClearBy
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


def test_what_the_bench_writes_is_what_all_programs_run_by(tmp_path: Path) -> None:
    """One file sets the profile of till, workshop and service; a wrong one stops them all."""
    shutil.copytree(Path(cardkit.__file__).parent, tmp_path / "cardkit")
    shipped = tmp_path / "cardkit/card/claf_purse_1.toml"
    asked = (
        "from cardkit.card.layout import CLAF_PURSE_1 as it; print(it.clear_by.name, *it.sale_tmi)"
    )

    def told(text: str) -> subprocess.CompletedProcess[str]:
        shipped.write_text(text)
        return subprocess.run(
            [sys.executable, "-c", asked], check=False, cwd=tmp_path, capture_output=True, text=True
        )

    assert told(TEXT).stdout.split() == ["ABORT", *(str(int(ins)) for ins in FACTS.sale_tmi)]
    assert "DocumentMalformed" in told(TEXT.replace("claf-purse/1", "claf-purse/2")).stderr


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
