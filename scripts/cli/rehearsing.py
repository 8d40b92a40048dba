"""The verb `rehearse`: hand over to the rehearsal, which is a program of its own."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from scripts.cli.command_line import REHEARSE, typed

NEEDED = ("rehearsal", "devpi_server")
"""Itself, and a package that only the rehearsal requires."""
MISSING = """\
release: the rehearsal is not installed here. Run it from the tool with its extra:
  uvx --from "convergent-release[rehearse] @ git+URL@COMMIT#subdirectory=tool" release rehearse"""


def rehearse(words: Sequence[str]) -> int:
    """Run the rehearsal with these words of its command line; give 2 if it is not installed."""
    if not all(map(find_spec, NEEDED)):
        print(MISSING, file=sys.stderr)
        return 2
    import_module(NEEDED[0]).COMMAND = typed(REHEARSE, "")  # type: ignore[attr-defined]
    code: int = import_module("rehearsal.__main__").main(words or ["run"])
    return code
