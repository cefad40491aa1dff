"""Django's settings, from the environment; nothing is written by importing them.

CLAFOUTIS_SERVER_DATA   directory of the database and keys; /var/lib/clafoutis or ./var/server
CLAFOUTIS_DEBTOR_NAME, CLAFOUTIS_DEBTOR_IBAN, CLAFOUTIS_DEBTOR_BIC  who pays merchants
CLAFOUTIS_HOSTS         host names that the service answers to, separated by commas
CLAFOUTIS_OPERATOR_TOKEN  what /readyz and /metrics ask of whoever is not on this machine
CLAFOUTIS_HTTPS         1: only over https (the default unless every host is local)
CLAFOUTIS_SMTP_URL      smtp://user:password@host:587?from=caisse@…; without it, no mail is sent
DATABASE_URL            postgresql://user:password@host:port/name; without it, SQLite
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.utils.functional import SimpleLazyObject

from server_stub.database import database
from server_stub.log_lines import LOGGED
from server_stub.mail_settings import VARIABLE as SMTP_URL
from server_stub.mail_settings import mail_server

BASE_DIR = Path(__file__).resolve().parent


def _data_dir() -> Path:
    chosen = os.environ.get("CLAFOUTIS_SERVER_DATA")
    if chosen:
        return Path(chosen)
    return Path("/var/lib/clafoutis") if os.geteuid() == 0 else Path("var/server")


def _secret_key() -> str:
    """Read the key of sessions and forms; the first start makes it."""
    path = DATA_DIR / "secret.key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text("ascii")


DATA_DIR = _data_dir()
DEBTOR_NAME = os.environ.get("CLAFOUTIS_DEBTOR_NAME", "")
DEBTOR_IBAN = os.environ.get("CLAFOUTIS_DEBTOR_IBAN", "")
DEBTOR_BIC = os.environ.get("CLAFOUTIS_DEBTOR_BIC", "")
"""Who pays merchants, and from which account, as bank files and papers of a payout say it."""
KEY_DIR = Path(os.environ.get("CLAFOUTIS_SERVER_KEYS") or DATA_DIR / "keys")
SECRET_KEY = SimpleLazyObject(_secret_key)
DEBUG = False
ALLOWED_HOSTS = os.environ.get("CLAFOUTIS_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
HTTPS = os.environ.get("CLAFOUTIS_HTTPS", "0" if set(ALLOWED_HOSTS) <= _LOCAL else "1") == "1"

ALLOWED_HOSTS += [host for host in sorted(_LOCAL) if host not in ALLOWED_HOSTS]
"""Whoever asks from this machine how the service is needs no other name."""
OPERATOR_TOKEN = os.environ.get("CLAFOUTIS_OPERATOR_TOKEN", "")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "server_stub.apps.ServiceConfig",
]
MIDDLEWARE = [
    "server_stub.request_log.logged",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "server_stub.web.strict_headers",
    "server_stub.web.Patience",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "server_stub.urls"
WSGI_APPLICATION = "server_stub.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "console" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
FORM_RENDERER = "server_stub.console.forms.Renderer"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
MESSAGE_TAGS = {40: "bad", 25: "good"}
"""`messages.ERROR` and `messages.SUCCESS`: how what was said looks."""

DATABASES = {"default": database(os.environ.get("DATABASE_URL"), DATA_DIR)}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "clafoutis_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
"""Nothing is remembered by one process that another would have to know; the table is a model."""

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "console"
LOGOUT_REDIRECT_URL = "account_login"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "server_stub.passwords.Argon2",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
"""The first makes new ones; whoever enters with an older kind is given a new one."""
ACCOUNT_ADAPTER = "server_stub.console.access.door.Door"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
"""A browser that is closed has forgotten."""
ACCOUNT_REAUTHENTICATION_TIMEOUT = 10 * 60
ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",
    "login_failed": "5/5m/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
}
"""Behind a proxy everybody has one address: nothing that one stranger does stops the others."""
MFA_ADAPTER = "server_stub.console.access.factors.Factors"
MFA_FORMS = {"add_webauthn": "server_stub.console.access.forms.PasskeyForm"}
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Clafoutis"
MFA_TOTP_TOLERANCE = 1
"""A telephone's clock may be half a minute wrong."""
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RATE_LIMITS = {"webauthn_login": "120/m/ip"}
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 8 * 3600
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 180 * 24 * 3600 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"

DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
"""The bound of every body, as of every CBOR value; forms are far smaller."""

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Paris"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "console" / "static"]
STATIC_DIR = DATA_DIR / "static"
"""Where `clafoutis-server run` writes them under hashed names before it serves."""
_COLLECTED = (STATIC_DIR / "staticfiles.json").exists()
STATIC_ROOT = STATIC_DIR if _COLLECTED else None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not _COLLECTED
WHITENOISE_AUTOREFRESH = False

_MAIL = mail_server(os.environ.get(SMTP_URL))
MAIL_IS_SET_UP = bool(_MAIL.host)
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.starts_tls, _MAIL.is_tls
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _MAIL.sender

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING = LOGGED
