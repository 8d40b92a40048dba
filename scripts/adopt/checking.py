"""Which command checks a repository, and which installs what that needs, by its own files."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from scripts.release.version_source import inside

PIP = ("python", "-m", "pip", "install")
TARGETS, PREPARING = ("check", "test", "tests"), ("setup", "bootstrap", "init", "install-dev")
SCRIPTS = ("scripts/check", "scripts/test", "script/test", "scripts/test.sh", "bin/test")
INSTALLING = ("scripts/install", "script/bootstrap", "script/setup")
GROUPS = ("dev", "test", "tests", "testing")
REQUIREMENTS: tuple[str, ...] = (
    "requirements-dev.txt",
    "dev-requirements.txt",
    "requirements/dev.txt",
)
REQUIREMENTS += ("requirements_dev.txt", "requirements-test.txt", "requirements.txt")
LOCKS = {
    "pnpm-lock.yaml": ("corepack", "pnpm", "install", "--frozen-lockfile"),
    "yarn.lock": ("corepack", "yarn", "install", "--immutable"),
}
Read = Callable[[str], str]


class Checking(NamedTuple):
    """The two commands, each as its words."""

    checks: tuple[str, ...] = ()
    """Empty if no file states it."""
    setup: tuple[str, ...] = ()
    """Empty if nothing is to be installed, or if it is not known."""


def look(settings: Mapping[str, Any], paths: Collection[str], read: Read) -> Checking:
    """Find the first way that the files show. A project of Python seldom states its set-up."""
    return next(_ways(settings, paths, read), Checking())


def _ways(settings: Mapping[str, Any], paths: Collection[str], read: Read) -> Iterator[Checking]:
    yield from _named(read("Makefile") if "Makefile" in paths else "", paths)
    yield from _of_python(settings, paths)
    if "manage.py" in paths:
        listed = next((file for file in REQUIREMENTS if file in paths), "")
        setup = (*PIP, "--requirement", listed) if listed else ()
        yield Checking(("python", "manage.py", "test"), setup)
    if "go.mod" in paths:
        yield Checking(("go", "test", "./..."))
    if "Cargo.toml" in paths:
        yield Checking(("cargo", "test"))
    if "package.json" in paths and "test" in _scripts(read("package.json")):
        lock = next((LOCKS[one] for one in LOCKS if one in paths), ("npm", "ci"))
        yield Checking(("npm", "test"), lock)


def _named(makefile: str, paths: Collection[str]) -> Iterator[Checking]:
    """Yield the make targets, then the scripts, whose names say that they check."""
    targets = set(re.findall(r"^([\w-]+):(?!=)", makefile, re.MULTILINE))
    prepare = next((("make", one) for one in PREPARING if one in targets), ())
    yield from (Checking(("make", one), prepare) for one in TARGETS if one in targets)
    install = next(((one,) for one in INSTALLING if one in paths), ())
    yield from (Checking((one,), install) for one in SCRIPTS if one in paths)


def _of_python(settings: Mapping[str, Any], paths: Collection[str]) -> Iterator[Checking]:
    tool = inside(settings, "tool")
    if {"tox.ini", "tox.toml"} & {*paths} or "tox" in tool:
        # The other environments of its list need more Pythons than a runner has.
        yield Checking(("tox", "run", "-e", "py"), (*PIP, "tox"))
    if "noxfile.py" in paths:
        yield Checking(("nox",), (*PIP, "nox"))
    environments = inside(tool, "hatch", "envs")
    if "hatch-test" in environments:
        yield Checking(("hatch", "test"), (*PIP, "hatch"))
    if "test" in inside(environments, "test", "scripts"):
        yield Checking(("hatch", "run", "test:test"), (*PIP, "hatch"))
    if _tested_by_pytest(settings, paths):
        yield Checking(("python", "-m", "pytest"), _installed(settings, paths))


def _tested_by_pytest(settings: Mapping[str, Any], paths: Collection[str]) -> bool:
    if "build-system" not in settings and "setup.py" not in paths:
        return False
    named = "pytest.ini" in paths or "pytest" in inside(settings, "tool")
    return named or any(re.fullmatch(r"(?:.*/)?tests?/(?:.*/)?test_\w+\.py", one) for one in paths)


def _installed(settings: Mapping[str, Any], paths: Collection[str]) -> tuple[str, ...]:
    """Return pip's words for the package, with what its own files name for tests."""
    extras = inside(settings, "project", "optional-dependencies")
    groups = inside(settings, "dependency-groups")
    if group := next((one for one in GROUPS if one in groups), None):
        return (*PIP, "--group", group, "--editable", ".")
    if extra := next((one for one in GROUPS if one in extras), None):
        return (*PIP, "--editable", f".[{extra}]")
    if file := next((one for one in REQUIREMENTS if one in paths), None):
        return (*PIP, "--requirement", file, "--editable", ".")
    return (*PIP, "pytest", "--editable", ".")


def _scripts(text: str) -> dict[str, Any]:
    try:
        return inside(json.loads(text), "scripts")
    except ValueError:
        return {}
