"""The verb `rehearse`: hand over to the rehearsal, which is a program of its own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from scripts.cli.command_line import REHEARSE, typed

SYSTEM = Path(__file__).parents[2]
NEEDED = "devpi_server"
"""A package that only the rehearsal requires."""
MISSING = """\
release: the rehearsal is not installed here. Run it from the tool with its extra:
  uvx --from "convergent-release[rehearse] @ git+URL@COMMIT#subdirectory=tool" release rehearse"""


def rehearse(words: Sequence[str]) -> int:
    """Run the rehearsal with these words of its command line; give 2 if it is not installed."""
    if not (SYSTEM / "rehearsal").is_dir() or find_spec(NEEDED) is None:
        print(MISSING, file=sys.stderr)
        return 2
    # -P: do not import `rehearsal` from the current folder.
    program = [sys.executable, "-P", "-m", "rehearsal", *(words or ["run"])]
    told = {"PYTHONPATH": str(SYSTEM), "REHEARSAL_COMMAND": typed(REHEARSE, "")}
    running = subprocess.Popen(program, env={**os.environ, **told})
    while True:
        try:
            return running.wait()
        except KeyboardInterrupt:  # the rehearsal gets it too, and cleans up
            continue
