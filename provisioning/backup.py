"""A holder's keys on paper, and back: sealed by a passphrase, or by what k of n people know.

Every paper was opened once before it is handed out: a copy that nobody can open is no copy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cardkit.clock import business_date
from cardkit.errors import KeyStoreError, must
from cardkit.keyfiles import (
    Bundle,
    CaissePublic,
    RootKeys,
    ServiceKeys,
    WorkshopKeys,
    bundle_file,
    bundle_names,
    open_bundle,
    open_public,
    public_file,
    refuse_open_to_others,
)
from cardkit.signing import PublicKey
from provisioning.paper import code, paper
from provisioning.paper_text import PaperText, Part, code_text, read_paper, typed_lines
from provisioning.shares import Sharing, new_secret, split

KINDS: Final[dict[str, type[Bundle]]] = {
    kind.NAME: kind for kind in (RootKeys, ServiceKeys, WorkshopKeys)
}
_DAY: Final = "%d/%m/%Y"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """Papers as PDF, by the name of their file; the first seals, the others are one person's."""

    papers: dict[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A bundle that came back from paper."""

    public: CaissePublic
    bundle: Bundle = field(repr=False)


def backup(
    public: CaissePublic,
    bundle: Bundle,
    *,
    passphrase: bytes | None,
    sharing: Sharing | None,
    at: datetime,
) -> Backup:
    """Put one bundle on paper, sealed by its passphrase, or for people to open together.

    `passphrase` is not used when there is a sharing. Raises PaperFailed and KeyStoreError.
    """
    secret = passphrase if sharing is None else new_secret()
    if not secret:
        raise KeyStoreError(f"{bundle.NAME} lies open: a paper of it would too")
    sealed = bundle_file(bundle, caisse=public.caisse, passphrase=secret)
    sheet = sheet_of(public, sealed, sharing=sharing, at=at)
    papers = {f"{bundle.NAME}.pdf": paper("keys.typ", sheet, at=at)}
    words = [] if sharing is None else split(secret, sharing)
    for number, its in enumerate(words, 1):
        share = sheet | {"number": number, "words": its.split()}
        name = f"{bundle.NAME}-{number}-of-{len(words)}.pdf"
        papers[name] = paper("share.typ", share, at=at)
    return Backup(papers=papers)


def write_papers(made: Backup, directory: Path) -> list[Path]:
    """Leave papers in a directory of its owner's; raises KeyStoreError and overwrites nothing."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_open_to_others(directory)
    return [_write(directory / name, content) for name, content in made.papers.items()]


def restore(text: str, *, ask_secret: Callable[[str], bytes]) -> Restored:
    """Bring a bundle back from the text of its paper; raises KeyStoreError, DocumentError.

    `ask_secret` is asked for what opens the bundle of a name.
    """
    held: PaperText = read_paper(text)
    public = open_public(held.public)
    public.trust()
    name, caisse = bundle_names(held.bundle)
    if caisse != public.caisse or name not in KINDS:
        raise KeyStoreError(f"this is {name} of {caisse!r}, with what is public of another caisse")
    bundle = open_bundle(held.bundle, KINDS[name], caisse=caisse, passphrase=ask_secret(name))
    return Restored(public=public, bundle=bundle)


def sheet_of(
    public: CaissePublic, sealed: bytes, *, sharing: Sharing | None, at: datetime
) -> dict[str, object]:
    """Return what the paper of a sealed bundle says, for its template."""
    known = public_file(public)
    name, caisse = bundle_names(sealed)
    people = None if sharing is None else {"needed": sharing.needed, "people": sharing.people}
    return {
        "caisse": caisse,
        "bundle": name,
        "folder": name.partition(".")[0],
        "made": business_date(at).strftime(_DAY),
        "sharing": people,
        "root": PublicKey.from_bytes(public.root).digest.hex(),
        "bundle-code": code(code_text(Part.BUNDLE, sealed)),
        "public-code": code(code_text(Part.PUBLIC, known)),
        "bundle-lines": typed_lines(Part.BUNDLE, sealed),
        "public-lines": typed_lines(Part.PUBLIC, known),
    }


def _write(path: Path, content: bytes) -> Path:
    must(path.name != "", "a paper has a name")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise KeyStoreError(f"{path}: {error.strerror}") from error
    return path
