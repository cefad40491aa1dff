"""The papers of a run by their names: what a trésorier and each creditor is given."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path

from server_stub.exports import bordereau, etat_liquidatif
from server_stub.exports.bordereau import Reasons
from server_stub.exports.paper import paper
from server_stub.exports.payout import Payout
from server_stub.exports.runs import Exported, Make, NoAccount, NotExported, export_paper
from server_stub.models import SettlementLine
from server_stub.services.caisse import Caisse


@unique
class PaperForm(StrEnum):
    """What is made of a run; those of a creditor are named after it as well."""

    ETAT = "etat-liquidatif"
    ETAT_PDF = "etat-liquidatif.pdf"
    BORDEREAU = "bordereau.csv"
    BORDEREAU_PDF = "bordereau.pdf"

    @property
    def of_one_creditor(self) -> bool:
        """Say whether it is about one creditor only."""
        return self in {PaperForm.BORDEREAU, PaperForm.BORDEREAU_PDF}

    def file_name(self, merchant: int | None) -> str:
        """Return what its file is called among the others of its run."""
        stem, _, ending = self.value.partition(".")
        number = "" if merchant is None else f"-{merchant}"
        return f"{stem}{number}.{ending or 'csv'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What papers say beside the run."""

    debtor_name: str
    """Who pays: the caisse, or the CCAS that carries it."""
    reasons: Reasons
    own: Path | None
    """The folder whose templates win over ours."""


def paper_of(
    caisse: Caisse,
    name: str,
    form: PaperForm,
    head: Letterhead,
    *,
    by: int,
    merchant: int | None = None,
) -> Exported | NotExported | NoAccount:
    """Return one paper of a run that was sent, always the same; raises PaperFailed."""
    kept_as = form.value if merchant is None else f"{form.value}/{merchant}"
    return export_paper(
        caisse, name, kept_as, _maker(form, head, merchant), by=by, merchant=merchant
    )


def papers_of(caisse: Caisse, name: str) -> list[tuple[PaperForm, int | None]]:
    """Return every paper of a run: what the trésorier is given, then what each creditor is."""
    lines = SettlementLine.objects.using(caisse.using).filter(settlement=name).order_by("merchant")
    payees = list(lines.values_list("merchant", flat=True))
    of_all = [form for form in PaperForm if not form.of_one_creditor and payees]
    of_each = [form for form in PaperForm if form.of_one_creditor]
    return [
        *((form, None) for form in of_all),
        *((form, merchant) for merchant in payees for form in of_each),
    ]


def _maker(form: PaperForm, head: Letterhead, merchant: int | None) -> Make:
    def make(payout: Payout) -> bytes:
        debtor, at = head.debtor_name, payout.approved_at
        if form is PaperForm.ETAT:
            return etat_liquidatif.etat_liquidatif(payout, debtor_name=debtor)
        if form is PaperForm.ETAT_PDF:
            data = etat_liquidatif.etat_data(payout, debtor_name=debtor)
            return paper(etat_liquidatif.TEMPLATE, data, at=at, own=head.own)
        number = merchant or 0
        if form is PaperForm.BORDEREAU:
            return bordereau.bordereau_csv(payout, number, debtor_name=debtor, reasons=head.reasons)
        data = bordereau.bordereau_data(payout, number, debtor_name=debtor, reasons=head.reasons)
        return paper(bordereau.TEMPLATE, data, at=at, own=head.own)

    return make
