"""Forms of the pages about access."""

from __future__ import annotations

from typing import Any

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext_lazy as _

from server_stub.console.access.words import ROLES
from server_stub.console.forms import DayField
from server_stub.models import ConsoleRole, Merchant
from server_stub.services.caisse import Caisse
from server_stub.services.invitations import FULL_NAME_MAX, USERNAME_MAX, Wish


class RolesForm(forms.Form):
    """Roles with their days, for somebody who is here already."""

    roles = forms.MultipleChoiceField(
        label=_("Rôles"),
        choices=lambda: list(ROLES.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Cochez au moins un rôle.")},
    )
    merchant = forms.TypedChoiceField(
        label=_("Quel producteur"),
        help_text=_("Seulement pour le rôle de producteur : dont cette personne voit les ventes."),
        coerce=int,
        empty_value=None,
        required=False,
    )
    from_day = DayField(
        label=_("À partir du"), help_text=_("Vide : dès aujourd’hui."), required=False
    )
    until_day = DayField(
        label=_("Jusqu’au, ce jour non compris"),
        help_text=_("Vide : jusqu’à ce que quelqu’un y mette fin."),
        required=False,
    )

    def __init__(self, caisse: Caisse, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        shops = Merchant.objects.using(caisse.using).order_by("name").values_list("id", "name")
        choice = self.fields["merchant"]
        choice.choices = [("", "–"), *shops]  # type: ignore[attr-defined]

    def wishes(self) -> list[Wish]:
        """Return what was asked for."""
        data = self.cleaned_data
        return [
            Wish(
                role=ConsoleRole(role),
                merchant=data["merchant"] if role == ConsoleRole.MERCHANT else None,
                from_day=data["from_day"],
                until_day=data["until_day"],
            )
            for role in data["roles"]
        ]


class InviteForm(RolesForm):
    """Somebody new, and what they are to do here."""

    full_name = forms.CharField(
        label=_("Prénom et nom"), max_length=FULL_NAME_MAX, widget=forms.TextInput
    )
    username = forms.CharField(
        label=_("Nom pour entrer"),
        help_text=_("Court, sans espace, comme jeanne ou j.martin."),
        max_length=USERNAME_MAX,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off"}),
    )
    field_order = ("full_name", "username", "roles", "merchant", "from_day", "until_day")


class PasswordForm(forms.Form):
    """The password that somebody chooses with a link."""

    password = forms.CharField(
        label=_("Mot de passe"),
        help_text=_("Douze caractères au moins. Une phrase se retient mieux qu’un mot compliqué."),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("Le même, encore une fois"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, user: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._user = user

    def clean_password(self) -> str:
        """Refuse what is too short or too common."""
        password: str = self.cleaned_data["password"]
        validate_password(password, self._user)
        return password

    def clean_again(self) -> str:
        """Refuse a second one that differs from the first."""
        again: str = self.cleaned_data["again"]
        first = self.cleaned_data.get("password")
        if first is not None and again != first:
            raise forms.ValidationError(_("Les deux ne sont pas les mêmes."))
        return again


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey, with the words of this console."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["name"].label = _("Nom de la clé")
        self.fields["name"].help_text = _("Pour la reconnaître, comme « téléphone de Jeanne ».")
        alone = self.fields["passwordless"]
        alone.label = _("Entrer avec cette clé seule, sans mot de passe")
        alone.help_text = _("L’appareil demande alors un doigt, un visage ou son code.")
        alone.initial = True
