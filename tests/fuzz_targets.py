"""All fuzz targets by name, and the corpus that is kept of each in tests/corpus/."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from tests import fuzz_air, fuzz_documents, fuzz_service, fuzz_till, fuzz_words
from tests.fuzz_target import Target

CORPUS: Final = Path(__file__).parent / "corpus"
CRASH: Final = "crash-"
"""What once broke something, and stays for ever."""

TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for module in (fuzz_documents, fuzz_till, fuzz_air, fuzz_words, fuzz_service)
    for target in module.TARGETS
}


def name_of(content: bytes) -> str:
    """What an input is called in a corpus."""
    return hashlib.sha256(content).hexdigest()[:12]


def inputs(target: Target, corpus: Path = CORPUS) -> list[bytes]:
    """What is kept of a target, in the order of its names, and after that the good inputs."""
    folder = corpus / target.name
    kept = [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []
    return [*kept, *(seed for seed in target.seeds() if seed not in kept)]
