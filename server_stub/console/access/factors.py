"""How allauth keeps second factors here: encrypted, and called by names that people understand."""

from __future__ import annotations

import base64
import secrets
from functools import cache
from typing import Final

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

_PURPOSE: Final = b"clafoutis second factors"
_KEY_BYTES: Final = 32
_SECRET_BYTES: Final = 20


class Factors(DefaultMFAAdapter):  # type: ignore[misc]
    """What allauth asks of us; its own answers where we have no other."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("Ce n’est pas le bon code. Chaque code ne sert qu’une fois."),
        "cannot_generate_recovery_codes": _(
            "Des codes de secours ne servent qu’avec une clé d’accès ou une application."
        ),
    }

    def encrypt(self, text: str) -> str:
        """Encrypt a secret for the database: a copy of it alone opens nothing."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret; one that nobody knows where this server's key is not the one it had."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's
        """Return what a new passkey is called until its owner calls it something else."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return _now("Clé d’accès %(number)d") % {"number": count + 1}


@cache
def _cipher() -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derived.derive(str(settings.SECRET_KEY).encode())))
