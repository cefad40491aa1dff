"""`clafoutis-audit`: checks an export of a caisse, on any computer, without asking the caisse."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from auditor.audit import Report, audit
from auditor.export import NotAnExport, read_export
from cardkit.money import format_cents

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


@click.command()
@click.argument("export", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--root", callback=_digest, metavar="HEX", help="SHA-256 of the root key you know.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
def main(*, export: Path, root: bytes | None, as_json: bool, language: str) -> None:
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
    words = _FRENCH if language == "fr" else _ENGLISH
    facts = asdict(report)
    click.echo(words["read"].format(**facts))
    click.echo(words["verified"].format(**facts))
    if root is not None:
        from cardkit.signing import PublicKey

        click.echo(words["pin"].format(root=PublicKey.from_bytes(root).digest.hex()))
    for note in report.notes:
        click.echo(f"  {note}")
    if report.is_clean:
        click.echo(words["clean"].format(owed=format_cents(report.payable_cents)))
        return
    click.echo(words["found"].format(count=len(report.findings)))
    for finding in report.findings:
        click.echo(f"  {finding}")


if __name__ == "__main__":
    main()
