"""A file of a bank, in whichever of its two forms: CSV by a saved profile, or ISO 20022."""

from __future__ import annotations

from datetime import date

from server_stub.rules.bank_statement import (
    NotRead,
    Profile,
    Statement,
    StatementForm,
    Wrong,
    read_statement,
)
from server_stub.rules.camt053 import is_camt, read_camt


def read_file(content: bytes, profile: Profile, *, today: date) -> Statement | NotRead:
    """Read a whole file by what its bank's profile says, or say why nothing of it is taken.

    A camt.053 of the profile's account is read whatever the profile says of columns.
    """
    if is_camt(content):
        return read_camt(content, profile.account, today=today)
    if profile.form is StatementForm.CAMT:
        return NotRead(Wrong.NOT_XML)
    return read_statement(content, profile, today=today)
