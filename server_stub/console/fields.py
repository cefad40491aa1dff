"""Fields that people fill in as they write: amounts in euros, months, what an address asks for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from cardkit.errors import AmountInvalid
from cardkit.money import format_cents, parse_amount
from server_stub.console.visit import Visit

_DIGITS_MAX = 18


class EurosField(forms.CharField):
    """An amount such as `25` or `12,50 €`, as cents."""

    def __init__(self, *, zero: bool = False, **told: Any) -> None:
        super().__init__(max_length=20, **told)
        self.zero = zero
        self.widget.attrs.update({"inputmode": "decimal", "autocomplete": "off"})

    def prepare_value(self, value: Any) -> Any:
        """Show cents as euros."""
        return format_cents(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        """Return cents; None where nothing is written and nothing has to be."""
        written = str(super().clean(value) or "").replace("\u00a0", "").replace("\u202f", "")
        written = written.replace(" ", "")
        if not written:
            return None
        if self.zero and written.rstrip("€").strip("0,.") == "":
            return 0
        try:
            return parse_amount(written)
        except AmountInvalid as error:
            raise forms.ValidationError(
                _("Écrivez un montant en euros, par exemple 25 ou 12,50.")
            ) from error


class MonthField(forms.TypedChoiceField):
    """One of a few months, by its first day."""

    def __init__(self, **told: Any) -> None:
        super().__init__(coerce=date.fromisoformat, **told)

    def offer(self, months: Iterable[date]) -> None:
        """Say which months can be chosen; the first one is."""
        self.choices = [(it.isoformat(), date_format(it, "F Y")) for it in months]


def number_in(visit: Visit, name: str) -> int | None:
    """Return a number that the address asks for, such as the row to go on after; None: none."""
    return as_number(visit.request.GET.get(name, ""))


def as_number(text: str) -> int | None:
    """Return a number that was sent; None where it is none that a row could have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None
