"""One target under atheris, as a process of its own: `python -m tests.fuzz_guided NAME OPTIONS…`.

The options are libFuzzer's. Only our own packages are watched for new branches; they have to be
imported while atheris looks.
"""

from __future__ import annotations

import logging
import random
import sys

import atheris

OURS = ("cardkit", "terminal", "server_stub", "simulator", "provisioning")


def main() -> None:
    """Fuzz until libFuzzer's own limits end it; the exit status is libFuzzer's."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=list(OURS)):
        from tests.fuzz_mutations import mutate
        from tests.fuzz_targets import TARGETS
    logging.disable(logging.CRITICAL)
    target = TARGETS[name]
    seeds = list(target.seeds())

    def change(data: bytes, bytes_max: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.5:
            return bytes(atheris.Mutate(data, bytes_max))
        return mutate(data, chance, seeds)[:bytes_max]

    atheris.Setup([sys.argv[0], *options], target.run, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
