"""Find what would stop the release later, before anything is built. Nothing is written."""

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
from scripts.core.results import Done
from scripts.release import attempt, starting_point
from scripts.release.context import Context
from scripts.release.runners import DEFAULT, RUNNERS
from scripts.release.starting_point import Start
from scripts.surfaces import web
from scripts.surfaces.registry_access import may_push
from scripts.tools import processes

WORKFLOW = ".github/workflows/release.yml"
CLOSED = timedelta(days=14)  # the public index takes no new file for an older release
LOOK = 30  # seconds for one check: what cannot be looked at is said, and stops nothing
SKEW = timedelta(minutes=2)
GIT = ("git", ("git", "--version"), (2, 38))  # merge-tree --write-tree
# imagetools --dry-run, named contexts; and !override
BUILDX = ("docker buildx", ("docker", "buildx", "version"), (0, 13))
COMPOSE = ("docker compose", ("docker", "compose", "version", "--short"), (2, 24))
# The kinds of rules that refuse a push (GitHub Docs, "Available rules for rulesets").
GUARDING = {"pull_request", "update", "required_status_checks", "required_signatures"}
Check = Callable[[Context, Start], Iterator[Finding]]


def run(context: Context) -> Done:
    """Print every finding; fail if one is a problem."""
    findings = examine(context, starting_point.find(context))
    text = report.findings("Doctor", findings)
    context.runner.report(text, findings=findings)
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
        context.runner.step(_name(check))
        try:
            look = partial(_made, check, context, began)
            findings += context.ask(look, LOOK)
        except ServiceError as error:
            findings.append(not_checked(_name(check), error.cause))
    return findings


def _name(check: Check) -> str:
    return check.__name__.replace("_", " ")


def _made(check: Check, context: Context, began: Start) -> list[Finding]:
    return list(check(context, began))


def token(context: Context, _: Start) -> Iterator[Finding]:
    """Look whether the token may write."""
    what = "the token may write"
    if context.secrets.github is None:
        yield not_checked(what, "no GITHUB_TOKEN here")
        return
    if context.git.may_push():
        yield ok(what, context.endpoints.repository)
    else:
        why = "the release branch, the tag and the release are written with it"
        remedy = "give the job `contents: write`, or use a token that has it"
        yield problem(what, "read only", why, remedy, _settings(context, "actions"))


def environments(context: Context, began: Start) -> Iterator[Finding]:
    """Look for the environments that the workflow names, and for reviewers."""
    page = _settings(context, "environments")
    wanted = ["release", *(["pypi"] if began.config.package else [])]
    found = context.forge.environments()
    for name in wanted:
        what = f"environment {name}"
        if name not in found:
            why = "a job whose environment is not set up runs in a new one, without protection"
            yield problem(what, "not there", why, f"make the environment {name}", page)
        elif name == "release" and not found[name]:
            why = "without them nobody is asked before a release becomes public"
            yield advice(what, "has no reviewers", why, "add required reviewers", page)
        else:
            yield ok(what, "there")


def publisher(context: Context, began: Start) -> Iterator[Finding]:
    """Compare the workflow with what trusted publishing asks for."""
    if not began.config.package:
        return
    what, page = "trusted publishing", f"{context.endpoints.page_url}/blob/HEAD/{WORKFLOW}"
    if _publishes(context, began):
        where = f"enter {WORKFLOW.rpartition('/')[2]} and environment pypi at the index"
        yield not_checked(what, f"the workflow is right; {where}, which no API shows")
    else:
        why = "the index trusts one job of one file, by its identity token"
        remedy = f"give a job of {WORKFLOW} `environment: pypi` and `id-token: write`"
        yield problem(what, "no job of the workflow can publish", why, remedy, page)


def _publishes(context: Context, began: Start) -> bool:
    try:
        workflow = YAML(typ="safe").load(context.read_at(began.commit, WORKFLOW))
        jobs = list(workflow["jobs"].values())
    except (UsageError, YAMLError, TypeError, KeyError, AttributeError):
        return False  # no such file, or no workflow
    grants = [one.get("permissions") for one in jobs if one.get("environment") == "pypi"]
    return any(isinstance(one, dict) and one.get("id-token") == "write" for one in grants)


def branch(context: Context, began: Start) -> Iterator[Finding]:
    """Look whether the release commit can come to its branch, directly or by a pull request."""
    if began.branch is None:
        return
    what, by_pull = f"branch {began.branch}", "protected: the release ends in a pull request"
    rules = context.forge.rules(began.branch)
    if not (context.forge.protected(began.branch) or GUARDING & set(rules)):
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


def tags(context: Context, began: Start) -> Iterator[Finding]:
    """Look for a doubtful style of tags, and for rulesets that could keep the tag from being."""
    if warning := began.tagging.warning:
        found, _, remedy = warning.partition("\n  remedy: ")
        why = "versions whose tags have another style count as not released"
        yield advice("style of tags", found, why, remedy)
    names = context.forge.tag_rulesets()
    if names:
        why = "a workflow's own token is on no bypass list, and the release pushes its tag with it"
        remedy = f"let them allow the creation of tags {began.style.template}"
        page = _settings(context, "rules")
        yield advice("tags", f"held to {', '.join(names)}", why, remedy, page)
    else:
        yield ok("tags", "no ruleset is active")


def immutable(context: Context, _: Start) -> Iterator[Finding]:
    """Say whether published releases can be changed."""
    found = context.forge.setting("immutable-releases")
    page = _settings(context, "")
    what, why = "immutable releases", "what is published can be exchanged unnoticed"
    if found is None:
        yield not_checked(what, "off, or the token may not read it", why, page)
    elif found.get("enabled"):
        yield ok(what, "on")
    else:
        yield advice(what, "off", why, "turn them on", page)


def registry(context: Context, began: Start) -> Iterator[Finding]:
    """Ask the registry for a token that may push, and push nothing."""
    user, secret = context.secrets.registry_username, context.secrets.registry_token
    for image in starting_point.product(context, began.config).images:
        what = f"registry takes {image.repository}"
        if not (user and secret):
            yield not_checked(what, "no REGISTRY_USERNAME and REGISTRY_TOKEN here")
        elif may_push(image.repository, user, secret, context.runner.silence()):
            yield ok(what, f"from {user}")
        else:
            why = "every image is built before the first is pushed"
            remedy = "check REGISTRY_USERNAME and REGISTRY_TOKEN, and the token's scope"
            page = _settings(context, "secrets/actions")
            yield problem(what, f"not from {user}", why, remedy, page)


def package(context: Context, began: Start) -> Iterator[Finding]:
    """Look whether the index still takes files of the version that is asked for."""
    if not (began.config.package and (began.tag or context.runner.trigger().version)):
        return
    wanted = starting_point.wanted(context, began)
    name = attempt.possible_names(context, began, wanted)[-1]
    what = name.title
    if isinstance(name.observe(), Missing):
        yield ok(what, "free")
        return
    first = context.index.first_upload(began.config.project, str(wanted))
    since = f"begun on {first:%Y-%m-%d}" if first else "begun"
    page = f"{context.endpoints.page_url}/releases"
    tag = began.style.tag(wanted)
    known = {f"refs/tags/{tag}", f"refs/heads/release/{tag}"} & set(began.refs)
    if not known and context.forge.release(tag) is None:
        why = "an index takes no file name twice, and nothing here says what it was made from"
        yield problem(what, f"taken, {since}", why, "release the next version", page)
    elif first and datetime.now(UTC) - first > CLOSED:
        why = "an index closes a release two weeks after its first file"
        yield problem(what, since, why, "if a file is missing there: the next version", page)
    else:
        yield ok(what, f"{since}: this run finishes it")


def clock(context: Context, _: Start) -> Iterator[Finding]:
    """Compare this machine's clock with GitHub's."""
    with web.failures("GitHub", "try again"):
        answer = requests.get(context.endpoints.api_url, timeout=context.runner.silence())
    skew = abs(datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"]))
    if skew < SKEW:
        yield ok("clock", f"{skew.total_seconds():.0f} s from GitHub's")
    else:
        why = "identity tokens are valid for minutes, and the release is dated by this clock"
        yield problem("clock", f"off by {skew}", why, "set the clock: `timedatectl set-ntp true`")


def tools(context: Context, began: Start) -> Iterator[Finding]:
    """Compare the versions of the programs that the stages start."""
    yield _tool(context, *GIT)
    if began.config.images:
        yield _tool(context, *BUILDX)
    if began.config.images and began.config.compose:
        yield _tool(context, *COMPOSE)


def _tool(context: Context, name: str, command: tuple[str, ...], least: tuple[int, ...]) -> Finding:
    wanted = ".".join(map(str, least))
    why, remedy = "stages start it", f"install {name} {wanted} or newer"
    # On a laptop a release is planned and looked at; the runners make it.
    wrong = problem if context.runner.on_actions else advice
    environment = context.runner.inherited()
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


def runners(context: Context, began: Start) -> Iterator[Finding]:
    """Name the runners that are needed: no API tells which a repository may use."""
    platforms = {p for image in began.config.images for p in image.platforms} or {DEFAULT}
    for platform in sorted(platforms):
        why = "a job whose label no runner has waits for a day, and fails"
        page = _settings(context, "actions/runners")
        yield not_checked(f"runner for {platform}", f"the label {RUNNERS[platform]}", why, page)


CHECKS: tuple[Check, ...] = (
    token,
    environments,
    publisher,
    branch,
    tags,
    immutable,
    registry,
    package,
    clock,
    tools,
    runners,
)


def _settings(context: Context, page: str) -> str:
    return f"{context.endpoints.page_url}/settings/{page}".removesuffix("/")
