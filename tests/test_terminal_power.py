"""What the board tells of itself, read from files as Linux writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.errors import StoreError
from cardkit.sync import decode_request
from terminal.mailbox import Mailbox
from terminal.power import (
    Battery,
    Power,
    Throttled,
    parse_throttled,
    read_power,
)
from terminal.till import Till
from tests.terminal_world import World


def board(root: Path, **files: str) -> Path:
    """A board with these files, by their path with two underscores for a slash."""
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_a_board_that_tells_nothing(tmp_path: Path) -> None:
    """Promise: on another computer nothing is invented; the disk is known everywhere."""
    power = read_power(tmp_path, root=tmp_path)
    assert power == Power(disk_free_mb=power.disk_free_mb)
    assert power.disk_free_mb is not None
    assert not any((power.is_weak, power.was_weak, power.is_hot, power.is_low))


@pytest.mark.parametrize(
    ("text", "is_weak", "was_weak"),
    [
        ("throttled=0x0\n", False, False),
        ("throttled=0x50005\n", True, True),
        ("throttled=0x50000\n", False, True),
        ("80008\n", False, False),
        ("1\n", True, True),
        ("ffffffffffffffff\n", True, True),
    ],
)
def test_undervoltage_now_and_before(text: str, is_weak: bool, was_weak: bool) -> None:
    """Promise: a supply that is weak now and one that was are told apart."""
    power = Power(throttled=parse_throttled(text))
    assert (power.is_weak, power.was_weak) == (is_weak, was_weak)
    assert power.throttled is not None
    assert power.throttled < 2**31, "a request has room for it"


@pytest.mark.parametrize("text", ["", "throttled=", "VCHI initialization failed", "0xzz"])
def test_what_is_no_number_tells_nothing(text: str) -> None:
    """Promise: an error of the firmware is no healthy supply, and no weak one."""
    assert parse_throttled(text) is None


def test_the_firmware_comes_before_the_monitor(tmp_path: Path) -> None:
    """Promise: the firmware knows what was, the kernel's monitor only what is; it is asked last."""
    board(
        tmp_path,
        sys__class__hwmon__hwmon0__name="cpu_thermal\n",
        sys__class__hwmon__hwmon1__name="rpi_volt\n",
        sys__class__hwmon__hwmon1__in0_lcrit_alarm="1\n",
    )
    assert read_power(tmp_path, root=tmp_path).throttled == Throttled.UNDERVOLTAGE
    firmware = tmp_path / "sys/devices/platform/soc/soc:firmware"
    firmware.mkdir(parents=True)
    (firmware / "get_throttled").write_text("50000\n")
    assert read_power(tmp_path, root=tmp_path).throttled == (
        Throttled.UNDERVOLTAGE_SEEN | Throttled.THROTTLED_SEEN
    )


def test_warmth(tmp_path: Path) -> None:
    """Promise: a board in a closed box in July is called hot before it slows to a crawl."""
    board(tmp_path, sys__class__thermal__thermal_zone0__temp="79499\n")
    cool = read_power(tmp_path, root=tmp_path)
    assert (cool.temperature_c, cool.is_hot) == (79, False)
    board(tmp_path, sys__class__thermal__thermal_zone0__temp="80001\n")
    assert read_power(tmp_path, root=tmp_path).is_hot


def test_the_battery_is_the_board_s_own(tmp_path: Path) -> None:
    """Promise: the battery of a mouse or the mains do not stand for the till's."""
    board(
        tmp_path,
        sys__class__power_supply__ac__type="Mains\n",
        sys__class__power_supply__hid_1__type="Battery\n",
        sys__class__power_supply__hid_1__scope="Device\n",
        sys__class__power_supply__hid_1__capacity="3\n",
        sys__class__power_supply__ups__type="Battery\n",
        sys__class__power_supply__ups__capacity="12\n",
        sys__class__power_supply__ups__status="Discharging\n",
    )
    power = read_power(tmp_path, root=tmp_path)
    assert power.battery == Battery(percent=12, is_draining=True)
    assert power.is_low
    board(tmp_path, sys__class__power_supply__ups__status="Charging\n")
    assert not read_power(tmp_path, root=tmp_path).is_low


def test_a_disk_that_is_gone_is_the_store_s_trouble(tmp_path: Path) -> None:
    """Promise: no error of the system reaches a screen by its own name."""
    with pytest.raises(StoreError):
        read_power(tmp_path / "nothing", root=tmp_path)


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    """A stall's till."""
    till = World.make(tmp_path).till()
    yield till
    till.close()


def test_the_service_is_told(tmp_path: Path, till: Till) -> None:
    """Promise: a weak supply and a hot box stand in the health that each request carries."""
    world = World.make(tmp_path)
    power = Power(throttled=Throttled.UNDERVOLTAGE_SEEN, temperature_c=71, disk_free_mb=900)
    mailbox = Mailbox(
        world.data(),
        journal=till.journal,
        store=till.store,
        clock=till.clock,
        software_version="0.0.0",
        power=lambda _: power,
    )
    (path,) = mailbox.export()
    health = decode_request(path.read_bytes()).health
    assert health is not None
    assert (health.temperature_c, health.undervoltage) == (71, 0x10000)
    assert health.disk_free_mb == 900
