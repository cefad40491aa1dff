"""A caisse's keys in three bundles: who can open what, and what never shows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cardkit.card.keys import diversify
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.certificates import Role
from cardkit.errors import DocumentError, KeyStoreError
from cardkit.keyfiles import (
    PUBLIC_NAME,
    CaissePublic,
    RootKeys,
    ServiceKeys,
    ServiceMasters,
    WorkshopKeys,
    is_sealed,
    read_bundle,
    read_public,
    write_bundle,
    write_public,
)
from cardkit.signing import SigningKey
from provisioning.keystore import KeySet, new_keys

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PASSPHRASE = b"correct horse battery"
UID = bytes.fromhex("04112233445566")


@pytest.fixture(scope="module")
def keys() -> KeySet:
    """One ceremony for all."""
    return new_keys("flers", now=NOW, step_max_cents=300_00)


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A directory that only its owner enters."""
    directory = tmp_path / "holder"
    directory.mkdir(mode=0o700)
    return directory


def test_a_bundle_comes_back_with_its_passphrase_alone(private: Path, keys: KeySet) -> None:
    """Promise: whoever finds a bundle, but not its passphrase, has nothing."""
    path = write_bundle(private, keys.service, caisse="flers", passphrase=PASSPHRASE)
    assert is_sealed(private, ServiceKeys)
    assert keys.service.masters[0].tmac not in path.read_bytes()
    assert read_bundle(private, ServiceKeys, caisse="flers", passphrase=PASSPHRASE) == keys.service
    for wrong in (None, b"", b"correct horse batterz"):
        with pytest.raises(KeyStoreError):
            read_bundle(private, ServiceKeys, caisse="flers", passphrase=wrong)


def test_a_sealed_bundle_is_not_another_caisses(private: Path, keys: KeySet) -> None:
    """Promise: a bundle can't be passed off as another's, not even by editing its names."""
    path = write_bundle(private, keys.root, caisse="flers", passphrase=PASSPHRASE)
    with pytest.raises(KeyStoreError, match="'flers'"):
        read_bundle(private, RootKeys, caisse="caen1", passphrase=PASSPHRASE)
    path.write_bytes(path.read_bytes().replace(b"flers", b"caen1"))
    with pytest.raises(KeyStoreError, match="damaged"):
        read_bundle(private, RootKeys, caisse="caen1", passphrase=PASSPHRASE)


def test_nothing_is_read_or_written_where_others_may_look(private: Path, keys: KeySet) -> None:
    """Promise: a key file that others can read is refused, sealed or not."""
    path = write_bundle(private, keys.workshop, caisse="flers", passphrase=None)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_bundle(private, WorkshopKeys, caisse="flers") == keys.workshop
    path.chmod(0o640)
    with pytest.raises(KeyStoreError, match="mode 640"):
        read_bundle(private, WorkshopKeys, caisse="flers")
    private.chmod(0o755)
    with pytest.raises(KeyStoreError, match="mode 755"):
        write_bundle(private, keys.root, caisse="flers", passphrase=None)


def test_a_bundle_is_never_overwritten(private: Path, keys: KeySet) -> None:
    """Promise: a second ceremony in the wrong directory destroys no key."""
    write_bundle(private, keys.root, caisse="flers", passphrase=None)
    other = new_keys("flers", now=NOW, step_max_cents=300_00)
    with pytest.raises(KeyStoreError, match="exists"):
        write_bundle(private, other.root, caisse="flers", passphrase=None)
    assert read_bundle(private, RootKeys, caisse="flers") == keys.root


@pytest.mark.parametrize("content", [b"", b"\xa0", b"\xa1\x01\x01", b"not CBOR"])
def test_a_damaged_file_is_an_error_with_a_name(private: Path, content: bytes) -> None:
    """Promise: a broken medium is said, and is no traceback."""
    path = private / RootKeys.NAME
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyStoreError, match="not a key file"):
        read_bundle(private, RootKeys, caisse="flers")
    with pytest.raises(KeyStoreError):
        read_bundle(private, ServiceKeys, caisse="flers")
    (private / PUBLIC_NAME).write_bytes(content)
    with pytest.raises(KeyStoreError):
        read_public(private)


def test_what_is_public_is_believed_only_with_the_roots_signatures(
    private: Path, keys: KeySet
) -> None:
    """Promise: certificates that the root did not sign are refused when they are used."""
    write_public(private, keys.public)
    public = read_public(private)
    assert public == keys.public
    assert public.workshop_key(NOW) == keys.workshop.signing_key("flers").public
    assert list(public.trust().keys(Role.ISSUER)) == [keys.service.issuer_key("flers").public]
    stranger = SigningKey.generate(caisse="flers").public.encoded
    forged = CaissePublic(
        caisse=public.caisse,
        system_id=public.system_id,
        root=stranger,
        certificates=public.certificates,
    )
    with pytest.raises(DocumentError):
        forged.trust()
    without = CaissePublic(
        caisse=public.caisse,
        system_id=public.system_id,
        root=public.root,
        certificates=public.certificates[:2],
    )
    for caisse, at in ((without, NOW), (public, datetime(2030, 1, 1, tzinfo=UTC))):
        with pytest.raises(KeyStoreError, match="no workshop"):
            caisse.workshop_key(at)


def test_a_tmac_key_lives_one_life(keys: KeySet) -> None:
    """Promise: what a card proved in one life can't be shown again in its next."""
    masters = keys.service.newest()

    def key(uid: bytes, generation: int) -> bytes:
        return masters.tmac_key(
            uid=uid, generation=generation, system_id=b"CLAF-FLERS", profile=CLAF_PURSE_1
        )

    assert len({key(UID, 1), key(UID, 2), key(UID[::-1], 1)}) == 3
    without_life = diversify(masters.tmac, uid=UID, aid=CLAF_PURSE_1.aid, system_id=b"CLAF-FLERS")
    assert key(UID, 1) != without_life


def test_versions_are_found_or_named_as_missing(keys: KeySet) -> None:
    """Promise: a card of a version that is not held is an error with a name, never a wrong key."""
    old = ServiceMasters(
        version=3, picc=bytes(16), application=bytes(16), closed=bytes(16), tmac=bytes(16)
    )
    held = ServiceKeys(
        issuer=keys.service.issuer,
        service=keys.service.service,
        wrapping=keys.service.wrapping,
        masters=(*keys.service.masters, old),
    )
    assert held.newest() is old
    assert held.version(1) == keys.service.masters[0]
    assert keys.workshop.version(1) == keys.workshop.masters[0]
    for missing in (held, keys.workshop):
        with pytest.raises(KeyStoreError, match="version 2"):
            missing.version(2)


def test_a_scalar_that_is_no_key_is_an_error_with_a_name() -> None:
    """Promise: a bundle with a broken key says so instead of failing somewhere later."""
    with pytest.raises(KeyStoreError, match="P-256"):
        RootKeys(root=bytes(32)).signing_key("flers")


def test_no_key_shows_in_a_repr(keys: KeySet) -> None:
    """Promise: a log line or a traceback can show any of these and give nothing away."""
    secrets = [
        keys.root.root,
        keys.service.issuer,
        keys.service.service,
        keys.service.wrapping,
        keys.workshop.signing,
        *(master.key for master in keys.workshop.masters),
        *(
            key
            for master in keys.service.masters
            for key in (master.picc, master.application, master.closed, master.tmac)
        ),
    ]
    shown = repr(
        [keys, keys.root, keys.service, keys.service.masters, keys.workshop, keys.workshop.masters]
    )
    for secret in secrets:
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown
        assert str(int.from_bytes(secret)) not in shown
