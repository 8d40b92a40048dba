"""Build a past release again in other circumstances, and compare it with its lock.

In another folder, as another user and 90 days later, as far as this machine allows: whatever of
these gets into the files shows as a difference. Nothing is published, and no surface is written.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.core import codec, lockfile, planning, report, version
from scripts.core.errors import CheckError, ReleaseError, ServiceError, UsageError
from scripts.core.findings import PROBLEM, Finding, not_checked, ok
from scripts.core.lockfile import Lock, LockedDist
from scripts.core.planning import Plan
from scripts.core.results import Done, Result
from scripts.release import archives, attempt
from scripts.release.context import Context
from scripts.tools import processes
from scripts.tools.environment import SOURCE_POLICY

USER = ("unshare", "--user", "--map-user=4711", "--map-group=4711")
CLOCK = ("faketime", "-f", "+90d")
SYSTEM = Path(__file__).parents[2]
REMEDY = "find what of the folder, the user, the time or a dependency gets into it"
LONGEST = 3600  # seconds that one build may take
MOST = 20  # differences that are listed


@dataclass(frozen=True)
class Elsewhere:
    """A clone in another folder, and what a build there is started with."""

    clone: Path
    environment: dict[str, str]
    lock: Lock
    user: tuple[str, ...]
    clock: tuple[str, ...]

    def prepare(self, plan: Plan) -> None:
        """Write what the jobs before a build would have left."""
        inputs = self.clone / "release" / "in"
        (inputs / "results").mkdir(parents=True, exist_ok=True)
        (inputs / "plan.json").write_text(codec.encode(plan), "utf-8")
        for job in ("plan", "prepare"):
            made = Result(job, "", 0.0, 0.0, (), {"commit": self.lock.commit}, None)
            (inputs / "results" / f"{job}.json").write_text(codec.encode(made), "utf-8")

    def build(self, *words: str, prefix: tuple[str, ...] = (), **more: str) -> None:
        """Run a verb of this system there, in a process of its own."""
        command = [*prefix, sys.executable, "-P", "-m", "scripts", *words]
        environment = self.environment | more
        processes.run(command, cwd=self.clone, environment=environment, timeout=LONGEST)


def run(context: Context) -> Done:
    """Report a finding for each file and each platform's image; fail if one differs."""
    locked = read(context)
    with tempfile.TemporaryDirectory(prefix="rebuild-") as folder:
        elsewhere, findings = prepared(context, locked, Path(folder))
        findings += [*package(context, elsewhere), *images(context, elsewhere)]
    context.report(report.findings(f"Rebuild of {locked.plan.tag}", findings), findings=findings)
    wrong = [one for one in findings if one.status == PROBLEM]
    if wrong:
        raise CheckError("; ".join(f"{one.what}: {one.found}" for one in wrong), REMEDY)
    return Done()


def read(context: Context) -> Lock:
    """Read the lock of the wanted release."""
    typed = context.environment.trigger().version
    if not typed:
        raise UsageError("no version was given", "write it: `rebuild 0.2.4`")
    tag = context.style.tag(version.parse(typed))
    found = context.ask(lambda: attempt.read_lock(context, tag))
    if found is None:
        raise UsageError(
            f"release {tag} has no {lockfile.NAME}", "choose a release that this system made"
        )
    return found


def prepared(context: Context, locked: Lock, folder: Path) -> tuple[Elsewhere, list[Finding]]:
    """Clone into another folder; say which circumstances differ there, and which do not."""
    for commit in (locked.plan.base, locked.commit):
        context.git.fetch(commit)
    clone, home = folder / "another place" / "source", folder / "home"
    home.mkdir()
    where = context.endpoints
    environment = context.environment.inherited(
        HOME=str(home),
        UV_CACHE_DIR=str(folder / "cache"),
        PYTHONPATH=str(SYSTEM),
        GITHUB_SERVER_URL=where.server_url,
        GITHUB_REPOSITORY=where.repository,
    )
    context.git.run("clone", "--quiet", "--shared", "--", str(context.root), str(clone))
    user, as_user = circumstance(environment, "user", USER, "4711")
    clock, at_time = circumstance(environment, "clock", CLOCK, "90 days later")
    findings = [ok("folder", "another one"), as_user, at_time]
    return Elsewhere(clone, environment, locked, user, clock), findings


def circumstance(
    environment: dict[str, str], what: str, prefix: tuple[str, ...], meaning: str
) -> tuple[tuple[str, ...], Finding]:
    """Try a program that changes a circumstance; without it the build runs as it is."""
    try:
        processes.run([*prefix, "true"], environment=environment)
    except ServiceError as error:
        return (), not_checked(what, f"as here: {error.cause.splitlines()[0]}")
    return prefix, ok(what, meaning)


def package(context: Context, elsewhere: Elsewhere) -> Iterator[Finding]:
    """Build the wheel and the sdist again, and compare each with its locked hash."""
    dists = elsewhere.lock.dists
    if not dists:
        return
    elsewhere.prepare(elsewhere.lock.plan)
    context.console.step("download what the build needs")
    # By a first build with the right clock: certificates have expired in 90 days.
    elsewhere.build("dists")
    context.console.step("build the wheel and the sdist again")
    built = elsewhere.clone / "release" / "out" / "dist"
    shutil.rmtree(built)
    elsewhere.build("dists", prefix=(*elsewhere.user, *elsewhere.clock), UV_OFFLINE="1")
    shutil.copytree(built, elsewhere.clone / "release" / "in" / "dist")
    for dist in dists:
        yield compared(context, elsewhere.lock.plan.project, dist, built / dist.name)


def compared(context: Context, project: str, dist: LockedDist, built: Path) -> Finding:
    """Compare a file with the lock; name the members that differ from the published file."""
    found = lockfile.locked_dist(dist.name, built.read_bytes())
    if found == dist:
        return ok(dist.name, f"sha256 {dist.sha256}")
    ours = context.outputs / "rebuild" / "again" / dist.name
    theirs = context.outputs / "rebuild" / "published"
    for folder in (ours.parent, theirs):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(built, ours)
    published = context.index.download(project, dist.name, theirs)
    different = list(archives.differences(published, ours)) or ["only the compression"]
    more = [f"and {len(different) - MOST} more"] if len(different) > MOST else []
    remedy = f"{REMEDY}; `diffoscope {published} {ours}` shows more"
    return Finding(dist.name, PROBLEM, "; ".join([*different[:MOST], *more]), remedy=remedy)


def images(context: Context, elsewhere: Elsewhere) -> Iterator[Finding]:
    """Build each platform's image again without a push, and compare its digest."""
    if not elsewhere.lock.images:
        return
    try:
        processes.run(["docker", "buildx", "inspect"], environment=elsewhere.environment)
    except ServiceError as error:
        yield not_checked("images", f"no builder here: {error.cause.splitlines()[0]}")
        return
    elsewhere.prepare(elsewhere.lock.plan.for_mode(planning.DRY_RUN))
    for image in elsewhere.lock.images:
        for platform, digest in sorted(image.platforms.items()):
            context.console.step(f"build {image.name} for {platform} again")
            yield again(elsewhere, image.name, platform, digest)


def bases(lock: Lock, name: str, platform: str) -> dict[str, list[dict[str, object]]]:
    """Tell BuildKit to take the locked base image, wherever its tag leads now (source policy)."""
    found = [one for one in lock.bases if (one.image, one.platform) == (name, platform)]
    sources = {f"docker-image://{one.reference}": one.digest for one in found if one.reference}
    return {
        "rules": [
            {
                "action": "CONVERT",
                "selector": {"identifier": source},
                "updates": {"identifier": f"{source}@{digest}"},
            }
            for source, digest in sources.items()
        ]
    }


def again(elsewhere: Elsewhere, name: str, platform: str, digest: str) -> Finding:
    """Build one image; a build that fails is a finding too."""
    what = f"image {name} for {platform}"
    words = ("image", f"--name={name}", f"--platform={platform}")
    policy = elsewhere.clone.parent / "bases.json"
    policy.write_text(json.dumps(bases(elsewhere.lock, name, platform)), "utf-8")
    try:
        elsewhere.build(*words, prefix=elsewhere.user, **{SOURCE_POLICY: str(policy)})
    except ReleaseError as error:
        return Finding(what, PROBLEM, error.cause, remedy=error.remedy)
    (path,) = (elsewhere.clone / "release" / "out" / "results").glob("image-*.json")
    found = codec.decode(Result, path.read_bytes(), path.name).facts["digest"]
    path.unlink()
    if found != digest:
        return Finding(what, PROBLEM, f"{found}, the lock has {digest}", remedy=REMEDY)
    return ok(what, digest)
