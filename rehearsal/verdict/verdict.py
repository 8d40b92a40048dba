"""The verdict of a rehearsal: the planned and the actual state of each surface.

It reads the surfaces anonymously, through the same `observe` as the release itself, and compares
them with the published lock. It does not use the log of the run.
"""

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rehearsal.gateway import journal
from rehearsal.runs.recorder import JobRun
from rehearsal.runs.run import Run
from rehearsal.verdict import price
from rehearsal.verdict.price import Price
from rehearsal.world import git_repo
from rehearsal.world.world import World
from scripts.core import lockfile, tags, version
from scripts.core.converge import Conflict, Matches, Surface
from scripts.core.errors import ReleaseError
from scripts.core.jobs import WORKFLOW
from scripts.core.lockfile import Lock
from scripts.release.assets import COMPOSE, SBOMS, SUMS, VERIFIER
from scripts.release.context import Context
from scripts.release.release_surfaces import surfaces
from scripts.standalone.verify import Source, signer
from scripts.tools import index_attestations
from scripts.tools.environment import Environment

AN_HOUR = 1000
"""Requests to GitHub's API that a repository's runs have in an hour, all together."""
OWN_SHARE = 0.25
"""The share of a run's time that the rehearsal itself may take."""
NOTHING = "nothing"
AS_BEFORE = ", as before"


@dataclass(frozen=True)
class Row:
    """One surface."""

    surface: str
    expected: str
    found: str
    ok: bool


@dataclass(frozen=True)
class Seconds:
    """The times of a rehearsal in seconds. `busy` is when the project's own steps were at work."""

    up: float
    run: float
    busy: float
    look: float
    down: float = 0.0

    @property
    def total(self) -> float:
        """From the first thing done to the last."""
        return self.up + self.run + self.look + self.down

    @property
    def own_share(self) -> float:
        """The rehearsal's own part of the total, from 0 to 1."""
        return 1 - self.busy / self.total if self.total else 0.0


@dataclass(frozen=True)
class Snapshot:
    """The names before a run or after it, each with a title."""

    state: Mapping[str, str]

    def changes(self, later: "Snapshot") -> Iterator[Row]:
        """Yield a row for each reference and file, which must be unchanged."""
        for title in sorted({*self.state, *later.state}):
            before, after = self.state.get(title, NOTHING), later.state.get(title, NOTHING)
            yield Row(title, f"{before}{AS_BEFORE}", after, before == after)


@dataclass(frozen=True)
class Verdict:
    """All that `verdict.json` says."""

    version: str
    mode: str
    surfaces: Sequence[Row]
    jobs: Mapping[str, float]
    steps: Mapping[str, Mapping[str, float]]
    writes: Mapping[str, int]
    seconds: Seconds
    problems: Sequence[str] = field(default_factory=tuple)
    requests: int = 0
    """The number of requests to GitHub's API."""
    refusals: Sequence[str] = field(default_factory=tuple)
    """GitHub's refusals, and what to do about them."""
    left_out: Sequence[str] = field(default_factory=tuple)
    """Newer keys of the workflow files, which act did not see."""
    sent: int = 0
    """The bytes that the run sent to the services."""
    price: Price | None = None
    """The cost of such a run on GitHub, if its jobs work there for as long as here."""

    @property
    def ok(self) -> bool:
        """Tell whether every surface is as planned and every job ran as expected."""
        return not self.problems and bool(self.surfaces) and all(row.ok for row in self.surfaces)

    def save(self, path: Path) -> None:
        """Write it for programs to read."""
        seconds = {**asdict(self.seconds), "total": self.seconds.total}
        seconds = {name: round(value, 1) for name, value in seconds.items()}
        own = {"ok": self.ok, "own_share": round(self.seconds.own_share, 3)}
        path.write_text(json.dumps({**own, **asdict(self), "seconds": seconds}, indent=1) + "\n")


@dataclass(frozen=True)
class Before:
    """The state before the run, and the journal's length in bytes."""

    snapshot: Snapshot
    offset: int

    @classmethod
    def of(cls, world: World) -> "Before":
        """Read the state before a run."""
        return cls(snapshot(world), journal.size(world.endpoints.journal))


def of_run(world: World, run: Run, mode: str, before: Before, up: float) -> Verdict:
    """Check everything and return the run's verdict.

    `mode` is release, dry-run or again; `up` the seconds that the world took to come up.
    """
    began = time.monotonic()
    wanted = run.outputs.get("plan", {}).get("tag", "")
    heard = (world.endpoints.journal, before.offset)
    writes, asked, refused = (
        journal.writes_by_service(*heard),
        journal.api_requests(*heard),
        journal.refusals(*heard),
    )
    rows: list[Row] = []
    if mode != "release":
        rows += before.snapshot.changes(snapshot(world))
        rows += [
            Row(f"write requests to {k}", "0", str(n), not n) for k, n in sorted(writes.items())
        ]
    if mode != "dry-run":
        rows += released(world, wanted, before.snapshot)
    return Verdict(
        version=wanted.removeprefix("v") or world.version,
        mode=mode,
        surfaces=rows,
        jobs={job.label: round(job.seconds, 1) for job in run.jobs},
        steps={job.label: _steps(job) for job in run.jobs},
        writes=writes,
        seconds=Seconds(up, run.seconds, run.busy, time.monotonic() - began),
        problems=problems(world, run, wanted, asked),
        requests=asked,
        refusals=refused,
        left_out=run.left_out,
        sent=journal.sent(*heard),
        price=_price(run),
    )


def _price(run: Run) -> Price | None:
    """Price the run; None where the repository has given its workflow another name."""
    if not Path(WORKFLOW).exists():
        return None
    return price.of_workflow(Path(), Path(WORKFLOW).name, worked(run))


def worked(run: Run) -> dict[str, list[float]]:
    """Return the seconds of each leg's longest step, which is its stage or its command."""
    found: dict[str, list[float]] = {}
    for job in run.jobs:
        found.setdefault(job.key, []).append(max((step.seconds for step in job.steps), default=0))
    return found


def problems(world: World, run: Run, wanted: str, asked: int) -> list[str]:
    """List in words what went wrong in the run itself."""
    found = [f"job {job.label} failed: {job.log}" for job in run.jobs if job.result != "success"]
    found += run.problems
    if asked > AN_HOUR:
        found.append(
            f"the run asked GitHub's API {asked} times: API rate limit exceeded for installation "
            f"at {AN_HOUR} an hour. Send each request once, ask for 100 results a page, and keep "
            "the answer"
        )
    typed = world.version
    if wanted and typed not in version.STEPS and version.tag(version.parse(typed)) != wanted:
        found.append(f"the input was {typed}, but the plan has {wanted}")
    return found


def snapshot(world: World) -> Snapshot:
    """Note everything that has a name: references, releases and drafts, files, image tags."""
    context = reader(world, with_token=True)
    state = {f"git {name}": commit for name, commit in context.git.refs().items()}
    for release in context.forge.releases():
        kind = "draft" if release.draft else "release"
        text = hashlib.sha256(f"{release.name}\n{release.body}".encode()).hexdigest()[:12]
        state[f"{kind} {release.tag_name}"] = f"number {release.id}, text {text}"
    state["Latest release"] = context.forge.latest() or NOTHING
    config = context.config_at(git_repo.git(world.bare, "rev-parse", "HEAD"))
    for file in context.index.files(config.project):
        state[f"file {file.filename}"] = str(file.digests.get("sha256"))
    for image in config.images:
        repository = context.endpoints.hosted(image.repository)
        for tag in _known_tags(context):
            if found := context.registry.find(f"{repository}:{tag}"):
                state[f"image {image.name}:{tag}"] = found.digest
    return Snapshot(state)


def released(world: World, tag: str, before: Snapshot) -> Iterator[Row]:
    """Yield a row for every surface of a release, and for every pointer that must stay."""
    context = reader(world)
    release = context.forge.release(tag) if tag else None
    text = context.forge.asset(release, lockfile.NAME) if release else None
    if release is None or text is None:
        found = "no public release" if release is None else f"no {lockfile.NAME}"
        yield Row(f"release {tag or world.version}", "published", found, False)
        return
    lock = lockfile.read(text)
    assets = {asset.name: f"{asset.size} bytes" for asset in release.get_assets()}
    yield _assets(lock, assets, compose=bool(context.config_at(lock.plan.base).compose))
    for surface in surfaces(context, lock):
        yield _row(surface)
    yield from _platforms(context, lock)
    yield from _unmoved(context, lock, before)
    if not world.private:
        yield from _published(world, context, lock)
        yield _from_outside(world, context.forge.asset(release, VERIFIER), lock)


def reader(world: World, *, with_token: bool = False) -> Context:
    """Make the context of a person with only a clone; drafts need a writer's token."""
    root = world.folder / "reader"
    if not root.exists():
        git_repo.tree(world.bare, git_repo.git(world.bare, "rev-parse", "HEAD"), root)
    environment = world.reader()
    if with_token:
        environment["GITHUB_TOKEN"] = world.token
    return Context(Environment(environment), root)


def table(verdict: Verdict) -> list[str]:
    """Return the verdict as lines for a person."""
    kept = [row for row in verdict.surfaces if row.ok and row.expected.endswith(AS_BEFORE)]
    shown = [row for row in verdict.surfaces if row not in kept]
    width = max((len(row.surface) for row in shown), default=0)
    lines = [f"verdict on {verdict.version} ({verdict.mode})", ""]
    lines += [f"  ok   {len(kept)} names and pointers are{AS_BEFORE[1:]}"] if kept else []
    for row in shown:
        lines.append(f"  {'ok ' if row.ok else 'NOT'}  {row.surface:<{width}}  {_short(row.found)}")
        if not row.ok:
            lines.append(f"       {'':<{width}}  expected: {_short(row.expected)}")
    lines += [f"  NOT  {problem}" for problem in verdict.problems]
    lines += [f"  refused  {one}" for one in verdict.refusals]
    lines += [f"  not seen by act  {one}" for one in verdict.left_out]
    writes = ", ".join(f"{name} {count}" for name, count in sorted(verdict.writes.items()))
    seconds = verdict.seconds
    over = seconds.own_share > OWN_SHARE
    share = f"{seconds.own_share:.0%}{', more than allowed' if over else ''}"
    return [
        *lines,
        "",
        f"  writes   {writes or 'none'}",
        f"  requests {verdict.requests} to GitHub's API ({AN_HOUR} an hour for a repository)",
        f"  sent     {verdict.sent / 1e6:.1f} MB to the services",
        *(price.table(verdict.price) if verdict.price else ()),
        f"  seconds  {seconds.total:.0f}: world up {seconds.up:.0f}, run {seconds.run:.0f}, "
        f"checks {seconds.look:.0f}, world down {seconds.down:.0f}; "
        f"the rehearsal's own share {share} (at most {OWN_SHARE:.0%})",
        f"  {'as planned' if verdict.ok else 'NOT as planned'}",
    ]


def _short(text: str) -> str:
    """Cut digests to what an eye can compare; `verdict.json` has them whole."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b", r"\1", text)


def _row(surface: Surface) -> Row:
    try:
        state = surface.observe()
    except ReleaseError as error:
        return Row(surface.title, surface.planned, error.cause, False)
    found = state.cause if isinstance(state, Conflict) else state.detail
    return Row(surface.title, surface.planned, found, isinstance(state, Matches))


def _assets(lock: Lock, assets: Mapping[str, str], *, compose: bool) -> Row:
    extra = {COMPOSE} if compose and lock.images else set()
    extra |= {SBOMS} if lock.sboms else set()
    planned = {*(dist.name for dist in lock.dists), lockfile.NAME, SUMS, VERIFIER, *extra}
    title = f"assets of release {lock.plan.tag}"
    return Row(title, ", ".join(sorted(planned)), ", ".join(sorted(assets)), set(assets) == planned)


def _from_outside(world: World, program: bytes | None, lock: Lock) -> Row:
    """Run the release's own program as a stranger does, in an empty folder."""
    title, wanted = f"{VERIFIER} of release {lock.plan.tag}", "pass"
    if program is None:
        return Row(title, wanted, NOTHING, False)
    folder = world.folder / "stranger"
    folder.mkdir(exist_ok=True)
    (folder / VERIFIER).write_bytes(program)
    where = (f"{world.endpoints.github}/{world.repository}", lock.plan.tag)
    options = (f"--index={world.endpoints.index_simple}", f"--root={world.trusted_root}")
    command, reader = [sys.executable, "-I", VERIFIER, *where, *options], world.reader()
    environment = {**reader, "PATH": f"{Path(sys.executable).parent}:{reader['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    found = (done.stdout or done.stderr).strip().splitlines()[-1:]
    return Row(title, wanted, found[0] if found else NOTHING, done.returncode == 0)


def _published(world: World, context: Context, lock: Lock) -> Iterator[Row]:
    """Have pypi-attestations check what the index shows of each file, as its users do."""
    from scripts.surfaces.attestations import KINDS  # noqa: PLC0415 - start-up counts

    plan, folder = lock.plan, world.folder / "published"
    folder.mkdir(exist_ok=True)
    file, _, ref = (lock.signing.by if lock.signing else "").partition("@")
    by = signer(Source(world.repository, file, ref))
    root = json.loads(world.trusted_root.read_text(encoding="utf-8"))
    for dist in lock.dists:
        title, shown = f"attestations of {dist.name}", []
        try:
            path = context.index.download(plan.project, dist.name, folder)
            shown = context.index.attestations(plan.project, dist.name)
            environment = context.environment.inherited()
            index_attestations.check(path, shown, KINDS, by, environment, root=root)
        except ReleaseError as error:
            yield Row(title, by, error.cause, False)
        else:
            yield Row(
                title,
                f"{len(KINDS)} by {by}",
                f"{len(shown)} by {by}",
                len(shown) == len(KINDS),
            )


def _platforms(context: Context, lock: Lock) -> Iterator[Row]:
    for image in lock.plan.images:
        locked = lock.image(image.name)
        found = context.registry.find(image.reference)
        for platform, digest in locked.platforms.items():
            seen = found.platforms.get(platform, NOTHING) if found else NOTHING
            yield Row(f"image {image.name} {platform}", digest, seen, seen == digest)


def _unmoved(context: Context, lock: Lock, before: Snapshot) -> Iterator[Row]:
    """Yield names that this release must not change: they must be as before, or still absent."""
    for image in lock.plan.images:
        prefix = f"image {image.name}:"
        known = {key.removeprefix(prefix) for key in before.state if key.startswith(prefix)}
        given = {image.tag, *image.floating}
        for tag in sorted({*known, *_lines(lock.plan.version)} - given):
            was = before.state.get(f"{prefix}{tag}", NOTHING)
            found = context.registry.find(f"{image.repository}:{tag}")
            seen = found.digest if found else NOTHING
            yield Row(f"{prefix}{tag} unmoved", was, seen, seen == was)
    if not lock.plan.latest:
        was, seen = before.state["Latest release"], context.forge.latest() or NOTHING
        yield Row("Latest release unmoved", was, seen, seen == was)


def _lines(text: str) -> list[str]:
    parsed = version.parse(text)
    return [tags.LATEST, f"{parsed.major}", f"{parsed.major}.{parsed.minor}"]


def _known_tags(context: Context) -> set[str]:
    """Return every image tag that a release of a version with a git tag may have."""
    found = {tags.LATEST}
    for name in context.git.refs():
        if name.startswith("refs/tags/"):
            tag = name.removeprefix("refs/tags/")
            found |= {tag, *_lines(tag)}
    return found


def _steps(job: JobRun) -> dict[str, float]:
    return {f"{n}. {step.name}": round(step.seconds, 1) for n, step in enumerate(job.steps, 1)}
