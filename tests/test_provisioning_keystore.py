"""The key ceremony: three hands, and no file that holds everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cardkit.certificates import Role
from cardkit.errors import DocumentError, KeyStoreError
from cardkit.keyfiles import (
    Bundle,
    RootKeys,
    ServiceKeys,
    WorkshopKeys,
    is_sealed,
    read_bundle,
    read_public,
)
from provisioning.keystore import (
    KeySet,
    Passphrases,
    install_service_keys,
    new_keys,
    write_keys,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PASSPHRASES = Passphrases(
    root=b"the coordinator's", service=b"the server's own", workshop=b"the workshop's"
)


@pytest.fixture
def keys() -> KeySet:
    """A fresh caisse."""
    return new_keys("flers", now=NOW, step_max_cents=300_00)


def test_three_hands_hold_what_together_makes_money(tmp_path: Path, keys: KeySet) -> None:
    """Promise: no directory, and no passphrase, opens more than one holder's keys."""
    out = tmp_path / "caisse"
    write_keys(out, keys, passphrases=PASSPHRASES)
    holders: dict[str, tuple[type[RootKeys | ServiceKeys | WorkshopKeys], Bundle]] = {
        "root": (RootKeys, keys.root),
        "service": (ServiceKeys, keys.service),
        "workshop": (WorkshopKeys, keys.workshop),
    }
    assert {path.name for path in out.iterdir()} == set(holders)
    for name, (kind, bundle) in holders.items():
        assert {path.name for path in (out / name).iterdir()} == {kind.NAME, "caisse.public"}
        assert is_sealed(out / name, kind)
        for other in holders:
            passphrase = PASSPHRASES.of(other)
            if other == name:
                opened = read_bundle(out / name, kind, caisse="flers", passphrase=passphrase)
                assert opened == bundle
            else:
                with pytest.raises(KeyStoreError):
                    read_bundle(out / name, kind, caisse="flers", passphrase=passphrase)


def test_secrets_of_one_holder_are_in_no_other_file(tmp_path: Path, keys: KeySet) -> None:
    """Promise: also where a demo leaves the bundles open, each holds its own secrets only."""
    out = tmp_path / "caisse"
    write_keys(out, keys, passphrases=None)
    canaries = {
        "root": [keys.root.root],
        "service": [keys.service.issuer, keys.service.wrapping, keys.service.newest().tmac],
        "workshop": [keys.workshop.signing, keys.workshop.masters[0].key],
    }
    for path in out.rglob("*.*"):
        for holder, secrets in canaries.items():
            for secret in secrets:
                is_there = secret in path.read_bytes()
                assert is_there == (path.parent.name == holder and path.suffix == ".keys")


def test_open_bundles_only_where_nobody_else_enters(tmp_path: Path, keys: KeySet) -> None:
    """Promise: without passphrases a directory that others may enter is refused at once."""
    out = tmp_path / "shared"
    out.mkdir(mode=0o755)
    with pytest.raises(KeyStoreError, match="mode 755"):
        write_keys(out, keys, passphrases=None)
    assert list(out.iterdir()) == []


def test_a_second_ceremony_overwrites_nothing(tmp_path: Path, keys: KeySet) -> None:
    """Promise: keys that cards already carry are not lost by running a command twice."""
    out = tmp_path / "caisse"
    write_keys(out, keys, passphrases=None)
    again = new_keys("flers", now=NOW, step_max_cents=300_00)
    with pytest.raises(KeyStoreError, match="exists"):
        write_keys(out, again, passphrases=None)
    assert read_bundle(out / "root", RootKeys, caisse="flers") == keys.root


@pytest.mark.parametrize(
    ("root", "service", "workshop"),
    [
        (b"the same words", b"the same words", b"other words 3"),
        (b"short", b"long enough 1", b"long enough 2"),
    ],
)
def test_passphrases_are_three_and_not_short(root: bytes, service: bytes, workshop: bytes) -> None:
    """Promise: one person with one passphrase does not pass for three."""
    with pytest.raises(KeyStoreError):
        Passphrases(root=root, service=service, workshop=workshop)


def test_the_root_certifies_issuer_service_and_workshop(keys: KeySet) -> None:
    """Promise: each key may do its own work only, and the issuer's ceiling is the root's word."""
    trust = keys.public.trust()
    for role, key in (
        (Role.ISSUER, keys.service.issuer_key("flers")),
        (Role.SERVICE, keys.service.service_key("flers")),
        (Role.WORKSHOP, keys.workshop.signing_key("flers")),
    ):
        assert list(trust.keys(role)) == [key.public]
    ceilings = [trust.accept(data).step_max_cents for data in keys.public.certificates]
    assert ceilings == [300_00, None, None]
    certificate = trust.accept(keys.public.certificates[0])
    assert (certificate.valid_from, certificate.valid_until) == (NOW, NOW + timedelta(days=1095))
    assert keys.public.system_id == b"CLAF-FLERS"


def test_the_service_starts_without_a_person(tmp_path: Path, keys: KeySet) -> None:
    """Promise: the server's keeper opens the bundle once; after that the service is on its own."""
    out, into = tmp_path / "caisse", tmp_path / "server" / "keys"
    write_keys(out, keys, passphrases=PASSPHRASES)
    opened = read_bundle(
        out / "service", ServiceKeys, caisse="flers", passphrase=PASSPHRASES.service
    )
    install_service_keys(read_public(out / "service"), opened, into)
    assert read_public(into) == keys.public
    assert read_bundle(into, ServiceKeys, caisse="flers") == keys.service
    assert into.stat().st_mode & 0o777 == 0o700


def test_keys_of_a_forged_caisse_are_not_installed(tmp_path: Path, keys: KeySet) -> None:
    """Promise: what the root did not certify never reaches a service's key directory."""
    into = tmp_path / "keys"
    stranger = new_keys("flers", now=NOW, step_max_cents=300_00).public
    forged = replace(stranger, certificates=keys.public.certificates)
    with pytest.raises(DocumentError):
        install_service_keys(forged, keys.service, into)
    assert not into.exists()
