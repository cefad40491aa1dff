"""Forms on members' money."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cardkit.till_box import Means
from server_stub.console.contributions.words import MEANS
from server_stub.console.fields import EurosField
from server_stub.console.forms import DayField
from server_stub.services.bank_read import DAY_FORMAT_NAMES, ENCODING_NAMES
from server_stub.services.cash_count import VALUES_CENTS

PIECES_MAX = 99_999
CODE_MAX = 35


class TakeForm(forms.Form):
    """A payment by hand."""

    amount_cents = EurosField(label=_("Somme (€)"))
    means = forms.TypedChoiceField(
        label=_("Moyen"), coerce=lambda it: Means(int(it)), widget=forms.RadioSelect
    )
    day = DayField(label=_("Le"))
    reference = forms.CharField(
        label=_("Référence du virement"),
        help_text=_("Pour un virement seulement : le numéro de la banque, jamais un nom."),
        max_length=CODE_MAX,
        required=False,
    )
    number = forms.IntegerField(
        label=_("Numéro du carnet à souche"),
        help_text=_("Seulement si la quittance est déjà écrite à la main."),
        min_value=1,
        max_value=10**9,
        required=False,
    )

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        offered = (Means.CASH, Means.CHEQUE, Means.TRANSFER)
        self.fields["means"].choices = [(int(it), MEANS[int(it)]) for it in offered]  # type: ignore[attr-defined]


class CountForm(forms.Form):
    """How many of each note and coin lie in the box."""

    def __init__(self, *args: Any, **told: Any) -> None:
        super().__init__(*args, **told)
        for cents in VALUES_CENTS:
            name = f"{cents // 100} €" if cents >= 100 else f"{cents} c"
            self.fields[str(cents)] = forms.IntegerField(
                label=name, min_value=0, max_value=PIECES_MAX, required=False
            )

    def pieces(self) -> dict[int, int]:
        """Return how many there are of each value in cents; only of a form that is valid."""
        return {int(name): count or 0 for name, count in self.cleaned_data.items()}


class DepositForm(forms.Form):
    """What is handed in to the bank, or to the trésorier."""

    what = forms.ChoiceField(
        label=_("Ce qui est versé"),
        choices=[("cash", _("des espèces")), ("cheques", _("tous les chèques"))],
        widget=forms.RadioSelect,
        initial="cash",
    )
    amount_cents = EurosField(
        label=_("Somme en espèces (€)"), help_text=_("Vide : tout."), required=False
    )
    reference = forms.CharField(label=_("Numéro du bordereau"), max_length=CODE_MAX)
    day = DayField(label=_("Le"))


class StatementForm(forms.Form):
    """A bank's file, and how to read it."""

    profile = forms.ChoiceField(label=_("Banque"))
    file = forms.FileField(label=_("Relevé : CSV, ou camt.053 (XML)"))

    def __init__(self, *args: Any, names: list[str], **told: Any) -> None:
        super().__init__(*args, **told)
        self.fields["profile"].choices = [(it, it) for it in names]  # type: ignore[attr-defined]


class SampleForm(forms.Form):
    """A file of a bank that has no profile yet."""

    file = forms.FileField(label=_("Un relevé de cette banque : CSV, ou camt.053 (XML)"))


class ProfileForm(forms.Form):
    """What a bank's statements look like."""

    name = forms.CharField(label=_("Nom de la banque"), max_length=40)
    account = forms.CharField(
        label=_("IBAN ou numéro de compte"),
        help_text=_("Tel qu’il est écrit dans le fichier ; vide si le fichier ne le dit pas."),
        max_length=60,
        required=False,
    )
    encoding = forms.ChoiceField(label=_("Encodage"), choices=[(it, it) for it in ENCODING_NAMES])
    delimiter = forms.ChoiceField(
        label=_("Séparateur"),
        choices=[(";", ";"), (",", ","), ("tab", _("tabulation")), ("|", "|")],
    )
    heading = forms.IntegerField(label=_("Ligne des titres de colonnes"), min_value=1, max_value=40)
    skip_last = forms.IntegerField(
        label=_("Lignes à laisser à la fin"), min_value=0, max_value=40, initial=0
    )
    day_format = forms.ChoiceField(
        label=_("Dates écrites"), choices=[(it, it) for it in DAY_FORMAT_NAMES]
    )
    decimal_mark = forms.ChoiceField(
        label=_("Signe décimal"), choices=[(",", "12,50"), (".", "12.50")]
    )


class ProfileColumnsForm(forms.Form):
    """Which column of a bank's file is what."""

    def __init__(self, *args: Any, heading: tuple[str, ...], **told: Any) -> None:
        super().__init__(*args, **told)
        columns = [(it, it) for it in dict.fromkeys(heading) if it]
        for name, words, is_needed in (
            ("day", _("Date de valeur"), True),
            ("label", _("Libellé"), True),
            ("label_2", _("Suite du libellé"), False),
            ("amount", _("Montant signé"), False),
            ("debit", _("Débit"), False),
            ("credit", _("Crédit"), False),
            ("payer", _("Payeur"), False),
            ("reference", _("Référence"), False),
            ("balance", _("Solde"), False),
            ("account_column", _("Compte, s’il est sur chaque ligne"), False),
        ):
            self.fields[name] = forms.ChoiceField(
                label=str(words), choices=[("", "–"), *columns], required=is_needed
            )


class BackForm(forms.Form):
    """The payment that a line takes back."""

    reference = forms.CharField(
        label=_("Quittance ou référence de l’encaissement"), max_length=CODE_MAX
    )


def month_of(text: str, months: tuple[date, ...]) -> date:
    """Return the month that was asked for; the first of them where it is none of them."""
    return next((it for it in months if it.isoformat() == text), months[0])
