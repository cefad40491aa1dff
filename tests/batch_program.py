"""The workshop's program for virtual cards: what a test starts, kills, and starts again.

    python -m tests.batch_program card issue --batch …

The program that is installed trusts NXP's chips alone, and no option changes that.
"""

from __future__ import annotations

import sys

from provisioning import cli
from provisioning.wiring import Wiring
from simulator.maker import Maker

if __name__ == "__main__":
    sys.exit(cli.run(sys.argv[1:], Wiring(originality=Maker().originality)))
