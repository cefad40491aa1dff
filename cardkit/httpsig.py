"""HTTP message signatures (RFC 9421) with Content-Digest (RFC 9530), as requests carry them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from cardkit.errors import DocumentMalformed, SignatureInvalid
from cardkit.frozen import dataclass
from cardkit.signing import PublicKey, SigningKey
from cardkit.sync import CONTENT_TYPE, SIGNED_COMPONENTS

TAG: Final = "clafoutis"
_ALGORITHM: Final = algorithms.ECDSA_P256_SHA256
_ANY_CLOCK: Final = timedelta(days=36_500)
"""`created` is never a reason to refuse: a stall may believe it is 1970."""

FindKey = Callable[[str], PublicKey | None]


@dataclass
class _Message:
    """The three attributes that the library reads of a request."""

    method: str
    url: str
    headers: dict[str, str]


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> ec.EllipticCurvePrivateKey:  # noqa: ARG002 - the library names it
        """Return the one key that signs."""
        return self._key.key

    def resolve_public_key(self, key_id: str) -> ec.EllipticCurvePublicKey:  # noqa: ARG002 - the library names it
        """Return its public half."""
        return self._key.public.key


class _Found(HTTPSignatureKeyResolver):
    def __init__(self, find: FindKey) -> None:
        self._find = find

    def resolve_public_key(self, key_id: str) -> ec.EllipticCurvePublicKey:
        """Return the key that is registered under this id."""
        key = self._find(key_id)
        if key is None:
            raise SignatureInvalid(f"unknown key {key_id!r}")
        return key.key

    def resolve_private_key(self, key_id: str) -> ec.EllipticCurvePrivateKey:  # noqa: ARG002 - the library names it
        """Refuse: a verifier signs nothing."""
        raise SignatureInvalid("a verifier holds no private key")


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = _ANY_CLOCK
    require_created = False


def sign_post(
    url: str, body: bytes, *, key: SigningKey, key_id: str, created: datetime
) -> dict[str, str]:
    """Return the headers of a signed POST of CBOR."""
    message = _Message("POST", url, {"Content-Type": CONTENT_TYPE})
    signer: Any = HTTPMessageSigner(signature_algorithm=_ALGORITHM, key_resolver=_OneKey(key))
    signer.sign(
        message,
        key_id=key_id,
        created=created,
        tag=TAG,
        label=TAG,
        covered_component_ids=SIGNED_COMPONENTS,
        body=body,
    )
    return message.headers


def verify_post(url: str, headers: Mapping[str, str], body: bytes, *, find_key: FindKey) -> str:
    """Return the key id that signed a POST; raises SignatureInvalid or DocumentMalformed."""
    if headers.get("Content-Type") != CONTENT_TYPE:
        raise DocumentMalformed(f"expected {CONTENT_TYPE}")
    message = _Message("POST", url, dict(headers))
    verifier: Any = _Verifier(signature_algorithm=_ALGORITHM, key_resolver=_Found(find_key))
    try:
        results = verifier.verify(
            message,
            max_age=None,
            expect_tag=TAG,
            require_components=SIGNED_COMPONENTS,
            body=body,
        )
    except HTTPMessageSignaturesException as error:
        raise SignatureInvalid("wrong HTTP signature") from error
    key_id = results[0].parameters.get("keyid")
    if not isinstance(key_id, str):
        raise SignatureInvalid("no key id")
    return key_id
