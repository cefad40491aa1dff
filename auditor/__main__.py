"""`clafoutis-audit`: checks what a caisse or a terminal hands out, on any computer."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from auditor.archive import words
from auditor.archive.chain import Anchor
from auditor.archive.check import check_archive
from auditor.archive.package import read_package
from auditor.audit import Report, audit
from auditor.export import NotAnExport, read_export
from cardkit.money import format_cents

_EXPORT: Final = "export"
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_BASE32: Final = re.compile(r"[A-Za-z2-7]{8,52}")
CLEAN, FOUND, UNREADABLE = 0, 1, 2
_FRENCH: Final = {
    "read": "{entries} écritures, {acts} actes, {sales} ventes",
    "verified": "{verified} ventes prouvées ici, par une clé publiée ; {unverified} pas encore",
    "clean": "Les comptes sont exactement ce que les signatures donnent : {owed} € dus.",
    "found": "{count} différences :",
    "pin": "Clé racine : {root} (comparez-la avec celle que la caisse a publiée)",
}
_ENGLISH: Final = {
    "read": "{entries} entries, {acts} acts, {sales} sales",
    "verified": "{verified} sales proven here, by a published key; {unverified} not yet",
    "clean": "The books are exactly what the signatures come to: {owed} € owed.",
    "found": "{count} differences:",
    "pin": "Root key: {root} (compare it with the one that the caisse has published)",
}


def _digest(_context: click.Context, _option: click.Parameter, value: str | None) -> bytes | None:
    if value is None:
        return None
    try:
        return bytes.fromhex(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no hex") from error


def _anchors(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[Anchor, ...]:
    found = []
    for value in values:
        number, colon, digest = value.partition(":")
        is_hex, is_short = bool(_HEX.fullmatch(digest)), bool(_BASE32.fullmatch(digest))
        if not colon or not _NUMBER.fullmatch(number) or not (is_hex or is_short):
            raise click.BadParameter(f"{value!r} is no SEQ:SIGNATURE")
        found.append(Anchor(int(number), digest))
    return tuple(found)


class _ExportByItself(click.Group):
    """Takes what is no command for an export, so that a file is all that has to be named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command before a file, or before its options."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_EXPORT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ExportByItself, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Check an export of a caisse (the command may be left out), or an archive of a terminal."""


_root_option = click.option(
    "--root", callback=_digest, metavar="HEX", help="SHA-256 of the root key you know."
)
_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
_language_option = click.option(
    "--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True
)


@main.command(name="archive")
@click.argument(
    "path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@_root_option
@click.option(
    "--head",
    "anchors",
    callback=_anchors,
    multiple=True,
    metavar="SEQ:SIGNATURE",
    help="What a ticket shows as its signature, or what the caisse holds.",
)
@_json_option
@_language_option
def archive_command(
    *, path: Path, root: bytes | None, anchors: tuple[Anchor, ...], as_json: bool, language: str
) -> None:
    """Check a fiscal archive of a terminal, with public keys alone.

    Exit status 0: all is right; 1: something is wrong; 2: not an archive.
    """
    try:
        package = read_package(path)
    except NotAnExport as error:
        click.echo(f"clafoutis-audit: {error}", err=True)
        sys.exit(UNREADABLE)
    report = check_archive(package, root=root, anchors=anchors)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        for line in words.lines(report, language):
            click.echo(line)
    sys.exit(CLEAN if report.is_clean else FOUND)


@main.command(name=_EXPORT)
@click.argument("export", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_root_option
@_json_option
@_language_option
def export_command(*, export: Path, root: bytes | None, as_json: bool, language: str) -> None:
    """Compute every balance and debt of a caisse again, from what was signed alone.

    EXPORT is what `clafoutis-server export-audit` has written. Exit status 0: all is right;
    1: differences; 2: not an export.
    """
    try:
        read = read_export(export)
    except NotAnExport as error:
        click.echo(f"clafoutis-audit: {error}", err=True)
        sys.exit(UNREADABLE)
    report = audit(read, root=root)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        _tell(report, read.root if root is None else None, language)
    sys.exit(CLEAN if report.is_clean else FOUND)


def _tell(report: Report, root: bytes | None, language: str) -> None:
    said = _FRENCH if language == "fr" else _ENGLISH
    facts = asdict(report)
    click.echo(said["read"].format(**facts))
    click.echo(said["verified"].format(**facts))
    if root is not None:
        from cardkit.signing import PublicKey

        click.echo(said["pin"].format(root=PublicKey.from_bytes(root).digest.hex()))
    for note in report.notes:
        click.echo(f"  {note}")
    if report.is_clean:
        click.echo(said["clean"].format(owed=format_cents(report.payable_cents)))
        return
    click.echo(said["found"].format(count=len(report.findings)))
    for finding in report.findings:
        click.echo(f"  {finding}")


if __name__ == "__main__":
    main()
