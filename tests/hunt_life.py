"""Lives the demo's week and does an office's work, for who looks for secrets after.

    python -m tests.hunt_life FOLDER SECRETS

FOLDER is what a life leaves behind; SECRETS, outside of it, is told every secret that there was.
"""

from __future__ import annotations

import dataclasses
import logging
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

from simulator.market import service
from simulator.market.counter import open_counter
from tests.secret_hunt import Secret

PASSWORD = "huit abricots dans un seau"
TEXT_MIN = 6
SERVICE = "service"
"""Where the service's own files are."""
MEMBER = ("Marthe Lecœur-Desvignes", "11 impasse des Coquelicots", "marthe.ld@example.org")
DATABASES = ("service/clafoutis.sqlite3*", "exports/livres.sqlite3")
"""Where people's names may be: the books, and a copy of them."""


def bundle_secrets(bundle: object, name: str, *kept_in: str) -> Iterator[Secret]:
    """Yield every key in a holder's bundle."""
    assert dataclasses.is_dataclass(bundle)
    for field in dataclasses.fields(bundle):
        value = getattr(bundle, field.name)
        if isinstance(value, bytes):
            yield Secret(f"{name}.{field.name}", value, kept_in)
        elif isinstance(value, tuple):
            for number, one in enumerate(value):
                yield from bundle_secrets(one, f"{name}.{field.name}[{number}]", *kept_in)


def _say_everything() -> None:
    """Log whatever any library says, in full: what the service's own lines leave out, too."""
    everything = logging.StreamHandler(sys.stdout)
    everything.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    root = logging.getLogger()
    root.addHandler(everything)
    root.setLevel(logging.DEBUG)


def main(folder: Path, told: Path) -> None:
    """Live, leave, and tell."""
    with open_counter() as counter:
        service.prepare(folder / SERVICE)
        _say_everything()
        # The week stands on Django's models, which can be imported only now.
        from simulator.market.story import Story
        from tests.hunt_office import leave_papers, secrets_of

        with Story.begun(folder, counter, seed=2026, say=print) as story:
            story.live()
            office = leave_papers(story, folder)
            secrets = [*office, *secrets_of(story, folder)]
    told.write_bytes(pickle.dumps(secrets))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
