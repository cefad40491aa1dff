"""Forms on terminals: whom one sells for, the files of a stick, the digits of a forgotten PIN."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from server_stub.services.terminal_seen import Payee

FILES_MAX = 200
"""A stick of a month has a few; whoever has more sends them in two turns."""


class PayeesForm(forms.Form):
    """Whom a terminal sells for."""

    merchants = forms.TypedMultipleChoiceField(
        label=_("Producteurs"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choisissez au moins un producteur.")},
    )

    def __init__(self, payees: Iterable[Payee], *told: Any, **options: Any) -> None:
        super().__init__(*told, **options)
        field = self.fields["merchants"]
        if isinstance(field, forms.TypedMultipleChoiceField):
            field.choices = [(it.merchant.pk, _named(it)) for it in payees]


class LoanForm(PayeesForm):
    """For which day, and whom."""

    is_tomorrow = forms.TypedChoiceField(
        label=_("Jour"),
        choices=[("0", _("Aujourd’hui, jusqu’à minuit")), ("1", _("Demain, jusqu’à minuit"))],
        coerce=lambda sent: sent == "1",
        widget=forms.RadioSelect,
        initial="0",
    )

    def __init__(self, payees: Iterable[Payee], *told: Any, **options: Any) -> None:
        super().__init__(payees, *told, field_order=["is_tomorrow", "merchants"], **options)
        merchants = self.fields["merchants"]
        merchants.required = False
        merchants.help_text = gettext("Aucun coché : tous ceux qui ont une convention ce jour-là.")


class _Files(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class _FilesField(forms.FileField):
    """Each of several files, checked like one."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Return the files that were sent."""
        sent = data if isinstance(data, list) and data else [None]
        return [super(_FilesField, self).clean(it, initial) for it in sent]


class StickForm(forms.Form):
    """What a terminal left on a stick."""

    requests = _FilesField(
        label=_("Fichiers du terminal"),
        help_text=_("Sur la clé : CLAFOUTIS, le dossier de ce terminal, puis « requests ». Tous."),
        widget=_Files(attrs={"accept": ".cbor"}),
    )


def several(sent: Iterable[UploadedFile[Any]], *, bytes_max: int) -> list[tuple[str, bytes]]:
    """Return files in the order of their names, each cut where no request is that long."""
    named = sorted(sent, key=lambda it: it.name or "")[:FILES_MAX]
    return [(it.name or "", it.read(bytes_max + 1)) for it in named]


class PinForm(forms.Form):
    """What a terminal shows where the PIN is forgotten."""

    digits = forms.CharField(
        label=_("Les six chiffres affichés par le terminal"),
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


def _named(payee: Payee) -> str:
    name = f"{payee.merchant.name} (n° {payee.merchant.pk})"
    return name if payee.is_covered else f"{name}, {gettext('sans convention aujourd’hui')}"
