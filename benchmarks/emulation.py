"""The images for two platforms from a cold build cache, beside an install under emulation.

Ours installs the packages of the other platform without running anything of it. The other contender
is the same Dockerfile, but for the stage of the packages, which runs on the platform it is for.
`--sample` emulates the install of one small package only: it shows that all works, and promises
nothing.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import Claim, Series, ahead, at_most, conclude, table
from benchmarks.images import Builder, builder, say
from scripts.core.errors import CheckError, ReleaseError, ServiceError

OURS, EMULATED, ALL = "api, ours", "api, emulated", "all three, ours"
TIMES, SHARE = 10, 0.5
IMAGES = ["api", "web", "mlflow"]
SAMPLE = "click"
"""The one package of a sample: pure Python, without requirements that an installer must ask for."""
BINFMT = Path("/proc/sys/fs/binfmt_misc")
HANDLERS = {"x86_64": "qemu-aarch64", "aarch64": "qemu-x86_64"}
"""This machine's architecture to the handler of the other one."""
STAGE = re.compile(
    r"^FROM tools AS packages\n.*? /requirements/api\.txt (/\S+).*?(?=^FROM )",
    re.MULTILINE | re.DOTALL,
)
"""The stage that installs the packages, up to the next one; the group is where it puts them."""
INSTALLED_THERE = """\
FROM python:3.13-slim AS packages
COPY requirements/{file} /requirements/
RUN python3 -m pip install --quiet --no-cache-dir --disable-pip-version-check \\
  --root-user-action ignore --only-binary :all: --require-hashes {more}--target {target} \\
  -r /requirements/{file}

"""


def main(arguments: Sequence[str] = ()) -> int:
    """Measure, print and judge; a sample is only printed."""
    sample = "--sample" in arguments
    try:
        with emulation(), builder() as made:
            series = measure(made, sample=sample)
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    title = "two platforms, nothing cached"
    print(table(title, series, EMULATED))
    if sample:
        print(f"  a sample: {SAMPLE} alone was installed under emulation, so nothing is promised")
        return conclude("emulation-sample", {title: series}, [])
    return conclude("emulation", {title: series}, promises(series))


def measure(made: Builder, *, sample: bool) -> dict[str, Series]:
    """Build ours before and after the other, so that a busy time hits both."""
    other = made.sources / "Dockerfile.emulated"
    other.write_text(emulated((made.sources / "Dockerfile.api").read_text("utf-8"), sample=sample))
    if sample:
        locked = (made.sources / "requirements" / "api.txt").read_text("utf-8")
        (made.sources / "requirements" / "sample.txt").write_text(only(SAMPLE, locked))
        with (made.sources / ".dockerignore").open("a") as seen:
            seen.write("!requirements/sample.txt\n")
    ours = [made.seconds(OURS, ["api"])]
    theirs = made.seconds(EMULATED, ["api"], f"--set=api.dockerfile={other.name}")
    ours.append(made.seconds(OURS, ["api"]))
    together = made.seconds(ALL, IMAGES)
    taken = {OURS: tuple(ours), EMULATED: (theirs,), ALL: (together,)}
    return {name: Series(name, seconds) for name, seconds in taken.items()}


def promises(series: dict[str, Series]) -> list[Claim]:
    """Say what the README promises of these figures."""
    ours, theirs, together = (series[name] for name in (OURS, EMULATED, ALL))
    return [
        ahead("the API image is built faster than under emulation", ours, theirs, TIMES),
        at_most("all three images against the one under emulation", together, theirs, SHARE),
    ]


def emulated(dockerfile: str, *, sample: bool) -> str:
    """Give the Dockerfile with its packages installed on the platform that they are for."""
    file, more = ("sample.txt", "--no-deps ") if sample else ("api.txt", "")
    ours = STAGE.search(dockerfile)
    if not ours:
        raise CheckError(
            "Dockerfile.api has no stage `FROM tools AS packages` to compare with",
            "name the stage that installs the packages in benchmarks/emulation.py",
        )
    stage = INSTALLED_THERE.format(file=file, more=more, target=ours[1])
    return dockerfile.replace(ours[0], stage)


def only(package: str, locked: str) -> str:
    """Take one package, with its hashes, out of a requirements file."""
    found = re.search(rf"^{package}==.*?(?=^\S|\Z)", locked, re.MULTILINE | re.DOTALL)
    if not found:
        raise CheckError(f"{package} is not in requirements/api.txt", "choose another sample")
    return found[0]


@contextmanager
def emulation() -> Iterator[None]:
    """Let this machine run the other platform; what was not so before is taken back."""
    handler = HANDLERS[platform.machine()]
    if (BINFMT / handler).exists():
        yield
        return
    say(f"registering {handler}")
    mounted = (BINFMT / "status").exists()
    try:
        _install()
        if not mounted:
            _root("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
        _root("update-binfmts", "--enable", handler)
        if not (BINFMT / handler).exists():
            raise ServiceError(f"{handler} is not registered", f"look at {BINFMT}")
        yield
    finally:
        if (BINFMT / handler).exists():
            _root("update-binfmts", "--disable", handler)
        if not mounted and (BINFMT / "status").exists():
            _root("umount", str(BINFMT))


def _install() -> None:
    if not (shutil.which("update-binfmts") and shutil.which("qemu-aarch64-static")):
        say("installing qemu-user-static and binfmt-support")
        packages = ("qemu-user-static", "binfmt-support")
        _root("apt-get", "update", "-q")
        _root("apt-get", "install", "-qy", "--no-install-recommends", *packages)


def _root(*command: str) -> None:
    settings = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        cause = f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-500:]}"
        raise ServiceError(cause, "run this as root on Debian, where the kernel has binfmt_misc")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
