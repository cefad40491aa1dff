"""`clafoutis-provision release …`: signing what tills run, and checking it."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.errors import DocumentError, KeyStoreError
from cardkit.keyfiles import RootKeys, read_public
from cardkit.release import HeldRelease, Release
from provisioning.language import _
from provisioning.releases import drafted, open_folder, sign_folder
from provisioning.talk import PassphraseReader
from provisioning.wiring import Wiring, directory_type, keys_option, passphrase_option

folder_argument = click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False, exists=True)
)


@click.group(help=_("The program that tills run."))
def release() -> None:
    """Verbs of the noun `release`."""


@release.command("sign", help=_("Sign the release in FOLDER with the root key."))
@folder_argument
@click.option(
    "--root",
    "root_dir",
    type=directory_type,
    default=Path("root"),
    envvar="CLAFOUTIS_ROOT_KEYS",
    show_default=True,
    help=_("The coordinator's key directory."),
)
@click.option("--yes", is_flag=True, help=_("What is shown was read; ask nothing."))
@passphrase_option
@click.pass_obj
def sign_command(
    wiring: Wiring, *, folder: Path, root_dir: Path, yes: bool, passphrase_fd: int | None
) -> int:
    """Show what would be signed, and sign it."""
    try:
        draft = drafted(folder, clock=wiring.clock)
        _tell(draft)
        if not yes:
            click.confirm(_("Sign this for every till of the caisse?"), abort=True, err=True)
        public = read_public(root_dir)
        keys = PassphraseReader(passphrase_fd).open(root_dir, RootKeys, public)
        held = sign_folder(folder, keys.signing_key(public.caisse), draft)
    except (OSError, DocumentError) as error:
        raise KeyStoreError(str(error)) from error
    click.echo(held.digest.hex())
    return 0


@release.command("verify", help=_("Say whether the release in FOLDER is whole, and this caisse's."))
@folder_argument
@keys_option
def verify_command(*, folder: Path, key_dir: Path) -> int:
    """Check a signature and every file."""
    held = opened(folder, key_dir)
    _tell(held.release)
    click.echo(held.digest.hex())
    return 0


def opened(folder: Path, key_dir: Path) -> HeldRelease:
    """Verify a release against the public half of a key directory; fails as click does."""
    try:
        return open_folder(folder, read_public(key_dir))
    except (OSError, DocumentError) as error:
        words = _("{folder} is no release of this caisse: {error}. Nothing was done.")
        raise click.ClickException(words.format(folder=folder, error=error)) from error


def _tell(release: Release) -> None:
    names = _("version"), _("for"), _("program"), _("fiscal perimeter"), _("files")
    values = (
        release.version,
        release.machine,
        release.software.hex(),
        release.perimeter.hex(),
        str(len(release.files)),
    )
    for name, value in zip(names, values, strict=True):
        click.echo(f"{name:<20}{value}", err=True)
