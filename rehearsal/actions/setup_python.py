"""Stand-in for actions/setup-python: the machine's own Python, for any requested version."""

import platform
from pathlib import Path

from rehearsal.actions.toolkit import (
    export,
    given,
    notice,
    on_path,
    output,
    refuse,
    run,
    temporary,
    variable,
)


def main() -> None:
    """Put `python` and `python3` on the PATH of the later steps; say so if the version differs."""
    refuse("architecture")
    source = Path(variable("REHEARSAL_PYTHON"))
    folder = temporary() / "setup-python"
    on_path({"python": source, "python3": source}, folder)
    version = platform.python_version()
    wanted = given("python-version")
    if wanted and not f"{version}.".startswith(f"{wanted}."):
        notice(f"rehearsed with Python {version}, not {wanted}")
    export("pythonLocation", folder)
    output("python-version", version)
    output("python-path", folder / "python")
    output("cache-hit", "false")


if __name__ == "__main__":
    run(main)
