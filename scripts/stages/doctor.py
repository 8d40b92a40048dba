"""Find problems that would stop the release later, before anything is built. Do not write."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

import requests
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scripts.core import report
from scripts.core.converge import Missing
from scripts.core.errors import CheckError, ServiceError, UsageError
from scripts.core.findings import PROBLEM, Finding, advice, not_checked, ok, problem
from scripts.core.jobs import BESIDE, WORKFLOW
from scripts.core.results import Done
from scripts.release import attempt, starting_point
from scripts.release.context import Context
from scripts.release.runners import DEFAULT, RUNNERS
from scripts.release.starting_point import Start
from scripts.surfaces import web
from scripts.surfaces.registry_access import may_push
from scripts.surfaces.trusted_publishing import audience
from scripts.tools import processes

CLOSED = timedelta(days=14)  # the public index accepts no new file for an older release
CLOSED_PROJECT = ("archived", "quarantined")
LOOK = (
    30  # seconds for one check: one that is not possible is reported, and does not stop the others
)
SKEW = timedelta(minutes=2)
GIT = ("git", ("git", "--version"), (2, 38))  # merge-tree --write-tree
# imagetools --dry-run, named contexts; and !override
BUILDX = ("docker buildx", ("docker", "buildx", "version"), (0, 13))
COMPOSE = ("docker compose", ("docker", "compose", "version", "--short"), (2, 24))
# The kinds of rules that reject a push (GitHub Docs, "Available rules for rulesets").
GUARDING = {
    *("pull_request", "update", "required_status_checks", "required_signatures"),
    "merge_queue",
}
# The branch rules that a release cannot follow: severity, reason and remedy.
UNKEPT = {
    "required_linear_history": (
        advice,
        "if the branch changes during the release, it gets a merge, which the rule rejects",
        "switch *Require linear history* off, or merge nothing during a release",
    ),
    "required_signatures": (
        problem,
        "the release commit is not signed, so neither a push nor a pull request can add it",
        "switch *Require signed commits* off for this branch",
    ),
    "merge_queue": (
        advice,
        "a queue that squashes keeps the tagged commit out of the branch",
        "set the queue to merge commits, and add the trigger `merge_group` to your checks",
    ),
}
FLOWS, STAGE = ".github/workflows", "/actions/stage"
PIN = re.compile(r"uses: ([\w-]+/[\w.-]+)(?:/[\w./-]+)?@([0-9a-f]{40})\b")
SOURCE_LABEL = "org.opencontainers.image.source"
SCHEDULED = ("audit.yml", "watch.yml")
Check = Callable[[Context, Start], Iterator[Finding]]


def run(context: Context) -> Done:
    """Print every finding; fail if one is a problem."""
    findings = examine(context, starting_point.find(context))
    text = report.findings("Doctor", findings)
    context.report(text, findings=findings)
    problems = [finding for finding in findings if finding.status == PROBLEM]
    if problems:
        raise CheckError(
            "; ".join(f"{finding.what}: {finding.found}" for finding in problems),
            "; ".join(finding.remedy for finding in problems),
        )
    return Done()


def examine(context: Context, start: Start) -> list[Finding]:
    """Run every check; report a check that the token does not allow."""
    findings: list[Finding] = []
    for check in CHECKS:
        context.console.step(_name(check))
        try:
            look = partial(_made, check, context, start)
            findings += context.ask(look, LOOK)
        except ServiceError as error:
            findings.append(not_checked(_name(check), error.cause))
    return findings


def _name(check: Check) -> str:
    return check.__name__.replace("_", " ")


def _made(check: Check, context: Context, start: Start) -> list[Finding]:
    return list(check(context, start))


def token(context: Context, _: Start) -> Iterator[Finding]:
    """Check whether the token may write."""
    what = "the token may write"
    if context.secrets.github is None:
        yield not_checked(what, "no GITHUB_TOKEN here")
        return
    if context.git.may_push():
        yield ok(what, context.endpoints.repository)
    else:
        why = "the release writes its branch, its tag and its page with this token"
        remedy = "give the job `contents: write`, or use a token that has it"
        yield problem(what, "read only", why, remedy, _settings(context, "actions"))


def environments(context: Context, start: Start) -> Iterator[Finding]:
    """Check the workflow's environments, and their reviewers."""
    page = _settings(context, "environments")
    wanted = ["release", *(["pypi"] if start.config.package else [])]
    found = context.forge.environments()
    for name in wanted:
        what = f"environment {name}"
        if name not in found:
            why = "without this environment the job runs in a new one, without protection"
            yield problem(what, "not there", why, f"create the environment {name}", page)
        elif name == "release" and not found[name]:
            why = "without reviewers a release becomes public without an approval"
            yield advice(what, "has no reviewers", why, "add required reviewers", page)
        else:
            yield ok(what, "there")


def publisher(context: Context, start: Start) -> Iterator[Finding]:
    """Compare the workflow with the requirements of trusted publishing."""
    if not start.config.package:
        return
    what, page = "trusted publishing", f"{context.endpoints.page_url}/blob/HEAD/{WORKFLOW}"
    right = next((one for one in (WORKFLOW, BESIDE) if _publishes(context, start, one)), None)
    if context.secrets.index_token:
        yield ok(what, "not used: PACKAGE_INDEX_TOKEN is set, and the upload takes it first")
    elif right is None:
        why = "the index trusts one job of one file by its identity token"
        remedy = f"add `environment: pypi` and `id-token: write` to a job of {WORKFLOW}"
        yield problem(what, "no job of the workflow can publish", why, remedy, page)
    elif not _trusts_publishers(context):
        found = "the index has none: the upload needs the secret PACKAGE_INDEX_TOKEN"
        yield not_checked(what, found, page=_settings(context, "secrets/actions"))
    else:
        where = f"enter {right.rpartition('/')[2]} and environment pypi at the index"
        yield not_checked(
            what, f"the workflow is right; {where}: no API shows whether that is done"
        )


def _trusts_publishers(context: Context) -> bool:
    """Check whether the index has trusted publishing; the public one does."""
    index = context.index
    return index.is_public or audience(index.upload_url, context.environment.silence()) is not None


def _publishes(context: Context, start: Start, path: str) -> bool:
    try:
        workflow = YAML(typ="safe").load(context.read_at(start.commit, path))
        jobs = list(workflow["jobs"].values())
    except (UsageError, YAMLError, TypeError, KeyError, AttributeError):
        return False  # no such file, or no workflow
    grants = [one.get("permissions") for one in jobs if one.get("environment") == "pypi"]
    return any(isinstance(one, dict) and one.get("id-token") == "write" for one in grants)


def project(context: Context, start: Start) -> Iterator[Finding]:
    """Check whether the index takes files for the project (PEP 792)."""
    if not start.config.package:
        return
    what = f"project {start.config.project}"
    status, reason = context.index.status(start.config.project)
    if status in CLOSED_PROJECT:
        why = "the index refuses every upload to such a project"
        remedy = (
            "unarchive it on its page at the index; if it is quarantined, ask the index's staff"
        )
        yield problem(what, f"{status}: {reason or 'no reason given'}", why, remedy)
    else:
        yield ok(what, status or "not at the index yet")


def branch(context: Context, start: Start) -> Iterator[Finding]:
    """Check whether the release commit can reach its branch, directly or by pull request."""
    if start.branch is None:
        return
    what, by_pull = f"branch {start.branch}", "protected: the release ends in a pull request"
    rules = context.forge.rules(start.branch)
    yield from _unkept(context, what, rules)
    if not (context.forge.protected(start.branch) or GUARDING & set(rules)):
        yield ok(what, "takes the release commit")
        return
    page = _settings(context, "actions")
    allowed = context.forge.setting("actions/permissions/workflow")
    if allowed is None:
        yield not_checked(what, f"{by_pull}, if Actions may create one", page=page)
    elif allowed.get("can_approve_pull_request_reviews"):
        yield ok(what, by_pull)
    else:
        why = "the branch is protected, so the release commit comes by pull request"
        remedy = "allow GitHub Actions to create pull requests"
        yield problem(what, "Actions may not create pull requests", why, remedy, page)


def _unkept(context: Context, branch: str, rules: list[str]) -> Iterator[Finding]:
    """Find rules that the release cannot follow, since a bot pushes or merges its commit."""
    page = _settings(context, "rules")
    for rule in sorted(UNKEPT.keys() & set(rules)):
        kind, why, remedy = UNKEPT[rule]
        yield kind(f"rule {rule} of {branch}", "active", why, remedy, page)


def schedule(context: Context, _: Start) -> Iterator[Finding]:
    """Check whether GitHub still starts the weekly audit and the watch."""
    for file in SCHEDULED:
        what, page = f"weekly {file}", f"{context.endpoints.page_url}/actions/workflows/{file}"
        state = (context.forge.setting(f"actions/workflows/{file}") or {}).get("state")
        if state is None:
            yield not_checked(what, "the token may not read it, or it does not exist", page=page)
        elif state == "active":
            yield ok(what, "active")
        else:
            why = "GitHub switches schedules off after 60 days without a commit"
            yield advice(what, str(state), why, "press *Enable workflow* there", page)


HARMLESS = {"update", "deletion", "non_fast_forward"}
"""Rules that only concern tags that exist."""


def tags(context: Context, start: Start) -> Iterator[Finding]:
    """Check for a doubtful style of tags, and for rulesets that could stop the tag."""
    if warning := start.tagging.warning:
        found, _, remedy = warning.partition("\n  remedy: ")
        why = "versions whose tags have another style count as not released"
        yield advice("style of tags", found, why, remedy)
    rulesets = context.forge.tag_rulesets()
    names = [name for name, rules in rulesets.items() if set(rules) - HARMLESS]
    if names:
        why = "the release pushes its tag with the workflow's token, which is not on a bypass list"
        remedy = f"allow the creation of tags {start.style.template} in these rulesets"
        page = _settings(context, "rules")
        yield advice("tags", f"restricted by {', '.join(names)}", why, remedy, page)
    else:
        yield ok("tags", "no ruleset stops a new one")


def immutable(context: Context, _: Start) -> Iterator[Finding]:
    """Check whether published releases can be changed."""
    found = context.forge.setting("immutable-releases")
    page = _settings(context, "")
    what, why = "immutable releases", "published files can be replaced unnoticed"
    if found is None:
        yield not_checked(what, "off, or the token may not read it", why, page)
    elif found.get("enabled"):
        yield ok(what, "on")
    else:
        yield advice(what, "off", why, "turn them on", page)


def registry(context: Context, start: Start) -> Iterator[Finding]:
    """Ask the registry for a token that may push, without pushing."""
    user, secret = context.secrets.registry_username, context.secrets.registry_token
    for image in starting_point.product(context, start.config).images:
        what = f"registry takes {image.repository}"
        if not image.repository.startswith(f"{context.endpoints.registry}/"):
            # The credentials here are those of another registry, which alone may see them.
            yield not_checked(what, "the jobs that push have its login")
        elif not (user and secret):
            yield not_checked(what, "no REGISTRY_USERNAME and REGISTRY_TOKEN here")
        elif may_push(image.repository, user, secret, context.environment.silence()):
            yield ok(what, f"from {user}")
        else:
            why = "every image is built before the first is pushed"
            remedy = "check REGISTRY_USERNAME and REGISTRY_TOKEN, and the token's scope"
            page = _settings(context, "secrets/actions")
            yield problem(what, f"not from {user}", why, remedy, page)


def owners(context: Context, start: Start) -> Iterator[Finding]:
    """Compare the source that an image names with this repository: two may claim one name."""
    ours = context.endpoints.page_url.casefold()
    for image in starting_point.product(context, start.config).images:
        said = context.registry.labels(f"{image.repository}:latest").get(SOURCE_LABEL, "")
        source = said.removesuffix(".git").rstrip("/")
        name = "/".join(source.split("/")[-2:])
        if source and source.casefold() != ours and not context.forge.same(name):
            why = "two projects that push to one name replace each other's `latest`"
            remedy = "give one of them another `repository`; or ignore it if a base image says so"
            yield advice(f"source of {image.repository}", said, why, remedy)


def actions(context: Context, start: Start) -> Iterator[Finding]:
    """Check that the actions of the release's workflows exist; a run on GitHub shows that."""
    if context.environment.on_actions:
        return
    listed = context.git.run(
        "ls-tree", "--name-only", "--end-of-options", start.commit, f"{FLOWS}/"
    )
    pins: dict[tuple[str, str], str] = {}
    for path in listed.split():
        text = context.read_at(start.commit, path)
        if STAGE in text:
            pins |= dict.fromkeys(PIN.findall(text), path)
    for (repository, sha), path in pins.items():
        if context.forge.has_commit(repository, sha) is False:
            why = "GitHub refuses a run that uses an action which does not exist"
            remedy = f"correct the commit in {path}, or run `release upgrade`"
            yield problem(f"action {repository}@{sha[:12]}", "no such commit", why, remedy)


def package(context: Context, start: Start) -> Iterator[Finding]:
    """Check whether the index still accepts files of the requested version."""
    if not (start.config.package and (start.tag or context.environment.trigger().version)):
        return
    wanted = starting_point.wanted(context, start)
    name = attempt.possible_names(context, start, wanted)[-1]
    what = name.title
    if isinstance(name.observe(), Missing):
        yield ok(what, "free")
        return
    first = context.index.first_upload(start.config.project, str(wanted))
    since = f"begun on {first:%Y-%m-%d}" if first else "begun"
    page = f"{context.endpoints.page_url}/releases"
    tag = start.style.tag(wanted)
    known = {f"refs/tags/{tag}", f"refs/heads/release/{tag}"} & set(start.refs)
    if not known and context.forge.release(tag) is None:
        why = "an index never accepts a file name twice, and nothing here shows its source"
        yield problem(what, f"taken, {since}", why, "release the next version", page)
    elif first and datetime.now(UTC) - first > CLOSED:
        why = "an index closes a release two weeks after its first file"
        yield problem(what, since, why, "if a file is missing there: the next version", page)
    else:
        yield ok(what, f"{since}: this run finishes it")


def clock(context: Context, _: Start) -> Iterator[Finding]:
    """Compare this machine's clock with GitHub's."""
    with web.failures("GitHub", "try again"):
        answer = requests.get(context.endpoints.api_url, timeout=context.environment.silence())
    skew = abs(datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"]))
    if skew < SKEW:
        yield ok("clock", f"{skew.total_seconds():.0f} s from GitHub's")
    else:
        why = "identity tokens are valid for minutes, and this clock gives the release its date"
        yield problem("clock", f"off by {skew}", why, "set the clock: `timedatectl set-ntp true`")


def tools(context: Context, start: Start) -> Iterator[Finding]:
    """Compare the versions of the programs that the stages start."""
    yield _tool(context, *GIT)
    if start.config.images:
        yield _tool(context, *BUILDX)
    if start.config.images and start.config.compose:
        yield _tool(context, *COMPOSE)


def _tool(context: Context, name: str, command: tuple[str, ...], least: tuple[int, ...]) -> Finding:
    wanted = ".".join(map(str, least))
    why, remedy = "stages start it", f"install {name} {wanted} or newer"
    # On a laptop people plan and check a release; the runners make it.
    wrong = problem if context.environment.on_actions else advice
    environment = context.environment.inherited()
    try:
        if shutil.which(command[0], path=environment.get("PATH")) is None:
            raise ServiceError(f"{command[0]} is not installed", remedy)
        said = processes.run(list(command), environment=environment, timeout=LOOK)
    except ServiceError:
        return wrong(name, "not installed here", why, remedy)
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers and (int(numbers[1]), int(numbers[2])) >= least:
        return ok(name, numbers[0])
    return wrong(name, numbers[0] if numbers else said[:40], why, remedy)


def runners(context: Context, start: Start) -> Iterator[Finding]:
    """List the runners that a release needs; no API shows which ones a repository may use."""
    platforms = {p for image in start.config.images for p in image.platforms} or {DEFAULT}
    for platform in sorted(platforms):
        why = "a job waits for a day and fails if no runner has its label"
        page = _settings(context, "actions/runners")
        yield not_checked(f"runner for {platform}", f"the label {RUNNERS[platform]}", why, page)


CHECKS: tuple[Check, ...] = (
    token,
    environments,
    publisher,
    project,
    branch,
    schedule,
    tags,
    immutable,
    registry,
    owners,
    actions,
    package,
    clock,
    tools,
    runners,
)


def _settings(context: Context, page: str) -> str:
    return f"{context.endpoints.page_url}/settings/{page}".removesuffix("/")
