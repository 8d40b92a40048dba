"""Find what would stop the release later, before anything is built. Nothing is written."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

import requests
from ruamel.yaml import YAML

from scripts import processes, start
from scripts.context import Context
from scripts.core import report
from scripts.core.converge import patiently
from scripts.core.errors import CheckError, ServiceError
from scripts.core.findings import PROBLEM, Finding, not_checked, ok
from scripts.core.results import Done
from scripts.start import Start
from scripts.surfaces import web
from scripts.surfaces.registry_access import may_push

WORKFLOW = ".github/workflows/release.yml"
CLOSED = timedelta(days=14)  # the public index takes no new file for an older release
LOOK = 30  # seconds for one check: what cannot be looked at is said, and stops nothing
SKEW = timedelta(minutes=2)
NEEDED = {
    "git": (("git", "--version"), (2, 38)),  # merge-tree --write-tree
    "buildx": (("docker", "buildx", "version"), (0, 13)),  # imagetools --dry-run, named contexts
    "compose": (("docker", "compose", "version", "--short"), (2, 24)),  # !override
}
Check = Callable[[Context, Start], Iterator[Finding]]


def run(context: Context) -> Done:
    """Print every finding; fail if one is a problem."""
    findings = examine(context, start.find(context))
    text = report.findings("Doctor", findings)
    print(text)
    context.runner.summary(text)
    problems = [finding for finding in findings if finding.status == PROBLEM]
    if problems:
        raise CheckError(
            "; ".join(f"{finding.what}: {finding.found}" for finding in problems),
            "; ".join(finding.remedy for finding in problems),
        )
    return Done()


def examine(context: Context, began: Start) -> list[Finding]:
    """Make every check; one that the token may not make is said to be not made."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            look = partial(_made, check, context, began)
            findings += patiently(look, context.runner.patience(LOOK))
        except ServiceError as error:
            findings.append(not_checked(check.__name__.replace("_", " "), error.cause))
    return findings


def _made(check: Check, context: Context, began: Start) -> list[Finding]:
    return list(check(context, began))


def token(context: Context, _: Start) -> Iterator[Finding]:
    """Look whether the token may write."""
    what = "the token may write"
    if context.secrets.github is None:
        yield not_checked(what, "no GITHUB_TOKEN here")
    elif context.git.may_push():
        yield ok(what, context.endpoints.repository)
    else:
        why = "the release branch, the tag and the release are written with it"
        remedy = "give the job `contents: write`, or use a token that has it"
        yield Finding(what, PROBLEM, "read only", why, remedy, _settings(context, "actions"))


def environments(context: Context, began: Start) -> Iterator[Finding]:
    """Look for the environments that the workflow names, and for reviewers."""
    page = _settings(context, "environments")
    wanted = ["release", *(["pypi"] if began.config.package else [])]
    found = context.forge.environments()
    for name in wanted:
        what = f"environment {name}"
        if name not in found:
            why = "a job whose environment is not set up runs in a new one, without protection"
            yield Finding(what, PROBLEM, "not there", why, f"make the environment {name}", page)
        elif name == "release" and not found[name]:
            yield not_checked(
                what, "has no reviewers: every release is approved by itself", "", page
            )
        else:
            yield ok(what, "there")


def publisher(context: Context, began: Start) -> Iterator[Finding]:
    """Compare the workflow with what trusted publishing asks for."""
    if not began.config.package:
        return
    what = "trusted publishing"
    workflow = YAML(typ="safe").load(context.read_at(began.commit, WORKFLOW))
    jobs = [job for job in workflow["jobs"].values() if job.get("environment") == "pypi"]
    if any((job.get("permissions") or {}).get("id-token") == "write" for job in jobs):
        where = f"enter {WORKFLOW.rpartition('/')[2]} and environment pypi at the index"
        yield not_checked(what, f"the workflow is right; {where}, which no API shows")
    else:
        why = "the index trusts one job of one file, by its identity token"
        remedy = f"give a job of {WORKFLOW} `environment: pypi` and `id-token: write`"
        yield Finding(what, PROBLEM, "no job of the workflow can publish", why, remedy)


def branch(context: Context, began: Start) -> Iterator[Finding]:
    """Look whether the release commit can come to its branch, directly or by a pull request."""
    if began.branch is None:
        return
    what = f"branch {began.branch}"
    if not context.forge.protected(began.branch):
        yield ok(what, "takes the release commit")
        return
    page = _settings(context, "actions")
    allowed = context.forge.setting("actions/permissions/workflow")
    if allowed is None:
        yield not_checked(what, "protected: the release ends in a pull request", page=page)
    elif allowed.get("can_approve_pull_request_reviews"):
        yield ok(what, "protected: the release ends in a pull request")
    else:
        why = "the branch is protected, so the release commit comes by pull request"
        remedy = "allow GitHub Actions to create pull requests"
        yield Finding(what, PROBLEM, "Actions may not create pull requests", why, remedy, page)


def immutable(context: Context, _: Start) -> Iterator[Finding]:
    """Say whether published releases can be changed."""
    found = context.forge.setting("immutable-releases")
    page = _settings(context, "")
    if found is None:
        yield not_checked("immutable releases", "the token may not read it", page=page)
    else:
        yield ok("immutable releases", "on" if found.get("enabled") else "off: turn them on")


def registry(context: Context, began: Start) -> Iterator[Finding]:
    """Ask the registry for a token that may push, and push nothing."""
    user, secret = context.secrets.registry_username, context.secrets.registry_token
    for image in start.product(context, began.config).images:
        what = f"registry takes {image.repository}"
        if not (user and secret):
            yield not_checked(what, "no REGISTRY_USERNAME and REGISTRY_TOKEN here")
        elif may_push(image.repository, user, secret, context.runner.silence()):
            yield ok(what, f"from {user}")
        else:
            why = "six images are built before the first is pushed"
            remedy = "check REGISTRY_USERNAME and REGISTRY_TOKEN, and the token's scope"
            yield Finding(what, PROBLEM, f"not from {user}", why, remedy)


def package(context: Context, began: Start) -> Iterator[Finding]:
    """Look whether the index still takes files of the version that is asked for."""
    if not (began.config.package and (began.tag or context.runner.trigger().version)):
        return
    wanted = start.wanted(context, began)
    first = context.index.first_upload(began.config.project, str(wanted))
    what = f"package {began.config.project} {wanted}"
    if first is None:
        yield ok(what, "free")
    elif datetime.now(UTC) - first > CLOSED:
        why = "an index closes a release two weeks after its first file"
        yield Finding(what, PROBLEM, f"begun on {first:%Y-%m-%d}", why, "release the next version")
    else:
        yield ok(what, f"begun on {first:%Y-%m-%d}: this run finishes it")


def clock(context: Context, _: Start) -> Iterator[Finding]:
    """Compare this machine's clock with GitHub's."""
    with web.failures("GitHub", "try again"):
        answer = requests.get(context.endpoints.api_url, timeout=context.runner.silence())
    skew = abs(datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"]))
    if skew < SKEW:
        yield ok("clock", f"{skew.total_seconds():.0f} s from GitHub's")
    else:
        why = "identity tokens are valid for minutes, and the release is dated by this clock"
        yield Finding("clock", PROBLEM, f"off by {skew}", why, "set the clock")


def tools(context: Context, _: Start) -> Iterator[Finding]:
    """Compare the versions of the programs that the stages start."""
    environment = context.runner.inherited()
    for name, (command, least) in NEEDED.items():
        if shutil.which(command[0], path=environment.get("PATH")) is None:
            yield not_checked(name, f"{command[0]} is not installed here")
            continue
        said = processes.run(list(command), environment=environment)
        numbers = re.search(r"(\d+)\.(\d+)", said)
        found = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
        text = ".".join(map(str, found))
        if found >= least:
            yield ok(name, text)
        else:
            wanted = ".".join(map(str, least))
            yield Finding(name, PROBLEM, text, "stages need it", f"install {name} {wanted}")


def runners(_: Context, began: Start) -> Iterator[Finding]:
    """Name the runners that are needed: no API tells which a repository may use."""
    platforms = sorted({p for image in began.config.images for p in image.platforms})
    if platforms:
        yield not_checked("runners", f"ubuntu-24.04 for {', '.join(platforms)}; arm64 needs -arm")


CHECKS: tuple[Check, ...] = (
    token,
    environments,
    publisher,
    branch,
    immutable,
    registry,
    package,
    clock,
    tools,
    runners,
)


def _settings(context: Context, page: str) -> str:
    return f"{context.endpoints.page_url}/settings/{page}".removesuffix("/")
