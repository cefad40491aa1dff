"""Columns that Django has no name for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    _Bytes = models.BinaryField[bytes, bytes]
    _MaybeBytes = models.BinaryField[bytes | None, bytes | None]
else:
    _Bytes = _MaybeBytes = models.BinaryField


class BytesField(_Bytes):
    """Bytes that come back as bytes from every database, so that they compare and hash."""

    def from_db_value(self, value: bytes | memoryview | None, *_: object) -> bytes | None:
        """Return what the driver gave as bytes."""
        return None if value is None else bytes(value)


class MaybeBytesField(_MaybeBytes):
    """The same where there may be none; declare it with `null=True`."""

    def from_db_value(self, value: bytes | memoryview | None, *_: object) -> bytes | None:
        """Return what the driver gave as bytes."""
        return None if value is None else bytes(value)
