"""The command `release`: the system's own `scripts`, under a name that clashes with none."""

import sys
from pathlib import Path

SYSTEM = Path(__file__).parent / "system"


def main() -> int:
    """Run a verb with this package's own `scripts`, whatever else has that name."""
    sys.path.insert(0, str(SYSTEM))
    from scripts.__main__ import program  # noqa: PLC0415 - found only from here on

    return program()
