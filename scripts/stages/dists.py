"""Build the wheel and the sdist reproducibly, and check their content.

After an earlier attempt, take its files and build nothing: publish the files that were tested.
"""

import hashlib
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from scripts.core import sbom
from scripts.core.converge import CHECK, Outcome
from scripts.core.errors import CheckError, ServiceError, TransientError, UsageError
from scripts.core.planning import Plan, normalised
from scripts.core.results import Done
from scripts.release import checkout, dependencies, sboms
from scripts.release.context import Context
from scripts.release.package_metadata import metadata
from scripts.tools import processes

UV_LOCK = "uv.lock"
TOLD = ("SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION")
"""What tells a build its version instead of the tags; hatch-vcs reads it by setuptools-scm."""


def run(context: Context) -> Done:
    """Put the checked files into `release/out/dist`."""
    folder = context.outputs / "dist"
    folder.mkdir(parents=True, exist_ok=True)
    plan = context.plan
    if not plan.dists:
        return Done()
    if context.earlier_lock:
        for name in plan.dists:
            shutil.copy(context.inputs / "earlier" / name, folder / name)
        sboms.keep(context, sbom.PACKAGE)
        kept = "the files of the earlier attempt"
        return Done((Outcome("dists", kept, written=False, kind=CHECK),))
    tree = checkout.checkout(context)
    prove(context, tree, folder)
    write_sbom(context, tree, folder)
    return Done((Outcome("dists", ", ".join(plan.dists), written=True, kind=CHECK),))


def write_sbom(context: Context, tree: Path, folder: Path) -> None:
    """Write what the package is locked with: `environment` of the table, or uv.lock."""
    plan, package = context.plan, context.config.package
    named = (package and package.environment) or UV_LOCK
    path = tree / named
    if package and package.environment and not path.is_file():
        raise UsageError(
            f"{named} is not in the release commit",
            "add it, or take `environment` out of [tool.release.package]",
        )
    pins = dependencies.pins(named, path.read_text("utf-8")) if path.is_file() else {}
    wheel = folder / plan.dists[0]
    digest = f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    own = sbom.normalised(plan.project)
    locked = [one for one in pins.items() if sbom.normalised(one[0]) != own]
    found = sbom.environment(plan.project, plan.version, digest, locked)
    context.write(f"{sboms.FOLDER}/{sbom.PACKAGE}", sbom.write(found, plan.source_date_epoch))


def prove(context: Context, tree: Path, folder: Path) -> None:
    """Build the plan's files from `tree` into `folder`, and check them."""
    plan = context.plan
    context.console.step("build the wheel and the sdist")
    build(context, tree, folder)
    context.console.step("inspect them")
    check_names(plan, folder)
    check_wheel(plan, folder / plan.dists[0], expected_files(context, tree))
    check_metadata(plan, folder)
    files = map(str, folder.iterdir())
    command = [sys.executable, "-m", "twine", "check", "--", *files]
    _proven("twine would not upload it", command, context.environment.inherited(NO_COLOR="1"))


def build(context: Context, tree: Path, folder: Path) -> None:
    """Build with `build`, every file's time the commit's (reproducible-builds.org)."""
    when = {"SOURCE_DATE_EPOCH": str(context.plan.source_date_epoch), "PYTHONHASHSEED": "0"}
    told = dict.fromkeys(TOLD, context.plan.version) if context.config.from_tags else {}
    # It works in `tree`, where no file may take the place of a module of `build`.
    command = [sys.executable, "-P", "-m", "build", "--installer", "uv", f"--outdir={folder}"]
    # uv is in the folder of this Python, which PATH does not always contain.
    path = f"{Path(sys.executable).parent}:{context.environment.get('PATH') or ''}"
    given = when | told | constraints(context, tree)
    environment = context.environment.inherited(**given) | {"PATH": path}
    _proven("the package does not build", [*command, "--", str(tree)], environment, tree)


def constraints(context: Context, tree: Path) -> dict[str, str]:
    """Pin the build's packages by version and hash (uv, UV_CONSTRAINT).

    uv splits that variable at spaces, so it has the path from `tree` on.
    """
    package = context.config.package
    if package is None or package.build_constraints is None:
        return {}
    if not (tree / package.build_constraints).is_file():
        raise UsageError(
            f"{package.build_constraints} is not in the release commit",
            "add it, or take `build-constraints` out of [tool.release.package]",
        )
    return {"UV_CONSTRAINT": package.build_constraints}


def check_names(plan: Plan, folder: Path) -> None:
    """Compare the built files with the planned ones."""
    _same("the build", {path.name for path in folder.iterdir()}, set(plan.dists))


def expected_files(context: Context, tree: Path) -> set[str]:
    """List the files that the wheel must contain: git's files of the package's modules."""
    package, source = context.config.package, context.config.source
    written = source.paths if context.config.from_tags else ()
    tracked = processes.run(
        ["git", "ls-files", "-z"], cwd=tree, environment=context.environment.inherited()
    ).split("\0")
    inside = [path.removeprefix("src/") for path in (*tracked, *written)]
    modules = package.modules if package else ()
    return {path for path in inside if path.split("/")[0].removesuffix(".py") in modules}


def check_wheel(plan: Plan, wheel: Path, expected: set[str]) -> None:
    """Compare the wheel's files with the tracked ones, to find extra and missing files."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    info = f"{wheel.name.split('-')[0]}-{plan.version}.dist-info/"
    _same(wheel.name, {name for name in names if not name.startswith(info)}, expected)


def check_metadata(plan: Plan, folder: Path) -> None:
    """Compare name and version in both files with the plan's."""
    wheel, sdist = (folder / name for name in plan.dists)
    for name, said in metadata(wheel, sdist).items():
        if said != (normalised(plan.project), plan.version):
            raise CheckError(
                f"{name} says {said[0]} {said[1]}, the plan {plan.project} {plan.version}",
                "the version comes from another file: add that file to `version-files`",
            )


def _proven(
    what: str, command: list[str], environment: Mapping[str, str], cwd: Path | None = None
) -> None:
    try:
        processes.run(command, cwd=cwd, environment=environment)
    except TransientError:
        raise
    except ServiceError as error:
        remedy = "correct the package, and run the release again with the same version"
        raise CheckError(f"{what}: {error.cause}", remedy) from error


def _same(what: str, found: set[str], expected: set[str]) -> None:
    extra, missing = sorted(found - expected), sorted(expected - found)
    if extra or missing:
        raise CheckError(
            f"{what} has unexpected content: {', '.join(extra) or 'nothing'}; "
            f"and lacks {', '.join(missing) or 'nothing'}",
            "correct the build configuration, or `modules` in [tool.release.package]",
        )
