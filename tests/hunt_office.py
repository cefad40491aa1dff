"""What an office does with its books, and what is secret in a life; needs Django prepared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from cardkit.signing import SigningKey
from provisioning.keystore import install_service_keys
from server_stub.exports.ending_archive import archive
from server_stub.exports.plain_ledger import plain_ledger
from server_stub.exports.trial_balance import trial_balance_csv
from server_stub.keys import token_key_purpose
from server_stub.models import Card, ConsoleRole, TokenKey
from server_stub.services import invitations, people
from server_stub.services.audit_export import export_audit
from server_stub.services.backup import back_up
from server_stub.services.card_keys import card_key
from server_stub.services.invitations import Invited, Wish
from simulator.market.story import Story
from terminal.config import DataDirectory
from terminal.keyring import read_keyring, read_transport_key
from tests.hunt_life import DATABASES, MEMBER, PASSWORD, SERVICE, TEXT_MIN, bundle_secrets
from tests.secret_hunt import Secret


def leave_papers(story: Story, folder: Path) -> Iterator[Secret]:
    """Take a member in, let somebody into the console, and export whatever can be exported."""
    caisse = story.week.caisse.caisse
    install_service_keys(caisse.ring.public, story.week.caisse.keys.service, settings.KEY_DIR)
    name, address, email = MEMBER
    people.register(caisse, name, address=address, email=email)
    wish = [Wish(role=ConsoleRole.TREASURER)]
    invited = invitations.invite(caisse, "jeanne", "Jeanne", wish, by=0)
    assert isinstance(invited, Invited)
    assert invitations.accept(caisse, invited.token, PASSWORD) is not None
    exports = folder / "exports"
    back_up(caisse, exports / "livres.sqlite3")
    export_audit(caisse, exports / "audit.sqlite3")
    (exports / "ledger.txt").write_text("\n".join(plain_ledger(caisse)), "utf-8")
    (exports / "balance.csv").write_bytes(trial_balance_csv(caisse))
    archive(caisse, exports / "archive")
    yield Secret("a password", PASSWORD.encode())
    yield Secret("an invitation", invited.token.encode())
    yield Secret("Django's key", str(settings.SECRET_KEY).encode(), (f"{SERVICE}/*",))
    for value in MEMBER:
        assert len(value) >= TEXT_MIN
        yield Secret("who a member is", value.encode(), DATABASES)


def secrets_of(story: Story, folder: Path) -> Iterator[Secret]:
    """Yield every key of the caisse, of its cards and of its terminals, with where it is kept."""
    caisse, keys = story.week.caisse.caisse, story.week.caisse.keys
    tills = {key: folder / key for key, stall in story.week.stalls.items() if not stall.burnt}
    at_tills = tuple(f"{key}/keys/*" for key in tills)
    yield from bundle_secrets(keys.root, "root")
    yield from bundle_secrets(keys.service, "service", f"{SERVICE}/keys/*")
    yield Secret("the workshop's key", keys.workshop.signing)
    for master in keys.workshop.masters:
        yield Secret(f"key 1, version {master.version}", master.key, at_tills)
    for card in Card.objects.all():
        yield Secret(f"the proof key of card {card.pk}", card_key(caisse, card).tmac_key)
    for row in TokenKey.objects.all():
        token = caisse.ring.open(row.sealed, purpose=token_key_purpose(row.terminal_id))
        yield Secret(f"the token key of terminal {row.terminal_id}", token, at_tills)
    for key, root in tills.items():
        kept = DataDirectory(root).keys
        ring = read_keyring(kept, caisse=keys.public.caisse)
        transport = read_transport_key(kept, caisse=keys.public.caisse)
        for name, signing in (("journal", ring.journal), ("transport", transport)):
            yield Secret(f"the {name} key of {key}", _scalar(signing), (f"{key}/keys/*",))


def _scalar(key: SigningKey) -> bytes:
    return key.key.private_numbers().private_value.to_bytes(32)
