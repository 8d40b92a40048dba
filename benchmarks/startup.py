"""What it costs to start: `python -m scripts --help` against a Python that does nothing."""

import subprocess
import sys

from benchmarks.harness import ROOT, Act, at_most, conclude, side_by_side, table, unprepared

REPEATS = 41
LIMIT = 4


def main() -> int:
    """Measure, print and judge."""
    series = side_by_side(
        {
            "python -c pass": unprepared(python("-c", "pass")),
            "python -m scripts --help": unprepared(python("-m", "scripts", "--help")),
        },
        REPEATS,
    )
    nothing, ours = series.values()
    print(table("starting", series, nothing.name))
    return conclude("startup", {"starting": series}, [at_most("help", ours, nothing, LIMIT)])


def python(*arguments: str) -> Act:
    """Run this very Python at the top of the checkout, its output thrown away."""
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
