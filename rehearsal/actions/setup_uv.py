"""Stand-in for astral-sh/setup-uv: the uv that the rehearsal brought."""

import subprocess
from pathlib import Path

from rehearsal.actions.toolkit import (
    StandInError,
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
    """Put uv and uvx on the PATH of the later steps, and only them."""
    refuse("activate-environment")
    source = Path(variable("REHEARSAL_UV"))
    folder = temporary() / "setup-uv"
    on_path({name: source.with_name(name) for name in ("uv", "uvx")}, folder)
    version = _version(folder / "uv")
    if given("version") not in ("", "latest", version):
        notice(f"rehearsed with uv {version}, not {given('version')}")
    if given("python-version"):
        export("UV_PYTHON", given("python-version"))
    output("uv-version", version)
    output("uv-path", folder / "uv")
    output("uvx-path", folder / "uvx")
    output("cache-hit", "false")


def _version(program: Path) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode or len(words) < len(("uv", "version")):
        raise StandInError(f"{program} does not work: {done.stderr.strip()}")
    return words[1]


if __name__ == "__main__":
    run(main)
