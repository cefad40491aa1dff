"""Files and papers of a run that was sent: always the same under the same name."""

from __future__ import annotations

import logging
from datetime import date
from typing import Final

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse

from cardkit.errors import PaperFailed
from server_stub.console.downloads import download
from server_stub.console.fields import as_number
from server_stub.console.forms import DayField
from server_stub.console.payouts.words import NO_DAY, NO_DEBTOR, PAPER_FAILED
from server_stub.console.visit import Visit
from server_stub.console.words import BANK_REFUSALS, REASONS
from server_stub.exports.pain001 import PainVersion, payment_file
from server_stub.exports.papers import Letterhead, PaperForm, paper_of
from server_stub.exports.payout import Debtor, Payout
from server_stub.exports.runs import Exported, NoAccount, NotExported, export

logger = logging.getLogger(__name__)

_PAIN: Final = frozenset(version.value for version in PainVersion)
_PAPERS: Final = frozenset(form.value for form in PaperForm)
Made = Exported | NotExported | NoAccount


class Execution(forms.Form):
    """When the bank is to pay."""

    on = DayField()


def run_file(visit: Visit, run: str, kind: str) -> HttpResponse:
    """Hand out one file, or say why there is none."""
    if kind in _PAIN:
        form = Execution(visit.request.POST)
        if not settings.DEBTOR_IBAN:
            return visit.refused(str(NO_DEBTOR), "payout", run=run)
        if not form.is_valid():
            return visit.refused(str(NO_DAY), "payout", run=run)
        on = form.cleaned_data["on"]
        return _handed(visit, run, _payment(visit, run, kind, on), f"{run}-{kind}.xml")
    if kind not in _PAPERS:
        raise Http404
    paper = PaperForm(kind)
    merchant = as_number(visit.request.POST.get("merchant", ""))
    if paper.of_one_creditor != (merchant is not None):
        raise Http404
    name = f"{run}-{paper.file_name(merchant)}"
    try:
        made = paper_of(
            visit.caisse, run, paper, _letterhead(visit), by=visit.user, merchant=merchant
        )
    except PaperFailed as error:
        logger.error("a paper of a run was not made", extra={"run": run, "why": str(error)})
        return visit.refused(str(PAPER_FAILED), "payout", run=run)
    return _handed(visit, run, made, name)


def _payment(visit: Visit, run: str, kind: str, on: date) -> Made:
    debtor = Debtor(name=_name(visit), iban=settings.DEBTOR_IBAN, bic=settings.DEBTOR_BIC)

    def make(payout: Payout) -> bytes:
        return payment_file(payout, debtor, execution_date=on, version=PainVersion(kind))

    return export(visit.caisse, run, kind, make, by=visit.user)


def _handed(visit: Visit, run: str, made: Made, name: str) -> HttpResponse:
    if isinstance(made, Exported):
        return download(made.content, name)
    if isinstance(made, NoAccount):
        merchants = ", ".join(str(it) for it in made.merchants)
        words = str(BANK_REFUSALS["NO_ACCOUNT"]) % {"merchants": merchants}
    else:
        words = str(BANK_REFUSALS[made.name])
    if made is NotExported.NO_SUCH_RUN:
        return visit.refused(words, "payouts")
    return visit.refused(words, "payout", run=run)


def _letterhead(visit: Visit) -> Letterhead:
    own = settings.DATA_DIR / "papers"
    return Letterhead(debtor_name=_name(visit), reasons=REASONS, own=own)


def _name(visit: Visit) -> str:
    return str(settings.DEBTOR_NAME) or visit.caisse.name
