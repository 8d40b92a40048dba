"""Functions for every stand-in: inputs, outputs, and errors."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


class StandInError(Exception):
    """The real action would fail here, or the stand-in does not support this."""


def given(name: str) -> str:
    """Return an input of the action, "" if it was not given."""
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()


def switch(name: str) -> bool:
    """Return a boolean input, refusing what GitHub's own toolkit refuses."""
    value = given(name)
    if value in ("true", "True", "TRUE"):
        return True
    if value in ("", "false", "False", "FALSE"):
        return False
    raise StandInError(f"the input {name!r} must be true or false, not {value!r}")


def refuse(*names: str) -> None:
    """Fail for an input that this stand-in does not have."""
    for name in names:
        if given(name) not in ("", "false"):
            raise StandInError(f"the rehearsal's stand-in does not have the input {name!r}")


def variable(name: str) -> str:
    """Return a variable that the runner or the rehearsal must have set."""
    if not os.environ.get(name):
        raise StandInError(f"{name} is not set: this action runs inside a rehearsal only")
    return os.environ[name]


def workspace() -> Path:
    """Return the job's folder, which relative paths start from."""
    return Path(variable("GITHUB_WORKSPACE"))


def temporary() -> Path:
    """Return the job's own folder for temporary files."""
    return Path(variable("RUNNER_TEMP"))


def on_path(links: Mapping[str, Path], folder: Path) -> None:
    """Put programs on the PATH of the later steps by these names, and only them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in links.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(source)
    add_path(folder)


def output(name: str, value: object) -> None:
    """Set an output of the action."""
    _append("GITHUB_OUTPUT", f"{name}={value}")


def export(name: str, value: object) -> None:
    """Set a variable for the job's later steps."""
    _append("GITHUB_ENV", f"{name}={value}")


def add_path(folder: Path) -> None:
    """Put a folder first on the PATH of the job's later steps."""
    _append("GITHUB_PATH", str(folder))


def notice(text: str) -> None:
    """Write a notice."""
    print(f"::notice::{text}", flush=True)


def warning(text: str) -> None:
    """Write a warning."""
    print(f"::warning::{text}", flush=True)


def run(main: Callable[[], None]) -> None:
    """Run a stand-in; an expected failure becomes one line and exit code 1."""
    try:
        main()
    except StandInError as error:
        print(f"::error::{error}", flush=True)
        sys.exit(1)


def _append(variable_name: str, line: str) -> None:
    if "\n" in line:
        raise StandInError(f"a value of several lines cannot be set: {line!r}")
    with Path(variable(variable_name)).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
