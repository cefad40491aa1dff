"""New versions of keys beside the old ones: what was made under those goes on being read.

One number counts the masters of key 1 and those of the service (docs/protocol.md, section 1). A
version is never changed or dropped here: a card lives for years under the one it was made with.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from cardkit.card.aes import KEY_BYTES
from cardkit.certificates import Certificate, Role, certify, open_certificate
from cardkit.errors import DocumentForeign, KeyStoreError
from cardkit.keyfiles import MASTERS_MAX, CaissePublic, RootKeys, ServiceKeys, WorkshopKeys
from cardkit.pairing import CardMaster
from cardkit.signing import PublicKey, SigningKey
from provisioning.keystore import CERTIFICATE_DAYS, scalar_of, service_masters

RandomBytes = Callable[[int], bytes]


def roll_key_1(keys: WorkshopKeys, *, random: RandomBytes = os.urandom) -> WorkshopKeys:
    """Add a newer master of key 1; raises KeyStoreError when no more can be held."""
    newest = max(master.version for master in keys.masters)
    _refuse_too_many(len(keys.masters))
    master = CardMaster(version=newest + 1, key=random(KEY_BYTES))
    return replace(keys, masters=(*keys.masters, master))


def roll_masters(keys: ServiceKeys, *, random: RandomBytes = os.urandom) -> ServiceKeys:
    """Add newer masters of every other card key, TMAC among them; raises KeyStoreError."""
    _refuse_too_many(len(keys.masters))
    masters = service_masters(keys.newest().version + 1, random)
    return replace(keys, masters=(*keys.masters, masters))


def roll_issuer(
    public: CaissePublic,
    root: RootKeys,
    keys: ServiceKeys,
    *,
    now: datetime,
    step_max_cents: int | None = None,
    make_key: Callable[..., SigningKey] = SigningKey.generate,
) -> tuple[CaissePublic, ServiceKeys]:
    """Certify a new issuer under a number of its own, so that what the old one signed holds.

    `step_max_cents` is a new ceiling; without one the old ceiling stays.
    Raises DocumentError, and KeyStoreError when the root is another caisse's.
    """
    signer = root.signing_key(public.caisse)
    if signer.public.encoded != public.root:
        raise DocumentForeign("the root key of another caisse")
    trusted = PublicKey.from_bytes(public.root)
    held = [open_certificate(it, trusted, caisse=public.caisse) for it in public.certificates]
    issuers = [it for it in held if it.role is Role.ISSUER]
    if not issuers:
        raise KeyStoreError("no issuer was ever certified")
    last = max(issuers, key=lambda it: it.subject)
    issuer = make_key(caisse=public.caisse)
    certificate = Certificate(
        role=Role.ISSUER,
        subject=last.subject + 1,
        valid_from=now,
        valid_until=now + timedelta(days=CERTIFICATE_DAYS),
        public_key=issuer.public.encoded,
        step_max_cents=last.step_max_cents if step_max_cents is None else step_max_cents,
        counted_from=last.counted_from,
    )
    certificates = (*public.certificates, certify(signer, certificate).encoded)
    return replace(public, certificates=certificates), replace(keys, issuer=scalar_of(issuer))


def _refuse_too_many(held: int) -> None:
    if held >= MASTERS_MAX:
        raise KeyStoreError(f"{MASTERS_MAX} versions are held already")
