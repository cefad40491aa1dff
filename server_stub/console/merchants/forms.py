"""Forms on merchants: who they are, what was signed, who acts for them, where they are paid."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from server_stub.console.forms import DayField
from server_stub.console.merchant_words import KINDS
from server_stub.services.convention_forms import Agreed

_KM_MAX = 2_000
_NAME_MAX = 70
_LINES_MAX = 20_000


class NewForm(forms.Form):
    """A merchant under its public name."""

    name = forms.CharField(
        label=_("Nom"),
        help_text=_("Comme sur l’étal : il est imprimé sur les tickets, et public."),
        max_length=_NAME_MAX,
    )
    kind = forms.ChoiceField(label=_("Genre"), choices=list(KINDS.items()))


class DetailsForm(forms.Form):
    """What stands at the head of papers."""

    siret = forms.CharField(
        label=_("SIRET"), help_text=_("14 chiffres. Vide : effacé."), max_length=20, required=False
    )
    address = forms.CharField(
        label=_("Adresse"),
        max_length=240,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ConventionForm(forms.Form):
    """What two people signed."""

    from_day = DayField(label=_("Premier jour"))
    last_day = DayField(label=_("Dernier jour, encore couvert"))
    signed_on = DayField(label=_("Signée le"))
    distance_km = forms.IntegerField(
        label=_("Distance par la route (km)"), min_value=0, max_value=_KM_MAX
    )
    categories = forms.CharField(
        label=_("Ce qui peut être vendu"),
        help_text=_(
            "Une catégorie par ligne. « Légumes » : tout, à la part habituelle. « Épicerie=70 » : "
            "70 % payés en allocation. « Épicerie=70: miel, confiture » : ces produits seulement."
        ),
        max_length=_LINES_MAX,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    exception_minutes = forms.CharField(
        label=_("Procès-verbal de l’exception"),
        help_text=_(
            "Seulement au-delà de la distance votée : « PV 2026-03 », par exemple. Sans nom."
        ),
        max_length=120,
        required=False,
    )
    replaces = forms.BooleanField(
        label=_("Remplace la convention en cours, qui finit la veille"), required=False
    )

    def agreed(self) -> Agreed:
        """Return what the form says."""
        told = self.cleaned_data
        return Agreed(
            from_day=told["from_day"],
            last_day=told["last_day"],
            signed_on=told["signed_on"],
            distance_km=told["distance_km"],
            categories=told["categories"],
            exception_minutes=told["exception_minutes"],
        )


class EndForm(forms.Form):
    """The last day that is still covered."""

    last_day = DayField(label=_("Dernier jour, encore couvert"))


class DeputyForm(forms.Form):
    """Somebody who may act for a merchant."""

    name = forms.CharField(label=_("Nom"), max_length=120)
    telephone = forms.CharField(
        label=_("Téléphone"),
        help_text=_("Où on rappelle, avant de donner un code ou de parler d’argent."),
        max_length=40,
        required=False,
    )
    last_day = DayField(
        label=_("Jusqu’au"), help_text=_("Vide : jusqu’à nouvel ordre."), required=False
    )

    def last(self) -> date | None:
        """Return the last day, where there is one."""
        day: Any = self.cleaned_data["last_day"]
        return day if isinstance(day, date) else None


class BankForm(forms.Form):
    """Where a merchant is paid."""

    iban = forms.CharField(
        label=_("IBAN"),
        help_text=_("Copié d’un relevé d’identité bancaire remis en main propre."),
        max_length=42,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    holder = forms.CharField(
        label=_("Titulaire"),
        help_text=_("Exactement comme sur le relevé : les banques comparent le nom."),
        max_length=70,
    )
