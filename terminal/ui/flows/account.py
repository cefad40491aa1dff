"""What the caisse owes a merchant, and how to reach somebody there."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from cardkit.clock import PARIS, business_date
from cardkit.sync import MerchantAccount
from terminal.held_words import held_reason
from terminal.ui.flows.asking import tell

if TYPE_CHECKING:
    from terminal.ui.app import TillApp


async def account(app: TillApp) -> None:
    """Show today, this week, what is sent, what waits, what is held and why, the last transfer."""
    _ = app.words.gettext
    situation, merchant = app.situation, app.selling.merchant
    if situation is None:
        return
    today = business_date(situation.now.at)
    monday = today - timedelta(days=today.weekday())
    week_cents = await app.do(lambda till: till.journal.sold_cents(merchant, monday, today))
    today_cents = await app.do(lambda till: till.journal.sold_cents(merchant, today, today))
    held = next((it for it in situation.accounts if it.merchant == merchant), None)
    lines = [
        _("Today {today} · this week {week}").format(
            today=app.words.euros(today_cents), week=app.words.euros(week_cents)
        ),
        _("To send: {amount} ({count})").format(
            count=situation.unsent_sales, amount=app.words.euros(situation.unsent_cents)
        ),
        *_caisse_lines(app, held, situation.answered_at),
    ]
    await tell(app, _("My account"), "\n".join(lines))


def _caisse_lines(
    app: TillApp, held: MerchantAccount | None, answered_at: datetime | None
) -> list[str]:
    _, euros = app.words.gettext, app.words.euros
    if held is None or answered_at is None:
        return [_("The caisse has said nothing yet: connect once.")]
    lines = [
        _("At the caisse on {day}:").format(day=app.words.day(answered_at)),
        _("will be paid to you: {amount}").format(amount=euros(held.payable_cents)),
    ]
    if held.waiting_cents:
        lines.append(_("waits for proof: {amount}").format(amount=euros(held.waiting_cents)))
    if held.held_cents:
        text = _("held: {amount} ({reasons})")
        reasons = ", ".join(held_reason(app.words, it) for it in held.held_reasons)
        reasons = reasons or _("ask the caisse")
        lines.append(text.format(amount=euros(held.held_cents), reasons=reasons))
    paid = held.last_payout
    if paid is not None:
        text = _("last transfer: {amount} on {day}, {reference}")
        day = _noon(paid.value_date)
        lines.append(
            text.format(
                amount=euros(paid.amount_cents),
                day=app.words.day(day).split(" ")[0],
                reference=paid.reference,
            )
        )
    return lines


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), PARIS)


async def call(app: TillApp) -> None:
    """Show what to read out on the telephone, and a code for who stands beside the screen."""
    from terminal.ui.code import CodePage  # noqa: PLC0415 - seldom asked, and its library is large

    _, situation = app.words.gettext, app.situation
    if situation is None:
        return
    lines = (
        _("Terminal {terminal} of {caisse}").format(
            terminal=situation.terminal, caisse=situation.caisse
        ),
        _("Entry {seq}, program {version}").format(
            seq=situation.head_seq, version=app.parts.software.version
        ),
        _("To send: {amount} ({count})").format(
            count=situation.unsent_sales, amount=app.words.euros(situation.unsent_cents)
        ),
    )
    fingerprint = await app.do(lambda till: till.journal.key_digest.hex()[:16])
    text = f"claf:{situation.caisse}:{situation.terminal}:{situation.head_seq}:{fingerprint}"
    text = text.upper()  # a code of capitals and digits is the smallest (ISO/IEC 18004, 7.4.4)
    await app.show(CodePage(_("Call the coordinator"), lines, text))
