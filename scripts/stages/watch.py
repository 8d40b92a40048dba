"""Watch past releases: what became known about the published artifacts since they were released.

Four jobs, so that no foreign program meets a token that writes: `look` reads the locks and the
public services, `scan` runs the scanner without any token, `issues` keeps one issue for each
finding, and `propose` asks for the patch release. Without a step it looks and scans, and writes
nothing.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from scripts.core import changelog, codec, lockfile, proof, sbom, version, watching
from scripts.core.converge import CHECK, Outcome, converge
from scripts.core.errors import ServiceError, UsageError
from scripts.core.lockfile import Lock
from scripts.core.results import Done
from scripts.core.sbom import PYPI, Inventory, normalised
from scripts.core.scan_policy import Verdict
from scripts.core.watching import Found, Moved, Table, Watched
from scripts.release import dependencies, released, sboms, scanning
from scripts.release.configuration import TABLE, Config
from scripts.release.context import Context
from scripts.surfaces import kept_issue, proposal
from scripts.surfaces.kept_issue import KeptIssue
from scripts.surfaces.proposal import UpdateBranch, UpdateRequest
from scripts.tools import processes

FOLDER = "watch"
LOOKED, FOUND, FILES = "looked.json", "found.json", "files"
KEEPER = "the watch of releases"
RUNTIMES = Path(__file__).parents[1] / "release" / "runtimes.toml"
UNSCANNED = f"Not scanned: [{TABLE}.scan] is not set, or the release has no SBOMs."
REFRESHED = 900  # seconds
AT_ONCE = 8  # requests to the index


def run(context: Context, step: str | None = None) -> Done:
    """Run one step; without one, show what a watch finds."""
    if step:
        return STEPS[step](context)
    look(context)
    return scan(context, refresh=False)


def look(context: Context) -> Done:
    """Hand over the last locks and SBOMs, and what the public services say of the newest."""
    config = context.config_at("HEAD").watch
    subjects = released.last(context, config.releases)
    held: dict[str, dict[str, Inventory]] = {}
    for one in subjects:
        if one.lock:
            held[one.tag] = sboms.released(context, one.lock, one.release)
            hand_over(context, one.lock, held[one.tag])
    if not held:
        return _handed(context, Found("", ()), "no release has a lock")
    newest = subjects[0]
    assert newest.lock  # noqa: S101 - only releases with a lock are listed
    moved = tuple(_moved(context, newest.lock))
    findings = [
        *(watching.base(newest.tag, one) for one in moved),
        *_yanked(context, newest.lock, held[newest.tag]),
        *_ending(context, newest.lock, held[newest.tag]),
    ]
    found = Found(newest.tag, tuple(findings), moved)
    return _handed(context, found, f"releases: {', '.join(held)}")


def _handed(context: Context, found: Found, detail: str) -> Done:
    context.write(f"{FOLDER}/{LOOKED}", codec.encode(found))
    return Done((Outcome("watch", detail, written=False, kind=CHECK),))


def hand_over(context: Context, locked: Lock, found: Mapping[str, Inventory]) -> None:
    """Write a release's lock and its SBOMs for the next job."""
    folder = f"{FOLDER}/{locked.plan.version}"
    context.write(f"{folder}/{lockfile.NAME}", lockfile.write(locked))
    for name, each in found.items():
        context.write(f"{folder}/{sboms.FOLDER}/{name}", sbom.write(each, 0))


def _moved(context: Context, locked: Lock) -> Iterator[Moved]:
    groups = watching.recorded(locked.bases)
    today: dict[str, list[str]] = {}
    for reference in groups:
        context.console.step(f"base image {reference}")
        found = context.ask(partial(context.registry.find, _asked(context, reference)))
        today[reference] = [found.digest, *found.platforms.values()] if found else []
    return watching.moved(groups, today)


def _asked(context: Context, reference: str) -> str:
    """Give the reference in the mirror of Docker Hub, if there is one."""
    host, _, path = reference.partition("/")
    mirror = context.endpoints.hub_mirror
    return f"{mirror}/{path}" if mirror and host == "docker.io" else reference


def _yanked(context: Context, locked: Lock, found: Mapping[str, Inventory]) -> Iterator[Watched]:
    """Ask the index for each Python package but the project's own."""
    where: dict[tuple[str, str], dict[str, str]] = {}
    for each in found.values():
        for one in each.components:
            if one.package.kind == PYPI:
                named = where.setdefault((one.package.name, one.package.version), {})
                named[each.name] = one.origin
    own = normalised(locked.plan.project)
    wanted = sorted(one for one in where if one[0] != own)
    context.console.step(f"ask the index for {len(wanted)} packages")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(partial(_is_yanked, context), wanted))
    for package, answer in zip(wanted, answers, strict=True):
        if answer:
            yield watching.yanked(locked.plan.tag, *package, where[package])


def _is_yanked(context: Context, package: tuple[str, str]) -> bool:
    return context.ask(lambda: context.index.yanked(*package))


def _ending(context: Context, locked: Lock, found: Mapping[str, Inventory]) -> Iterator[Watched]:
    named = watching.runtimes(locked.bases, found.values())
    day = datetime.now(UTC).date()
    return watching.ending(locked.plan.tag, named, table(context), day)


def table(context: Context) -> Table:
    """Read the days on which runtimes end; the repository's own table comes first."""
    known: dict[str, dict[str, date | str]] = tomllib.loads(RUNTIMES.read_text("utf-8"))
    path = context.config_at("HEAD").watch.runtimes
    if path is None:
        return known
    try:
        own = tomllib.loads(context.text_at("HEAD", path))
        return known | {name: known.get(name, {}) | one for name, one in own.items()}
    except (tomllib.TOMLDecodeError, TypeError) as error:
        remedy = f"give it the form of {RUNTIMES.name}: a table for each runtime"
        raise UsageError(f"{path} is not a table of runtimes: {error}", remedy) from error


def scan(context: Context, *, refresh: bool = True) -> Done:
    """Scan the published SBOMs with the advisories of today."""
    looked, locks = _read(context, LOOKED), list(handed(context))
    verdicts = _verdicts(context, locks)
    findings = looked.findings
    outdated: tuple[str, ...] = ()
    if looked.newest in verdicts:
        findings += tuple(watching.vulnerabilities(verdicts))
        outdated = watching.outdated(verdicts[looked.newest], locks[0][1])
    refreshed = _refresh(context, outdated) if refresh else ()
    left = _left(context, refreshed)
    found = Found(looked.newest, findings, looked.moved, outdated, refreshed, left)
    context.write(f"{FOLDER}/{FOUND}", codec.encode(found))
    context.report(_page(found, verdicts, [one.plan.tag for one, _ in locks]), found=found)
    detail = f"{len(found.findings)} findings"
    return Done((Outcome("watch", detail, written=False, kind=CHECK),))


def _refresh(context: Context, packages: tuple[str, ...]) -> tuple[str, ...]:
    """Update lock files here, where the project's command meets no token; hand them over."""
    command = context.config_at("HEAD").watch.refresh
    named = [one for one in packages if re.fullmatch(r"[a-z0-9-]+", one)]
    if not (command and named):
        return ()
    told = " ".join(f"--upgrade-package={one}" for one in named)
    words = [one.replace("{packages}", told) for one in command]
    context.console.step(f"update {', '.join(named)}")
    environment = context.environment.inherited()
    try:
        processes.run(words, cwd=context.root, environment=environment, timeout=REFRESHED)
    except ServiceError as error:
        context.errors.warn(error)
        return ()
    listed = context.git.run("diff", "--name-only", "-z", "HEAD", "--").split("\0")
    changed = tuple(path for path in listed if dependencies.LOCK.fullmatch(path))
    for path in changed:
        context.write(f"{FOLDER}/{FILES}/{path}", (context.root / path).read_text("utf-8"))
    return changed


def _left(context: Context, refreshed: tuple[str, ...]) -> tuple[str, ...]:
    """Scan the updated lock files, and name what would still stop a release."""
    config = context.config_at("HEAD").scan
    if config is None or not refreshed:
        return ()
    texts = {path: (context.root / path).read_text("utf-8") for path in refreshed}
    pins = {path: dependencies.pins(path, text) for path, text in texts.items()}
    found = [sbom.environment(path, "", "", each.items()) for path, each in pins.items()]
    day = datetime.now(UTC).date().isoformat()
    verdict = scanning.judge(context, config, found).verdict(found, day)
    return tuple(f"{one.id} in {one.package} {one.version}" for one in verdict.stopping)


def _verdicts(context: Context, locks: list[tuple[Lock, list[Inventory]]]) -> dict[str, Verdict]:
    """Judge each release that has SBOMs, by the policy of today."""
    config = context.config_at("HEAD").scan
    scanned = [(locked, found) for locked, found in locks if found]
    if config is None or not scanned:
        return {}
    judge = scanning.judge(context, config, [one for _, found in scanned for one in found])
    day = datetime.now(UTC).date().isoformat()
    return {locked.plan.tag: judge.verdict(found, day, locked) for locked, found in scanned}


def _page(found: Found, verdicts: Mapping[str, Verdict], watched: list[str]) -> str:
    """Write the summary: every finding, then each release's verdict."""
    head = f"## Watch of {found.newest}" if found.newest else "## Watch: no release has a lock"
    lines = [f"- ⚠️ {one.title}" for one in found.findings] or ["- ✅ nothing to do"]
    parts = [head, "\n".join(lines)]
    for tag in watched:
        line, details = proof.security(verdicts[tag]) if tag in verdicts else (UNSCANNED, "")
        parts.append(f"### {tag}\n\n{line}\n\n{details}".rstrip())
    return "\n\n".join(parts) + "\n"


def handed(context: Context) -> Iterator[tuple[Lock, list[Inventory]]]:
    """Read what `look` handed over, the newest release first."""
    folders = [one.parent for one in _folder(context).glob(f"*/{lockfile.NAME}")]
    for folder in sorted(folders, key=lambda one: version.parse(one.name), reverse=True):
        locked = lockfile.read((folder / lockfile.NAME).read_bytes())
        paths = sorted((folder / sboms.FOLDER).glob("*"))
        yield locked, [sbom.read(one.read_bytes(), one.name) for one in paths]


def _folder(context: Context) -> Path:
    """Give the folder of an earlier job, or of this process where one does both."""
    there = context.inputs / FOLDER
    return there if there.is_dir() else context.outputs / FOLDER


def _read(context: Context, name: str) -> Found:
    path = _folder(context) / name
    if not path.is_file():
        job = "look" if name == LOOKED else "scan"
        raise UsageError(
            f"{name} is missing: this step needs the output of `watch {job}`",
            f"run the job `{job}` again, then this one",
        )
    return codec.decode(Found, path.read_bytes(), name)


def issues(context: Context) -> Done:
    """Keep one issue for each finding: open it, update it in place, close it when it is gone."""
    found = _read(context, FOUND).findings
    kept = [_issue(context, one) for one in found]
    old = context.ask(partial(kept_issue.others, context.forge, KEEPER, {one.mark for one in kept}))
    return Done(tuple(converge([*kept, *old], context.environment.patience)))


def _issue(context: Context, one: Watched) -> KeptIssue:
    mark = kept_issue.mark(KEEPER, one.fingerprint)
    return KeptIssue(context.forge, mark, one.title, one.text, kept_issue.GONE)


def propose(context: Context) -> Done:
    """Ask for the changes that clear the findings, by a branch and a pull request."""
    found, config = _read(context, FOUND), context.config_at("HEAD")
    base = context.git.run("rev-parse", "HEAD")
    texts = updates(context, config, found)
    if not texts:
        return Done((Outcome("proposal", "nothing to update", written=False),))
    target = context.environment.trigger().branch or config.branch
    target = target or context.ask(context.git.default_branch)
    body = watching.proposal(found, _changes(context, found))
    message = f"{proposal.TITLE}\n\n{body}\n"
    branch = UpdateBranch(context.git, base, texts, message, config.author)
    asking = (context.forge.find_pull_request, context.forge.open_pull_request)
    text = (proposal.BRANCH, proposal.TITLE, body)
    request = UpdateRequest(target, *asking, *text, forge=context.forge, follows=branch.is_own)
    return Done(tuple(converge([branch, request], context.environment.patience)))


def updates(context: Context, config: Config, found: Found) -> dict[str, str]:
    """Give the new texts of Dockerfiles that pin a moved digest, lock files and the changelog."""
    now = {image.dockerfile: context.read_at("HEAD", image.dockerfile) for image in config.images}
    new = {path: watching.pinned(text, found.moved) for path, text in now.items()}
    for path in found.refreshed:
        now[path] = context.read_at("HEAD", path)
        new[path] = _written(context, path)
    if config.keeps_changelog:
        path, packages = config.changelog, found.outdated if found.refreshed else ()
        now[path] = context.read_at("HEAD", path)
        new[path] = changelog.insert(now[path], watching.updated(found.moved, packages), path)
    return {path: text for path, text in new.items() if text != now[path]}


def _changes(context: Context, found: Found) -> dict[str, list[str]]:
    """Name each package that an updated lock file changes, with those files."""
    changes: dict[str, list[str]] = {}
    for path in found.refreshed:
        texts = (context.read_at("HEAD", path), _written(context, path))
        before, now = (dependencies.pins(path, text) for text in texts)
        for name, old, new in sbom.changes(before, now):
            changes.setdefault(f"{name} {old} → {new}", []).append(path)
    return changes


def _written(context: Context, path: str) -> str:
    """Read a lock file that `scan` updated."""
    return (_folder(context) / FILES / path).read_text("utf-8")


STEPS: dict[str, Callable[[Context], Done]] = {
    "look": look,
    "scan": scan,
    "issues": issues,
    "propose": propose,
}
