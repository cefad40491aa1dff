"""Letters by e-mail: each is handed to the mail server at most once, and else goes to the printer.

A letter is marked as handed over, in a transaction of its own, before the server is spoken to. So
whatever breaks in between, nobody gets the same mail twice: what may have been sent is not sent
again, and is printed instead.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.db.models import F, QuerySet

from cardkit.acts import ActKind
from server_stub.models import ActRow, Letter, LetterState
from server_stub.rules.letters import Part, as_text
from server_stub.services.caisse import Caisse
from server_stub.services.details import details_of
from server_stub.services.letter_facts import Known, is_moot, known
from server_stub.services.letters import goes_by_mail, write

logger = logging.getLogger(__name__)

A_RUN: Final = 50
"""Letters of one run: the jobs behind it wait."""
TRIES_MAX: Final = 3
"""How often a server that can't be reached is asked before letters are printed."""
_REFUSED: Final = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
    ValueError,
)
"""The server took nothing, or the address can't be written in a mail."""


@unique
class Trouble(StrEnum):
    """What kept a mail from leaving."""

    UNREACHABLE = "unreachable"
    """No server, or it did not let us in: nothing was handed over."""
    REFUSED = "refused"
    UNSURE = "unsure"
    """The line broke before the server answered: it may have been sent."""
    NO_ADDRESS = "no_address"


def send_due(caisse: Caisse) -> int:
    """Mail the letters that wait for it; returns how many the server took.

    To be called by one process at a time.
    """
    mails = Letter.objects.using(caisse.using)
    _to_paper(mails.filter(state=LetterState.MAILING), Trouble.UNSURE)
    waiting = mails.filter(state=LetterState.QUEUED, by_mail=True).order_by("id")
    restored_at = _restored_at(caisse)
    if restored_at is not None:  # what waited in the backup may have been mailed since
        _to_paper(waiting.filter(queued_at__lt=restored_at), Trouble.UNSURE)
    numbers = list(waiting.values_list("pk", flat=True)[:A_RUN])
    if not numbers or details_of(caisse) is None:
        return 0
    if not settings.MAIL_IS_SET_UP:
        waiting.update(by_mail=False)
        return 0
    books, server, sent = known(caisse), EmailBackend(timeout=settings.EMAIL_TIMEOUT), 0
    try:
        for number in numbers:
            server.open()  # once, and again after a line that broke
            sent += _send(caisse, books, server, number)
    except (smtplib.SMTPException, OSError) as error:
        logger.warning("mail server", extra={"trouble": type(error).__name__})
        _not_reached(caisse, numbers)
    finally:
        server.close()
    return sent


def _restored_at(caisse: Caisse) -> datetime | None:
    """Return when the service was last put back to a backup; None: never."""
    rows = ActRow.objects.using(caisse.using).filter(kind=ActKind.EPOCH_RAISED)
    return rows.order_by("-seq").values_list("at", flat=True).first()


def _send(caisse: Caisse, books: Known, server: EmailBackend, number: int) -> bool:
    """Hand one letter over, if it is still to be; says whether the server took it."""
    letter = _claimed(caisse, books, number)
    if letter is None:
        return False
    row = Letter.objects.using(caisse.using).filter(pk=number)
    try:
        server.send_messages([_message(caisse, books, letter)])
    except _REFUSED as error:
        _log(number, error)
        _to_paper(row, Trouble.REFUSED)
        return False
    except (smtplib.SMTPException, OSError) as error:
        _log(number, error)
        _to_paper(row, Trouble.UNSURE)
        server.connection = None
        return False
    row.update(state=LetterState.MAILED, done_at=caisse.now(), done_by=0, trouble="")
    return True


def _claimed(caisse: Caisse, books: Known, number: int) -> Letter | None:
    """Mark a letter as handed over before it is; None: there is nothing to hand over any more."""
    with caisse.alone():
        rows = Letter.objects.using(caisse.using).select_related("person__account")
        letter = rows.filter(pk=number, state=LetterState.QUEUED, by_mail=True).first()
        if letter is None:
            return None
        if is_moot(books, letter):
            letter.delete(using=caisse.using)
            return None
        if not goes_by_mail(letter.person):
            _to_paper(rows.filter(pk=number), Trouble.NO_ADDRESS)
            return None
        write(caisse, books, letter)
        letter.state = LetterState.MAILING
        letter.save(using=caisse.using)
        return letter


def _message(caisse: Caisse, books: Known, letter: Letter) -> EmailMessage:
    content = letter.content or {}
    details = books.details
    sender = settings.DEFAULT_FROM_EMAIL
    signed = f"{content['signed']}\n{details.name if details else ''}"
    body = as_text(
        tuple(Part(lines=tuple(it["lines"]), items=tuple(it["items"])) for it in content["body"])
    )
    return EmailMessage(
        subject=content["subject"],
        body=f"{body}\n\n{signed}\n",
        from_email=sender,
        to=[letter.person.email],
        reply_to=[details.email] if details and details.email else None,
        headers={
            "Message-ID": f"<letter-{letter.pk}.{caisse.name}@{sender.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def _not_reached(caisse: Caisse, numbers: list[int]) -> None:
    """Count a try in vain; who was tried often enough gets paper."""
    rows = Letter.objects.using(caisse.using).filter(
        pk__in=numbers, state=LetterState.QUEUED, by_mail=True
    )
    rows.update(tries=F("tries") + 1, trouble=Trouble.UNREACHABLE)
    rows.filter(tries__gte=TRIES_MAX).update(by_mail=False)


def _to_paper(rows: QuerySet[Letter], why: Trouble) -> None:
    rows.update(state=LetterState.QUEUED, by_mail=False, text=None, content=None, trouble=why)


def _log(number: int, error: Exception) -> None:
    logger.warning("mail", extra={"letter": number, "trouble": type(error).__name__})
