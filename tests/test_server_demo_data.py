"""A small life, made through the real services: what the demo's data must be, however small."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from auditor.audit import audit
from auditor.export import read_export
from cardkit.allowance import accept_allowance
from cardkit.clock import PARIS, SystemClock, business_date
from cardkit.keyfiles import read_public
from server_stub.plugins import registered
from simulator.life.plan import Plan, months_later
from tests.hledger_books import NEEDS_HLEDGER
from tools.build_wheel import _role_pyproject, roles

pytestmark = pytest.mark.no_cover  # a life is many exchanges: tracing every line takes minutes

UNTIL = "2026-11-26"
SMALL = ("--months", "3", "--members", "12", "--producers", "4", "--until", UNTIL)
WHOLE = ("--until", UNTIL)
SERVER = Path(sys.executable).with_name("clafoutis-server")


class Lived(NamedTuple):
    """A data directory with a life in it, and what was said."""

    data: Path
    told: str
    passwords: str

    @property
    def fingerprint(self) -> str:
        """The digest of every row, as the command tells it."""
        (line,) = (it for it in self.told.splitlines() if it.startswith("Empreinte"))
        return line.rpartition(" ")[2]

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command on it."""
        return server(self.data, *arguments)

    def count(self, query: str) -> int:
        """Ask the database for one number."""
        with sqlite3.connect(self.data / "clafoutis.sqlite3") as database:
            (number,) = database.execute(query).fetchone()
            return int(number)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database for rows."""
        with sqlite3.connect(self.data / "clafoutis.sqlite3") as database:
            return database.execute(query).fetchall()


def server(data: Path, *arguments: str, hash_seed: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the service's program for a data directory."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "CLAFOUTIS_SERVER_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "server_stub.settings",
        "PYTHONHASHSEED": str(hash_seed),
    }
    environment.pop("CLAFOUTIS_SERVER_KEYS", None)
    return subprocess.run(
        [sys.executable, "-W", "default", str(SERVER), *arguments],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )


def lived(data: Path, *arguments: str, hash_seed: int = 0) -> Lived:
    """Live a life into an empty directory."""
    done = server(data, "demo-data", *arguments, hash_seed=hash_seed)
    assert done.returncode == 0, done.stderr
    return Lived(data, done.stderr, done.stdout)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Three months of twelve members."""
    return lived(tmp_path_factory.mktemp("small") / "server", *SMALL, hash_seed=1)


def test_the_books_of_a_life_are_what_was_signed(small: Lived, tmp_path: Path) -> None:
    """Promise 6: what the demo shows was signed by tills and proven by cards, and nothing else is.

    `rebuild` and the auditor each compute it again. Red when the life writes a row of its own.
    """
    rebuilt = small.ask("rebuild", "--check")
    assert (rebuilt.returncode, rebuilt.stdout) == (0, ""), rebuilt.stderr
    audited(small, tmp_path)


@NEEDS_HLEDGER
def test_hledger_balances_a_life(small: Lived, tmp_path: Path) -> None:
    """Promise 6: another program adds the demo's books up."""
    balanced(small, tmp_path)


def test_a_life_leaves_something_of_everything(small: Lived) -> None:
    """Promise: whoever opens the console on the demo's data finds work to do, of several kinds."""
    kinds = small.count(
        "SELECT count(DISTINCT kind) FROM clafoutis_finding WHERE closed_at IS NULL"
    )
    assert kinds >= 3
    assert small.count("SELECT count(*) FROM clafoutis_settlementdraft") == 1
    assert small.count("SELECT count(*) FROM clafoutis_settlement") >= 1
    waiting = small.count(
        "SELECT count(*) FROM clafoutis_person p WHERE NOT EXISTS"
        " (SELECT 1 FROM clafoutis_admission a WHERE a.account_id = p.account_id)"
    )
    assert waiting == 8
    assert small.count("SELECT count(*) FROM clafoutis_claim WHERE state = 'held'") >= 1


def test_it_says_who_may_enter_and_once(small: Lived) -> None:
    """Promise: every person of the demo has a password, which is told and not kept."""
    names = [line.split("\t")[0] for line in small.passwords.splitlines()]
    assert names == ["coordination", "tresorerie", "comite"]
    kept = (small.data / "clafoutis.sqlite3").read_bytes()
    passwords = [line.split("\t")[1] for line in small.passwords.splitlines()]
    assert not any(password.encode() in kept for password in passwords)


def test_it_goes_into_no_database_that_is_in_use(small: Lived) -> None:
    """Promise: nobody's books are mixed with a demo's, whatever the seed."""
    before = (small.data / "clafoutis.sqlite3").read_bytes()
    for seed in ("2026", "7"):
        again = server(small.data, "demo-data", *SMALL, "--seed", seed)
        assert again.returncode == 1
        assert "Rien n" in again.stderr
    assert (small.data / "clafoutis.sqlite3").read_bytes() == before


def test_the_same_seed_lives_the_same_life(tmp_path: Path, small: Lived) -> None:
    """Promise: the same options give the same rows in every table, in every process.

    Red when a number is drawn from the system's chance, or a set decides an order.
    """
    again = lived(tmp_path / "again", *SMALL, hash_seed=2)
    assert again.fingerprint == small.fingerprint
    tiny = ("--months", "1", "--members", "3", "--producers", "1", "--until", UNTIL)
    one = lived(tmp_path / "one", *tiny)
    other = lived(tmp_path / "other", *tiny, "--seed", "7")
    assert one.fingerprint != other.fingerprint


def test_the_fund_of_a_life_counted_slowly(small: Lived) -> None:
    """Promise: what the committee is told of today is what anybody counts on their fingers.

    Public money and contributions, less a hundred euros for every month of every member that has
    begun, and what has lapsed of that: who spent it, where, and what went wrong does not matter.
    """
    sheet = small.data / "fund.csv"
    assert small.ask("fund", "--until", "2099-01-31", "--csv", str(sheet)).returncode == 0
    lines = sheet.read_text("utf-8-sig").splitlines()[1:4]
    has_cents, owes_cents, open_cents = (int(it.split(";")[1].replace(",", "")) for it in lines)
    lapsed = dict(
        small.rows(
            "SELECT c.account_id, sum(l.amount_cents) FROM clafoutis_postingline l"
            " JOIN clafoutis_posting p ON l.posting_id = p.id"
            " JOIN clafoutis_card c ON p.card_id = c.id"
            " WHERE l.account = 'lapsed' GROUP BY c.account_id"
        )
    )
    this_month = business_date(SystemClock().now().at).replace(day=1)
    given = {
        (account, month)
        for account, month in months_signed(small)
        if month <= this_month or account in lapsed
    }
    paid_in_cents = small.count("SELECT sum(amount_cents) FROM clafoutis_contribution")
    assert has_cents - owes_cents - open_cents == (
        20_000_00 + paid_in_cents + sum(lapsed.values()) - 100_00 * len(given)
    )


def months_signed(life: Lived) -> set[tuple[int, date]]:
    """Every account and month of which credit was signed, on whatever card."""
    trust = read_public(life.data / "keys").trust()
    signed = life.rows(
        "SELECT c.account_id, a.content FROM clafoutis_allowanceissued a"
        " JOIN clafoutis_card c ON a.card_id = c.id"
    )
    steps = (
        (account, step.from_at.astimezone(PARIS))
        for account, content in signed
        for step in accept_allowance(content, trust).steps
    )
    return {
        (account, at.date()) for account, at in steps if (at.day, at.hour, at.minute) == (1, 0, 0)
    }


def test_no_server_in_use_has_the_command() -> None:
    """Promise: a machine that keeps real books can't be filled with a demo's by mistake.

    docs/adr/0019: whoever holds the simulator registers the command, and no role's wheel does.
    """
    assert "demo-data" in registered()
    for role in roles():
        table = _role_pyproject(role)
        assert "entry-points" not in table
        assert "simulator" not in table


@pytest.mark.parametrize("months", [1, 3, 4, 12, 18])
@pytest.mark.parametrize("members", [3, 12, 100])
def test_waves_bring_everybody_in(months: int, members: int) -> None:
    """Promise: every member of a plan is admitted, by waves that lie within the life."""
    plan = Plan(until=date(2026, 11, 26), months=months, members=members, producers=1, seed=1)
    waves = plan.waves()
    assert sum(waves.values()) == members
    assert months_later(plan.first_day, months) == date(2026, 12, 1)
    assert all(plan.first_day <= month <= plan.until for month in waves)
    assert all(month.day == 1 for month in waves)


@NEEDS_HLEDGER
@pytest.mark.slow
def test_eighteen_months_of_a_hundred_members(tmp_path: Path) -> None:
    """Promises 6 and 8: a whole life of the size of Flers is sound in every way that we check."""
    life = lived(tmp_path / "server", *WHOLE)
    sales = life.count("SELECT count(*) FROM clafoutis_cardtransaction")
    assert sales >= 5_000
    rebuilt = life.ask("rebuild", "--check")
    assert (rebuilt.returncode, rebuilt.stdout) == (0, ""), rebuilt.stderr
    audited(life, tmp_path)
    balanced(life, tmp_path)


def audited(life: Lived, folder: Path) -> None:
    """Let the auditor compute a life's books."""
    path = folder / "audit.sqlite3"
    exported = life.ask("export-audit", "--to", str(path))
    assert exported.returncode == 0, exported.stderr
    assert [str(one) for one in audit(read_export(path)).findings] == []


def balanced(life: Lived, folder: Path) -> None:
    """Let hledger check a life's books."""
    path = folder / "books.journal"
    assert life.ask("export-ledger", "--out", str(path)).returncode == 0
    subprocess.run(["hledger", "-f", str(path), "check"], check=True)
