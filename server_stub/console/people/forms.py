"""Forms on members: no income, no document and no birthday is asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from server_stub.console.fields import EurosField, MonthField
from server_stub.console.forms import DayField
from server_stub.console.people.words import CARD_IS, COLUMNS, ROLES

PLACES_MAX = 1_500
PERSONS_MAX = 50
SEED_MAX = 120


class ContactForm(forms.Form):
    """How somebody is called and reached."""

    name = forms.CharField(label=_("Nom et prénom"), max_length=120)
    address = forms.CharField(label=_("Adresse"), max_length=240, required=False)
    telephone = forms.CharField(label=_("Téléphone"), max_length=40, required=False)
    email = forms.EmailField(label=_("Courriel"), max_length=254, required=False)


class WishForm(forms.Form):
    """What somebody would like to pay."""

    monthly_cents = EurosField(
        label=_("Cotisation souhaitée (€ par mois)"),
        help_text=_("Laissez vide si la personne ne sait pas encore."),
        required=False,
    )
    persons = forms.IntegerField(
        label=_("Personnes du foyer"), min_value=1, max_value=PERSONS_MAX, initial=1
    )


class EditForm(ContactForm, WishForm):
    """Who somebody is, changed, and what they would like to pay while they promise nothing."""

    field_order = (*ContactForm.base_fields, *WishForm.base_fields)


class ApplicationForm(ContactForm, WishForm):
    """Somebody who asks to become a member."""

    field_order = (*ContactForm.base_fields, "applied_on", *WishForm.base_fields, "helper")
    applied_on = DayField(label=_("Date de la demande"))
    helper = forms.CharField(
        label=_("Quelqu’un parle pour cette personne ?"),
        help_text=_("Tuteur, proche, aide, interprète : son nom. Vide sinon."),
        max_length=120,
        required=False,
    )


class HelperForm(forms.Form):
    """Somebody through whom a member is reached."""

    name = forms.CharField(label=_("Nom et prénom"), max_length=120)
    role = forms.ChoiceField(label=_("Qui est-ce ?"))
    telephone = forms.CharField(label=_("Téléphone"), max_length=40, required=False)
    email = forms.EmailField(label=_("Courriel"), max_length=254, required=False)

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["role"].choices = [(it.value, words) for it, words in ROLES.items()]  # type: ignore[attr-defined]


class PromiseForm(forms.Form):
    """A promise of a monthly contribution."""

    monthly_cents = EurosField(label=_("Cotisation (€ par mois)"))
    first_month = MonthField(label=_("À partir de"))
    persons = forms.IntegerField(
        label=_("Personnes du foyer"), min_value=1, max_value=PERSONS_MAX, initial=1
    )

    def __init__(self, *args: Any, months: tuple[date, ...], **told: Any) -> None:
        super().__init__(*args, **told)
        _months(self, "first_month", months)


class RenewForm(forms.Form):
    """A promise that goes on."""

    monthly_cents = EurosField(label=_("Cotisation (€ par mois)"))
    persons = forms.IntegerField(
        label=_("Personnes du foyer"), min_value=1, max_value=PERSONS_MAX, initial=1
    )


class ChangeForm(forms.Form):
    """What the caisse alone changes before the end of a promise; one thing at a time."""

    kind = forms.ChoiceField(
        label=_("Ce qui change"),
        choices=[
            ("lower", _("Coup dur : la cotisation baisse, l’allocation reste")),
            ("month_off", _("Un mois de pause : ni cotisation ni allocation ce mois-là")),
            ("persons", _("Le foyer change : l’allocation suit, si c’est voté")),
        ],
        widget=forms.RadioSelect,
        initial="lower",
    )
    month = MonthField(label=_("À partir de (ou le mois de pause)"))
    monthly_cents = EurosField(
        label=_("Nouvelle cotisation, si elle baisse (€ par mois, 0 possible)"),
        required=False,
        zero=True,
    )
    persons = forms.IntegerField(
        label=_("Personnes du foyer, si c’est ce qui change"),
        min_value=1,
        max_value=PERSONS_MAX,
        required=False,
    )

    def __init__(self, *args: Any, months: tuple[date, ...], **told: Any) -> None:
        super().__init__(*args, **told)
        _months(self, "month", months)

    def clean(self) -> dict[str, Any]:
        """Ask for the number that goes with what changes."""
        told: dict[str, Any] = super().clean() or {}
        if told.get("kind") == "lower" and told.get("monthly_cents") is None:
            self.add_error("monthly_cents", _("Indiquez la nouvelle cotisation."))
        if told.get("kind") == "persons" and not told.get("persons"):
            self.add_error("persons", _("Indiquez combien de personnes compte le foyer."))
        return told


class LeaveForm(forms.Form):
    """Where a leaver's card is."""

    card = forms.ChoiceField(label=_("La carte"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["card"].choices = [(it.value, words) for it, words in CARD_IS.items()]  # type: ignore[attr-defined]


class WaveForm(forms.Form):
    """How many are admitted; with the seed of a draw, where that is the voted order."""

    places = forms.IntegerField(label=_("Nombre de places"), min_value=1, max_value=PLACES_MAX)
    seed = forms.CharField(
        label=_("Graine du tirage"),
        help_text=_("Le hasard public que vous avez annoncé avant, à la lettre près."),
        max_length=SEED_MAX,
        required=False,
        strip=False,
    )


class FirstMonthForm(forms.Form):
    """The month that promises begin with."""

    first_month = MonthField(label=_("À partir de"))

    def __init__(self, *args: Any, months: tuple[date, ...], **told: Any) -> None:
        super().__init__(*args, **told)
        _months(self, "first_month", months)


class FileForm(forms.Form):
    """A list to import."""

    file = forms.FileField(label=_("Fichier CSV"))


class ColumnsForm(forms.Form):
    """Which column of a list is what."""

    def __init__(self, *args: Any, heading: tuple[str, ...], **told: Any) -> None:
        super().__init__(*args, **told)
        places = [(str(place), words or str(place + 1)) for place, words in enumerate(heading)]
        for column, words in COLUMNS.items():
            self.fields[column] = forms.ChoiceField(
                label=str(words), choices=[("", "–"), *places], required=False
            )
        self.fields["namesakes_too"] = forms.BooleanField(
            label=_("Importer aussi les homonymes : ce sont d’autres personnes"), required=False
        )

    def columns(self) -> dict[str, int]:
        """Return where each column is, from 0; only of a form that is valid."""
        told = self.cleaned_data
        return {column: int(told[column]) for column in COLUMNS if told[column]}


def _months(form: forms.Form, name: str, months: tuple[date, ...]) -> None:
    field = form.fields[name]
    assert isinstance(field, MonthField)  # noqa: S101 - what the class says, for the type checker
    field.offer(months)
