"""What a bundle holds, as a person may see it: names, versions, dates, check values; never a key.

A check value tells whether two files hold the same key, as the trade's KCV does: 32 bits of a
digest of 128 random ones give nothing away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cardkit.certificates import Certificate, open_certificate
from cardkit.clock import business_date
from cardkit.errors import DocumentError, KeyStoreError
from cardkit.keyfiles import Bundle, CaissePublic, RootKeys, ServiceKeys, WorkshopKeys
from cardkit.signing import PublicKey
from provisioning.language import _

Row = tuple[str, str]
_CHECK_BYTES: Final = 4
_CHECK: Final = b"clafoutis key check"


def check_value(key: bytes) -> str:
    """Return eight digits by which a key is recognised."""
    return hashlib.sha256(_CHECK + key).digest()[:_CHECK_BYTES].hex()


def find_bundle(directory: Path) -> type[Bundle]:
    """Say whose directory this is; raises KeyStoreError when it is nobody's."""
    for kind in (RootKeys, ServiceKeys, WorkshopKeys):
        if (directory / kind.NAME).exists():
            return kind
    raise KeyStoreError(f"{directory}: no bundle")


def public_rows(public: CaissePublic) -> Iterator[Row]:
    """Describe what anybody may know; raises DocumentError."""
    root = PublicKey.from_bytes(public.root)
    yield _("caisse"), public.caisse
    yield _("root key"), root.digest.hex()
    for data in public.certificates:
        held = open_certificate(data, root, caisse=public.caisse)
        yield _("certificate"), _certificate(held)


def bundle_rows(bundle: Bundle, public: CaissePublic) -> Iterator[Row]:
    """Describe an opened bundle."""
    match bundle:
        case RootKeys():
            fits = bundle.signing_key(public.caisse).public.encoded == public.root
            yield _("signs for"), public.caisse if fits else _("another caisse")
        case ServiceKeys():
            yield _("issuer key"), bundle.issuer_key(public.caisse).public.kid.hex()
            yield _("service key"), bundle.service_key(public.caisse).public.kid.hex()
            for masters in bundle.masters:
                named = ("picc", "application", "closed", "tmac")
                checks = (f"{name} {check_value(getattr(masters, name))}" for name in named)
                yield _("masters, version {n}").format(n=masters.version), ", ".join(checks)
        case WorkshopKeys():
            yield _("workshop key"), bundle.signing_key(public.caisse).public.kid.hex()
            for master in bundle.masters:
                yield _("key 1, version {n}").format(n=master.version), check_value(master.key)


def is_certified(public: CaissePublic) -> bool:
    """Whether the root signed all that is public."""
    try:
        public.trust()
    except DocumentError:
        return False
    return True


def _certificate(held: Certificate) -> str:
    kid = (
        _("revoked") if held.public_key is None else PublicKey.from_bytes(held.public_key).kid.hex()
    )
    since, until = business_date(held.valid_from), business_date(held.valid_until)
    name = f"{held.role.name.lower()} {held.subject}"
    return f"{name:<12}{kid}  {since.isoformat()} … {until.isoformat()}"
