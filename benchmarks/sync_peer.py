"""The sync process of a measured till, and a service beside it that acknowledges what it gets.

    python -m benchmarks.sync_peer WORLD

Both live in this process, so that the till's own has to do what it has to do, and no more.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import requests

from cardkit.clock import SystemClock
from cardkit.signing import parse
from cardkit.sync import SyncAnswer, decode_request, sign_answer
from simulator.clock import ManualClock
from terminal.keyring import read_transport_key
from terminal.sync import Sync
from tests.http_service import Answer, http_service
from tests.terminal_world import CAISSE, START, TERMINAL, World


def main(folder: Path) -> None:
    """Carry the outbox as it stands, and print how many requests were answered."""
    world = World(folder, ManualClock(START))

    def respond(_url: str, _headers: Mapping[str, str], body: bytes) -> Answer:
        request = decode_request(body)
        answer = SyncAnswer(
            terminal=TERMINAL,
            up_to_seq=request.acknowledged_seq + len(request.entries),
            head=parse(request.entries[-1]).digest if request.entries else bytes(32),
            epoch=world.epoch,
            answered_at=world.now,
        )
        return 200, sign_answer(world.service, answer).encoded

    data = world.data()
    with http_service(respond) as service, requests.Session() as session:
        sync = Sync(
            data,
            world.identity(),
            key=read_transport_key(data.keys, caisse=CAISSE),
            session=session,
            clock=SystemClock(),
            url=service.url,
        )
        print(sync.run())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
