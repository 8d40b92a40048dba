"""Stand-in for docker/setup-buildx-action: the world's builder becomes the job's builder."""

import os
import re
import subprocess

from rehearsal.actions.toolkit import StandInError, export, output, refuse, run, variable


def main() -> None:
    """See that the builder answers, and make it the one that the later steps use."""
    refuse("append", "endpoint")
    name = variable("REHEARSAL_BUILDER")
    export("BUILDX_BUILDER", name)
    text = _inspect(name)
    output("name", name)
    for field in ("driver", "platforms"):
        found = re.search(rf"^{field}:\s*(.*)$", text, re.IGNORECASE | re.MULTILINE)
        output(field, found[1].replace("*", "").replace(" ", "") if found else "")


def _inspect(name: str) -> str:
    done = subprocess.run(
        ["docker", "buildx", "inspect", "--bootstrap", name],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    if done.returncode:
        raise StandInError(f"the builder {name!r} does not answer: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    run(main)
