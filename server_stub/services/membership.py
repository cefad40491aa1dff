"""Whether an account is a member's: waiting, admitted, or left; what the log says, and no name."""

from __future__ import annotations

from datetime import date

from server_stub.models import Admission, Departure, Erasure, Person
from server_stub.services.caisse import Caisse


def is_waiting(caisse: Caisse, account_id: int) -> bool:
    """Say whether somebody applied for this account whom no wave has admitted.

    Accounts of nobody, such as those of a caisse that was tried out, wait for nothing. Who was
    forgotten while waiting is not admitted by it.
    """
    if Admission.objects.using(caisse.using).filter(account_id=account_id).exists():
        return False
    applied = Person.objects.using(caisse.using).filter(account_id=account_id).exists()
    return applied or Erasure.objects.using(caisse.using).filter(account_id=account_id).exists()


def left_from(caisse: Caisse, account_id: int) -> date | None:
    """Return the first month that an account has no part in; None: it has not left."""
    rows = Departure.objects.using(caisse.using).filter(account_id=account_id)
    return rows.values_list("from_month", flat=True).first()
