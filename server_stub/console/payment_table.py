"""Lines of bank statements and late contributions, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from server_stub.console.payment_words import OUTCOMES, READING, WHY
from server_stub.services.amounts import euros
from server_stub.services.bank_statements import Look, NoProfile, OpenLine, Seen, Unread
from server_stub.services.late import Late

_LABEL_SHOWN = 60


def not_read(refusal: Unread) -> str:
    """Return why a statement is not read, and that nothing of it was kept."""
    if isinstance(refusal, NoProfile):
        return str(READING[refusal.name])
    said = str(READING[refusal.why.name])
    if refusal.words:
        said = f"« {refusal.words} » : {said}"
    if refusal.line is not None:
        said = _("Ligne %(line)s : %(said)s") % {"line": refusal.line, "said": said}
    return f"{said.rstrip('.')}. " + _("Rien n’a été enregistré.")


def look_table(look: Look, whose: Mapping[int, str]) -> Iterator[str]:
    """Yield a line for each line of a file, what it seems to be, and why."""
    for seen in look.seen:
        line = seen.line
        kept = _("déjà enregistrée")
        said = kept if seen.is_kept else proposal_words(seen, whose)
        label = f"{line.payer} {line.label} {line.reference}".strip()
        yield _row(str(line.line), line.day, line.amount_cents, label, said)
    if look.empty_lines:
        yield _("Lignes à 0 €, laissées : %(count)s") % {"count": look.empty_lines}
    if look.breaks:
        lines = ", ".join(str(it) for it in look.breaks[:10])
        yield _("Attention : le solde ne se suit pas à la ligne %(lines)s du fichier.") % {
            "lines": lines
        }


def open_table(lines: Iterable[OpenLine], whose: Mapping[int, str]) -> Iterator[str]:
    """Yield a line for each kept line that waits, what it seems to be, and why."""
    for one in lines:
        said = proposal_words(one, whose)
        yield _row(one.line.reference, one.line.day, one.line.amount_cents, one.label, said)


def proposal_words(of: Seen | OpenLine, whose: Mapping[int, str]) -> str:
    """Return what a line seems to be, and why."""
    proposal = of.proposal
    why = str(WHY[proposal.why.name])
    if proposal.outcome is None:
        return f"? ({why})"
    merchant = f"-M{proposal.merchant}" if proposal.merchant else ""
    facts = {
        "whose": whose.get(proposal.account, ""),
        "run": f"{proposal.settlement}{merchant}",
    }
    return f"→ {str(OUTCOMES[proposal.outcome.value]) % facts} ({why})"


def late_table(late: Iterable[Late], whose: Mapping[int, str]) -> Iterator[str]:
    """Yield a line for each account of which something is late, by its age in days."""
    heads = (_("Compte"), "≤ 30 j", "≤ 60 j", "≤ 90 j", "> 90 j", _("Total"))
    yield f"{heads[0]:<32}" + "".join(f"{it:>12}" for it in heads[1:])
    language = get_language() or "fr"
    for one in late:
        cells = [*one.by_age.values(), one.missing_cents]
        amounts = "".join(f"{euros(it, language):>12}" for it in cells)
        held = f"  {_('crédit suspendu')}" if one.is_withheld else ""
        yield f"{whose.get(one.account.pk, '')[:31]:<32}{amounts}{held}"


def _row(number: str, day: date, amount_cents: int, label: str, said: str) -> str:
    amount = euros(amount_cents)
    return f"{number:>8}  {day:%d/%m/%Y}  {amount:>14}  {label[:_LABEL_SHOWN]:<60}  {said}"
