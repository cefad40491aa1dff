"""What is owed to whom, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from server_stub.console.words import RUN_STATES
from server_stub.services.amounts import euros
from server_stub.services.owed import OwedTo
from server_stub.services.settlement import Run


def owed_table(accounts: Iterable[OwedTo]) -> Iterator[str]:
    """Yield a table with a line for each merchant and one for all."""
    language = get_language() or "fr"
    rows = [(one.name, _amounts(one)) for one in accounts]
    if not rows:
        yield _("Aucun producteur.")
        return
    sums = [sum(column) for column in zip(*(amounts for _name, amounts in rows), strict=True)]
    lines = [*rows, (_("Total"), sums)]
    cells = [
        (_("Producteur"), _("Dû"), _("Retenu"), _("En attente")),
        *((name, *(euros(cents, language) for cents in amounts)) for name, amounts in lines),
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    for name, *amounts in cells:
        numbers = (text.rjust(width) for text, width in zip(amounts, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *numbers])


def runs_table(shown: Iterable[Run]) -> Iterator[str]:
    """Yield a line for each run: its name, how far it has come, whom and what it pays."""
    language = get_language() or "fr"
    for run in shown:
        state, paid = RUN_STATES[run.state.value], euros(run.sum_cents, language)
        merchants = ", ".join(str(line.merchant) for line in run.lines)
        yield f"{run.name}  {state}  {paid}  ({merchants})"


def _amounts(one: OwedTo) -> list[int]:
    account = one.account
    waiting_cents = account.waiting_cents + account.provisional_cents
    return [account.payable_cents, account.held_cents, waiting_cents]
