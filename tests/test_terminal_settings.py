"""How a terminal is set: kept as it was set, and never in the way of a sale."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cardkit.errors import StoreError
from cardkit.language import ENGLISH
from terminal.basket import LineKind
from terminal.catalogue import Pricing, Product
from terminal.settings import (
    HEADING_LINES_MAX,
    AmountEntry,
    MerchantSettings,
    Mode,
    Pins,
    Settings,
    TerminalSettings,
    Theme,
)

CHEESE = Product(label="Tomme", kind=LineKind.PRODUCT, pricing=Pricing.WEIGHED, price_cents=24_50)
SET = TerminalSettings(
    language=ENGLISH,
    theme=Theme.NIGHT,
    sounds=False,
    brightness_percent=40,
    printer="network:192.168.1.50",
    shows_balance=False,
    last_merchant=7,
    pins=Pins(buzzer=12),
)
STALL = MerchantSettings(
    amount_entry=AmountEntry.CENTS_FIRST,
    mode=Mode.TILL,
    heading=("Ferme du Bois", "SIRET 123"),
    products=(CHEESE,),
    pin="00:11",
)
ROTTEN = (b"", b"{", b"[]", b"\xff\xfe", b'{"check": "0", "tables": {"settings": {}}}')


def test_everything_that_is_set_is_there_after_a_restart(tmp_path: Path) -> None:
    """Promise: what a producer set once stays set."""
    settings = Settings(tmp_path / "settings.json")
    assert settings.terminal == TerminalSettings()
    assert settings.merchant(7) == MerchantSettings()
    settings.terminal = SET
    settings.set_merchant(7, STALL)
    again = Settings(tmp_path / "settings.json")
    assert again.terminal == SET
    assert again.merchant(7) == STALL
    assert again.merchant(8) == MerchantSettings(), "one merchant's buttons are not another's"


def test_a_pin_is_changed_without_the_rest(tmp_path: Path) -> None:
    """Promise: another PIN costs no button."""
    settings = Settings(tmp_path / "settings.json")
    settings.set_merchant(7, STALL)
    settings.set_pin(7, "22:33")
    assert settings.merchant(7) == replace(STALL, pin="22:33")
    assert "22:33" not in repr(settings.merchant(7))


@pytest.mark.parametrize("content", ROTTEN)
def test_a_rotten_file_costs_settings_and_never_the_till(tmp_path: Path, content: bytes) -> None:
    """Promise: with rotten settings a till starts as it is made, and can be set anew."""
    path = tmp_path / "settings.json"
    Settings(path).terminal = SET
    path.write_bytes(content)
    settings = Settings(path)
    assert settings.terminal == TerminalSettings()
    assert settings.merchant(7) == MerchantSettings()
    assert path.read_bytes() == content, "looking changes nothing"
    settings.set_merchant(7, STALL)
    settings.terminal = SET
    assert Settings(path).terminal == SET
    assert Settings(path).merchant(7) == STALL
    assert (tmp_path / "settings.json.damaged").read_bytes() == content


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """Promise: bits that rot never become another setting."""
    path = tmp_path / "settings.json"
    Settings(path).terminal = SET
    path.write_bytes(path.read_bytes().replace(b"network:192", b"network:193"))
    assert Settings(path).terminal.printer == ""


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    """Promise: who changes a setting hears that it is not kept."""
    settings = Settings(tmp_path / "gone" / "settings.json")
    with pytest.raises(StoreError):
        settings.terminal = SET
    assert settings.terminal == TerminalSettings()


def test_values_of_another_version_fall_back_one_by_one(tmp_path: Path) -> None:
    """Promise: a value that this version can't mean costs that value and no other."""
    path = tmp_path / "settings.json"
    settings = Settings(path)
    settings._put("terminal", {"theme": "sepia", "language": 3, "brightness_percent": 900})
    settings._put("merchant 7", {"mode": "till", "products": [{"label": "?"}, 3], "heading": "x"})
    assert settings.terminal == TerminalSettings()
    assert settings.merchant(7) == MerchantSettings(mode=Mode.TILL)


def test_a_receipts_top_has_so_many_lines_and_no_more(tmp_path: Path) -> None:
    """Promise: no setting makes a receipt endless."""
    settings = Settings(tmp_path / "settings.json")
    settings.set_merchant(7, MerchantSettings(heading=tuple("abcdefgh")))
    assert len(settings.merchant(7).heading) == HEADING_LINES_MAX
