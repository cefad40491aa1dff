"""The service's part in letting a terminal in: it carries requests and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cardkit import cbor
from cardkit.acts import ActKind
from cardkit.certificates import Certificate, Role, certify
from cardkit.errors import ServerRefused
from cardkit.pairing import (
    PAIRING_MINUTES,
    PATH,
    REQUESTS_MAX,
    SERVICE_PURPOSE,
    PairRequest,
    PairResult,
    Ticket,
)
from cardkit.permit import accept_permit
from cardkit.schema import pack, unpack
from cardkit.signing import SigningKey
from cardkit.workshop import PairingApprove, PairingOpen, PairingShow
from provisioning.client import Reply
from provisioning.keystore import new_keys
from server_stub.keys import token_key_purpose
from server_stub.models import ActRow, Merchant, Pairing, Terminal, TokenKey
from server_stub.services.pairing import approve_pairing
from simulator.clock import ManualClock
from tests.workshop_world import (
    MERCHANT,
    NOW,
    OTHER_MERCHANT,
    URL,
    BlankTerminal,
    World,
    make_world,
    served,
)

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)
ROOT = KEYS.root.signing_key("flers")
TICKET = Ticket(URL, "flers", ROOT.public.digest, bytes(range(16)))


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A fresh caisse, served in this process."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        yield made


def ask(world: World, request: PairRequest) -> Reply:
    """Post as a terminal does."""
    body = cbor.encode(pack(request))
    return world.line.post(URL + PATH, body, {"Content-Type": "application/cbor"})


def opened(world: World, ticket: Ticket = TICKET) -> int:
    """Open a pairing; returns the terminal's number."""
    opening = PairingOpen(pairing_id=ticket.pairing_id, merchants=(MERCHANT, OTHER_MERCHANT))
    return world.client.open_pairing(opening).terminal


def approval(
    request: PairRequest, terminal: int, *, root: SigningKey = ROOT, role: Role = Role.TERMINAL
) -> PairingApprove:
    """What the workshop sends when the words were right."""
    certificate = Certificate(
        role=role,
        subject=terminal,
        valid_from=NOW,
        valid_until=NOW + timedelta(days=365),
        public_key=request.public_key,
        transport_key=request.transport_key,
    )
    return PairingApprove(
        pairing_id=request.pairing_id,
        mac=request.mac,
        certificate=certify(root, certificate).encoded,
        sealed_card_masters=b"sealed for the terminal",
    )


def test_an_approved_terminal_fetches_what_it_starts_with(world: World) -> None:
    """Promise: permit, certificates and a token key of its own, sealed to it alone."""
    number = opened(world)
    blank = BlankTerminal.new()
    request = blank.request(TICKET)
    assert ask(world, request).status == 202
    approved = approval(request, number)
    world.client.approve_pairing(approved)
    reply = ask(world, request)
    assert reply.status == 200
    result = unpack(PairResult, cbor.decode(reply.body))
    assert result.root == ROOT.public.encoded
    assert (result.certificate, result.sealed_card_masters) == (
        approved.certificate,
        approved.sealed_card_masters,
    )
    permit = accept_permit(result.permit, KEYS.public.trust(), terminal=number).permit
    assert [grant.merchant for grant in permit.merchants] == [MERCHANT, OTHER_MERCHANT]
    token_key = blank.sealing.open(result.sealed_token_key, purpose=SERVICE_PURPOSE)
    kept = TokenKey.objects.get(terminal_id=number).sealed
    assert world.caisse.ring.open(kept, purpose=token_key_purpose(number)) == token_key
    assert token_key not in kept
    assert token_key not in (Pairing.objects.get().result or b"")
    kinds = [ActKind(row.kind) for row in ActRow.objects.order_by("seq")]
    assert kinds[-2:] == [ActKind.DOCUMENT_HELD, ActKind.DOCUMENT_HELD]


def test_a_dropped_answer_is_fetched_again_until_the_time_is_over(world: World) -> None:
    """Promise: the same request gives the same result, and nothing to anybody after."""
    number = opened(world)
    request = BlankTerminal.new().request(TICKET)
    ask(world, request)
    world.client.approve_pairing(approval(request, number))
    world.client.approve_pairing(approval(request, number))
    assert ask(world, request) == ask(world, request)
    world.clock.pass_time(timedelta(minutes=PAIRING_MINUTES))
    assert ask(world, request).status == 404
    assert Terminal.objects.count() == 1


def test_a_ticket_lets_in_one_terminal(world: World) -> None:
    """Promise: a used ticket is worth nothing, also to who knows its secret or asked in time."""
    number = opened(world)
    request, rival, late = (BlankTerminal.new().request(TICKET) for _ in range(3))
    assert (ask(world, request).status, ask(world, rival).status) == (202, 202)
    world.client.approve_pairing(approval(request, number))
    for other in (rival, late):
        assert ask(world, other).status == 409
        with pytest.raises(ServerRefused, match="no such request"):
            world.client.approve_pairing(approval(other, number))


def test_a_ticket_is_dead_after_ten_minutes(world: World) -> None:
    """Promise: a ticket that lies around is no way in."""
    number = opened(world)
    request = BlankTerminal.new().request(TICKET)
    assert ask(world, request).status == 202
    world.clock.pass_time(timedelta(minutes=PAIRING_MINUTES))
    assert ask(world, request).status == 404
    for late in (
        lambda: world.client.show_pairing(PairingShow(pairing_id=TICKET.pairing_id)),
        lambda: world.client.approve_pairing(approval(request, number)),
    ):
        with pytest.raises(ServerRefused, match="time is over"):
            late()
    assert Terminal.objects.count() == 0


def test_nobody_pairs_without_an_open_pairing(world: World) -> None:
    """Promise: the one unsigned address does nothing for strangers."""
    assert ask(world, BlankTerminal.new().request(TICKET)).status == 404


def test_a_stranger_can_neither_keep_the_terminal_out_nor_fill_the_disk(world: World) -> None:
    """Promise: requests are bounded, and the genuine one still finds its place among others."""
    opened(world)
    guess = replace(TICKET, secret=bytes(16))
    for _ in range(REQUESTS_MAX - 1):
        forged = replace(BlankTerminal.new().request(guess), pairing_id=TICKET.pairing_id)
        assert ask(world, forged).status == 202
    genuine = BlankTerminal.new().request(TICKET)
    assert ask(world, genuine).status == 202
    late = replace(BlankTerminal.new().request(guess), pairing_id=TICKET.pairing_id)
    assert ask(world, late).status == 429
    assert ask(world, genuine).status == 202
    shown = world.client.show_pairing(PairingShow(pairing_id=TICKET.pairing_id)).requests
    assert len(shown) == REQUESTS_MAX
    assert cbor.encode(pack(genuine)) in shown


def test_a_copy_of_a_request_with_another_sealing_key_is_turned_away(world: World) -> None:
    """Promise: nobody gets a terminal's secrets sealed to himself by repeating its request."""
    number = opened(world)
    blank, thief = BlankTerminal.new(), BlankTerminal.new()
    request = blank.request(TICKET)
    ask(world, request)
    copy = replace(request, sealing_key=thief.sealing.public_bytes)
    assert ask(world, copy).status == 409
    world.client.approve_pairing(approval(request, number))
    assert ask(world, copy).status == 409


@pytest.mark.parametrize(
    "wrong", ["number", "root", "role", "journal key", "transport key", "garbage"]
)
def test_only_the_roots_certificate_for_these_keys_lets_in(world: World, wrong: str) -> None:
    """Promise: the service enrols nobody whom the root key did not certify."""
    number = opened(world)
    request, other = (BlankTerminal.new().request(TICKET) for _ in range(2))
    ask(world, request)
    wrongs = {
        "number": approval(request, number + 1),
        "root": approval(request, number, root=SigningKey.generate(caisse="flers")),
        "role": approval(request, number, role=Role.WORKSHOP),
        "journal key": approval(replace(request, public_key=other.public_key), number),
        "transport key": approval(replace(request, transport_key=other.transport_key), number),
        "garbage": replace(approval(request, number), certificate=b"garbage"),
    }
    with pytest.raises(ServerRefused, match="certificate") as refused:
        world.client.approve_pairing(wrongs[wrong])
    assert refused.value.status == 422
    assert Terminal.objects.count() == 0
    assert ask(world, request).status == 202


def test_numbers_are_never_used_again(world: World) -> None:
    """Promise: a terminal's number stands for one key pair, also when its ticket ran out."""
    first = opened(world)
    assert opened(world) == first, "a repeated request is the same pairing"
    second = opened(world, replace(TICKET, secret=bytes(16)))
    assert second == first + 1


def test_a_terminal_for_nobody_is_not_expected(world: World) -> None:
    """Promise: a pairing names merchants that exist."""
    for merchants in ((), (MERCHANT, 99)):
        with pytest.raises(ServerRefused, match="no such merchant"):
            world.client.open_pairing(
                PairingOpen(pairing_id=TICKET.pairing_id, merchants=merchants)
            )


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (bytes(513), "application/cbor", 413),
        (b"\xa0", "application/cbor", 400),
        (b"garbage", "application/cbor", 400),
        (b"\xa0", "text/plain", 415),
    ],
)
def test_what_is_no_request_is_refused_before_it_is_kept(
    world: World, body: bytes, content_type: str, status: int
) -> None:
    """Promise: the open door is narrow."""
    opened(world)
    assert world.line.post(URL + PATH, body, {"Content-Type": content_type}).status == status
    assert Pairing.objects.get().requests.count() == 0


def test_a_failed_approval_leaves_nothing_half_done(world: World) -> None:
    """Promise: enrolling is one transaction: when its last step fails, nothing has happened."""
    number = opened(world)
    request = BlankTerminal.new().request(TICKET)
    ask(world, request)
    acts = ActRow.objects.count()
    Merchant.objects.filter(id=OTHER_MERCHANT).delete()
    with pytest.raises(Merchant.DoesNotExist):
        approve_pairing(world.caisse, approval(request, number))
    assert (Terminal.objects.count(), ActRow.objects.count()) == (0, acts)
    assert ask(world, request).status == 202
