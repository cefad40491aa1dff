"""One number for all that a service's database holds, to see that two lives are the same.

Django has to be prepared before this module is imported.
"""

from __future__ import annotations

import hashlib

from django.apps import apps
from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, QuerySet

from server_stub.services.caisse import Caisse

APP = "clafoutis"


def digest_of(caisse: Caisse) -> str:
    """Return the SHA-256 of every row of every table of the service, in hex."""
    whole = hashlib.sha256()
    for model in sorted(apps.get_app_config(APP).get_models(), key=lambda it: it.__name__):
        names = [column.attname for column in model._meta.concrete_fields]  # noqa: SLF001 - public in all but name
        rows: QuerySet[Model, tuple[object, ...]] = (
            QuerySet(model, using=caisse.using).order_by("pk").values_list(*names)
        )
        whole.update(f"{model.__name__} {names}\n".encode())
        for row in rows.iterator():
            whole.update(repr([_plain(value) for value in row]).encode() + b"\n")
    return whole.hexdigest()


def is_empty(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether nothing was ever kept in the service's tables, nor anybody let in."""
    models: list[type[Model]] = [*apps.get_app_config(APP).get_models(), User]
    return not any(QuerySet(it, using=using).exists() for it in models)


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
