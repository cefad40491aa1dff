"""The service's keys: from files of its own, never in the database, a log or a repr."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from django.db import connection

from cardkit.errors import KeyStoreError
from cardkit.keyfiles import write_bundle, write_public
from provisioning.keystore import new_keys
from server_stub.database import database
from server_stub.keys import KeyRing, token_key_purpose
from tests.service_world import LONG_AGO, ServiceWorld, ceremony


def ring() -> KeyRing:
    """The ring of the tests' caisse."""
    keys = ceremony()
    return KeyRing(keys.public, keys.service)


def write_ring(directory: Path) -> Path:
    """Leave the service's files where only their owner reads them."""
    directory.mkdir(mode=0o700)
    keys = ceremony()
    write_public(directory, keys.public)
    write_bundle(directory, keys.service, caisse="flers", passphrase=None)
    return directory


def test_ring_is_read_from_its_files(tmp_path: Path) -> None:
    """Promise 4: the service starts from the ceremony's files alone."""
    loaded = KeyRing.load(write_ring(tmp_path / "keys"))
    assert loaded.service.public == ring().service.public
    assert loaded.caisse == "flers"


def test_files_that_others_may_read_are_refused(tmp_path: Path) -> None:
    """Promise 4: a key file with open permissions is no key file."""
    directory = write_ring(tmp_path / "keys")
    (directory / "service.keys").chmod(0o644)
    with pytest.raises(KeyStoreError, match="others"):
        KeyRing.load(directory)


def test_keys_that_the_root_did_not_certify_are_refused() -> None:
    """Promise 4: certificates of another root are worth nothing."""
    other = new_keys("flers", now=LONG_AGO, step_max_cents=1).public
    mixed = type(other)(
        caisse=other.caisse,
        system_id=other.system_id,
        root=other.root,
        certificates=ceremony().public.certificates,
    )
    with pytest.raises(KeyStoreError):
        KeyRing(mixed, ceremony().service)


def test_sealed_secrets_open_for_their_purpose_only() -> None:
    """Promise 4: one terminal's key can't be put in another's place, nor read by another ring."""
    sealed = ring().seal(b"K" * 32, purpose=token_key_purpose(3))
    assert ring().open(sealed, purpose=token_key_purpose(3)) == b"K" * 32
    for purpose in (token_key_purpose(4), "something else"):
        with pytest.raises(KeyStoreError):
            ring().open(sealed, purpose=purpose)
    stranger = new_keys("flers", now=LONG_AGO, step_max_cents=1)
    with pytest.raises(KeyStoreError):
        KeyRing(stranger.public, stranger.service).open(sealed, purpose=token_key_purpose(3))


def test_every_life_of_a_card_has_its_own_proof() -> None:
    """Promise 2: a proof of a card's earlier life proves nothing in the next one."""
    keys = [
        ring().tmac_key(uid=bytes(7), generation=life, key_version=1, profile="claf-purse/1")
        for life in (1, 2)
    ]
    assert keys[0] != keys[1]
    with pytest.raises(KeyStoreError):
        ring().tmac_key(uid=bytes(7), generation=1, key_version=1, profile="other/1")


@pytest.mark.django_db
def test_no_key_is_in_the_database_or_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Promise 4: whoever gets the database or the log gets no key."""
    with caplog.at_level(logging.DEBUG):
        world = ServiceWorld.make()
        card, stall = world.card(), world.stall()
        stall.sell(card, 5_00)
        stall.sync()
    masters = world.keys.service.masters[0]
    secrets = [
        world.keys.service.issuer,
        world.keys.service.service,
        world.keys.service.wrapping,
        masters.tmac,
        masters.picc,
        masters.application,
        stall.token_key,
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = [name for (name,) in cursor.fetchall()]
        everything = ""
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names from the catalogue
            everything += repr(cursor.fetchall())
    for secret in secrets:
        assert repr(secret)[2:-1] not in everything
        assert secret.hex() not in everything + caplog.text + repr(world.caisse)


def test_databases_are_described() -> None:
    """SQLite by default, durable and one writer at a time; PostgreSQL by its address."""
    sqlite = database(None, Path("/data"))
    assert sqlite["NAME"] == "/data/clafoutis.sqlite3"
    assert sqlite["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in sqlite["OPTIONS"]["init_command"]
    postgres = database("postgresql://u:p%40ss@db:5433/caisse?sslmode=require", Path("/data"))
    assert (postgres["USER"], postgres["PASSWORD"]) == ("u", "p@ss")
    assert (postgres["HOST"], postgres["PORT"], postgres["NAME"]) == ("db", "5433", "caisse")
    assert postgres["OPTIONS"] == {"sslmode": "require"}
