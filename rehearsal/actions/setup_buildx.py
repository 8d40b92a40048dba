"""Stand-in for docker/setup-buildx-action: the job uses the world's builder."""

import os
import re
import subprocess

from rehearsal.actions.toolkit import (
    StandInError,
    export,
    given,
    notice,
    output,
    refuse,
    run,
    switch,
    variable,
)

PINNED = re.compile(r"image=\S+@sha256:[0-9a-f]{64}")
OTHERS = (
    *("append", "endpoint", "name", "keep-state", "platforms"),
    *("buildkitd-flags", "buildkitd-config", "buildkitd-config-inline"),
)


def main() -> None:
    """Check that the builder answers, and make it the builder of the later steps."""
    refuse(*OTHERS)
    _validate()
    name = variable("REHEARSAL_BUILDER")
    export("BUILDX_BUILDER", name)
    text = _told("inspect", "--bootstrap", name)
    output("name", name)
    for field in ("driver", "platforms"):
        found = re.search(rf"^{field}:\s*(.*)$", text, re.IGNORECASE | re.MULTILINE)
        output(field, found[1].replace("*", "").replace(" ", "") if found else "")


def _validate() -> None:
    """Reject options that the world's builder does not have; its image may have another name."""
    if given("driver") not in ("", "docker-container"):
        raise StandInError(
            f"the rehearsal's builder has the driver docker-container, not {given('driver')!r}"
        )
    if given("use") and not switch("use"):
        raise StandInError("the rehearsal has one builder, and it is used: leave `use` out")
    for option in given("driver-opts").replace(",", "\n").split():
        if not PINNED.fullmatch(option):
            raise StandInError(
                f"the rehearsal's stand-in does not have the driver option {option!r}: "
                "it takes only `image=NAME@sha256:DIGEST`"
            )
        notice(f"rehearsed with the world's own BuildKit, not {option}")
    wanted = given("version").removeprefix("v")
    if wanted and wanted not in _told("version"):
        raise StandInError(f"the rehearsal has {_told('version').strip()}, not version {wanted}")


def _told(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", "buildx", *arguments],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    if done.returncode:
        raise StandInError(f"docker buildx {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    run(main)
