"""Every exception of the project that means trouble in the world, in one tree.

ClafoutisError
├── AmountInvalid            what was typed is no amount of money
├── CardError
│   ├── CardLost             the card left the field, or nobody can say what it answered
│   ├── CardRefused          the card answered with an error status (named in cardkit.card.apdu)
│   ├── CardAnswerInvalid    the answer is malformed or its MAC is wrong
│   ├── CardForeign          the card does not carry our application, or not our keys
│   ├── CardCollision        more than one card lies in the field
│   └── CardNotIssuable      no blank card of a kind that we issue
├── ReaderError
│   ├── ReaderMissing        no such reader, or its driver is not there
│   ├── ReaderLost           it was there and is gone
│   ├── ReaderBusy           another program holds it
│   └── ReaderForbidden      it is there, and this user may not use it
├── PrinterError             a receipt was not printed; the sale stands as it stood
│   ├── PrinterMissing       no such printer, or it is not plugged in
│   ├── PrinterBusy          another program holds it
│   ├── PrinterForbidden     it is there, and this user may not use it
│   ├── PrinterOutOfPaper    it says so itself; many never say
│   └── PrinterUnreachable   it does not answer, or was unplugged while it printed
├── DocumentError            bytes that are not a document we may use
│   ├── DocumentMalformed    not canonical CBOR, wrong type, out of bounds
│   │   └── DocumentAboveCeiling  more credit than the root lets its issuer give
│   ├── SignatureInvalid     not signed by the key it names, or by one we do not trust
│   ├── DocumentForeign      another caisse, another terminal, another content type
│   ├── DocumentExpired      outside its dates
│   └── DocumentRolledBack   older than what is already held
├── JournalError
│   ├── JournalDamaged       the chain does not verify
│   ├── JournalStopped       an fsync failed or the disk is full: nothing may be sold
│   ├── JournalLocked        another process has it open
│   └── AlreadyPaired        there is one where a new one was to begin
├── StoreError               the small documents or the directory can't be read or written
│   └── NotPaired            there are none yet: nobody made this a terminal
├── SyncError
│   ├── ServerUnreachable    no answer
│   ├── ServerRefused        an answer that says no
│   └── AnswerInvalid        an answer that can't be trusted
├── StickError               a USB stick can't be used (any more); what is here stays here
│   ├── StickGone            it was pulled out, or is broken
│   ├── StickFull            there is no room left on it
│   └── StickReadOnly        it takes nothing: a switch on its side, or a damaged file system
├── BackupFailed             no complete copy of the books was made
├── PaperFailed              no PDF was made: its template is wrong, or there is no room
└── KeyStoreError            a key file is missing, damaged or needs another passphrase

A mistake of ours is none of these: `must()` raises `Bug`, which nothing catches.
"""

from __future__ import annotations

from cardkit.card.kinds import CardKind


class Bug(Exception):
    """An invariant of ours is broken; the program has to stop, also under `python -O`."""


def must(condition: bool, invariant: str) -> None:
    """Raise `Bug` unless the invariant holds."""
    if not condition:
        raise Bug(invariant)


class ClafoutisError(Exception):
    """Root of every error that the world, and not our code, is the cause of."""


class AmountInvalid(ClafoutisError):
    """The text is no amount of money that can be sold; `reason` says why."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r}: {reason}")
        self.text = text
        self.reason = reason


class CardError(ClafoutisError):
    """Something went wrong between reader and card."""


class CardLost(CardError):
    """The card left the field, or its answer did: what it executed is unknown."""


class CardRefused(CardError):
    """The card answered a command with an error status word."""


class CardAnswerInvalid(CardError):
    """An answer is malformed, or its MAC is wrong."""


class CardForeign(CardError):
    """The card does not carry our application, or does not answer to our keys.

    `kind` is what it seems to be; only the words on a screen depend on it.
    """

    def __init__(self, reason: str, kind: CardKind = CardKind.UNKNOWN) -> None:
        super().__init__(reason)
        self.kind = kind


class CardCollision(CardError):
    """More than one card lies in the field, and nobody can say which was meant."""


class CardNotIssuable(CardError):
    """The card is no blank one, is of another kind, or did not become what the layout says."""


class ReaderError(ClafoutisError):
    """Something went wrong between this computer and its reader."""


class ReaderMissing(ReaderError):
    """There is no such reader, or its driver is not installed."""


class ReaderLost(ReaderError):
    """The reader was there and is gone."""


class ReaderBusy(ReaderError):
    """Another program holds the reader."""


class ReaderForbidden(ReaderError):
    """The system refuses the reader to this user: polkit, or the rights of its device file."""


class PrinterError(ClafoutisError):
    """A receipt was not printed, or not wholly; no sale depends on it."""


class PrinterMissing(PrinterError):
    """There is no such printer, or it is not plugged in."""


class PrinterBusy(PrinterError):
    """Another program holds the printer."""


class PrinterForbidden(PrinterError):
    """The system refuses the printer to this user: the rights of its device file."""


class PrinterOutOfPaper(PrinterError):
    """The printer says that it has no paper."""


class PrinterUnreachable(PrinterError):
    """The printer does not answer, or went away: what it printed of the receipt is unknown."""


class DocumentError(ClafoutisError):
    """Bytes that are not a document we may use."""


class DocumentMalformed(DocumentError):
    """The bytes are not canonical CBOR of the expected shape, or a value is out of bounds."""


class DocumentAboveCeiling(DocumentMalformed):
    """An allowance gives more than the root lets its issuer give."""


class SignatureInvalid(DocumentError):
    """The document is not signed by the key it names, or names a key without that right."""


class DocumentForeign(DocumentError):
    """The document belongs to another caisse, another holder or another content type."""


class DocumentExpired(DocumentError):
    """The document is outside its dates."""


class DocumentRolledBack(DocumentError):
    """The document is older than the one already held."""


class JournalError(ClafoutisError):
    """The journal can't be used."""


class JournalDamaged(JournalError):
    """The stored chain does not verify; `seq` is the first entry in doubt."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"entry {seq}: {reason}")
        self.seq = seq
        self.reason = reason


class JournalStopped(JournalError):
    """A write did not reach the disk: nothing may be sold until the journal is reopened."""


class JournalLocked(JournalError):
    """Another process has the journal open."""


class AlreadyPaired(JournalError):
    """The data directory belongs to a terminal, which is never overwritten."""


class StoreError(ClafoutisError):
    """The terminal's documents or directory can't be read or written."""


class NotPaired(StoreError):
    """The data directory belongs to no terminal yet."""


class SyncError(ClafoutisError):
    """The exchange with the service failed; entries stay where they are."""


class ServerUnreachable(SyncError):
    """The service gave no answer."""


class ServerRefused(SyncError):
    """The service answered with a refusal; `status` is the HTTP status code."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"HTTP {status}: {reason}")
        self.status = status
        self.reason = reason


class AnswerInvalid(SyncError):
    """The service's answer can't be trusted."""


class StickError(ClafoutisError):
    """A USB stick can't be used (any more); nothing is lost that is not on it alone."""


class StickGone(StickError):
    """The stick was pulled out, or does not answer."""


class StickFull(StickError):
    """There is no room left on the stick."""


class StickReadOnly(StickError):
    """The stick takes nothing."""


class BackupFailed(ClafoutisError):
    """No complete copy of the books was made, so nothing that needs one may happen."""


class PaperFailed(ClafoutisError):
    """No PDF was made: its template is wrong, or there is no room."""


class KeyStoreError(ClafoutisError):
    """A key file is missing, damaged, too widely readable, or needs another passphrase."""
