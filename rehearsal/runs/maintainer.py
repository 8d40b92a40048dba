"""The ways to start a run: press a button, push a tag, open a pull request."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from rehearsal.runs import act, dispatch_form
from rehearsal.world import git_repo
from rehearsal.world.world import BRANCH, WORKFLOW, World
from scripts.core import codec, planning, version
from scripts.core.errors import ServiceError, UsageError
from scripts.release import release_commit, starting_point
from scripts.release.context import Context
from scripts.tools.environment import Environment

SILENCE = 30.0
"""Timeout of GitHub's service in seconds."""


def press_button(world: World, *, dry_run: bool = False) -> act.Event:
    """Start the release on the branch's present head, as *Run workflow* does."""
    typed = {"version": world.version, "dry-run": str(dry_run).lower()}
    return dispatch(world, WORKFLOW, typed)


def dispatch(world: World, workflow: str, typed: Mapping[str, str]) -> act.Event:
    """Press a workflow's button on the head of the branch.

    Raises `UsageError` for a missing workflow, and for inputs that its form would reject.
    """
    sha = head(world, BRANCH)
    inputs = dispatch_form.fill_in(workflow, _file(world, sha, workflow), typed)
    return act.dispatched(f"refs/heads/{BRANCH}", sha, inputs, _repository(world), workflow)


def schedule(world: World, workflow: str) -> act.Event:
    """Start a workflow by its schedule on the head of the branch, without inputs."""
    sha = head(world, BRANCH)
    _file(world, sha, workflow)
    payload = {"schedule": "", "repository": _repository(world), "workflow": workflow}
    return act.Event("schedule", f"refs/heads/{BRANCH}", sha, payload)


def head(world: World, branch: str) -> str:
    """Return a branch's present head in the world."""
    return git_repo.git(world.bare, "rev-parse", "--verify", f"refs/heads/{branch}")


def _file(world: World, commit: str, path: str) -> str:
    folder = path.rpartition("/")[0]
    there = git_repo.git(world.bare, "ls-tree", "--name-only", commit, f"{folder}/").splitlines()
    if path not in there:
        names = ", ".join(one.rpartition("/")[2] for one in there)
        raise UsageError(f"{BRANCH} has no {path}", f"name one of: {names}")
    return git_repo.git(world.bare, "show", f"{commit}:{path}")


def open_pull_request(
    world: World, checkout: Path, branch: str, labels: Sequence[str] = ()
) -> act.Event:
    """Push a branch of the checkout, open a pull request, and return its event.

    As on GitHub, the run is for a merge with the target, `refs/pull/N/merge`. A second push uses
    the same pull request. Raises `SeedError` if the branch does not exist, and `UsageError` if it
    cannot be merged.
    """
    commit = git_repo.git(checkout, "rev-parse", "--verify", f"{branch}^{{commit}}")
    to = f"+{commit}:refs/heads/{branch}"
    git_repo.git(checkout, "push", "--quiet", world.git, to, **_credentials(world))
    pull = _pull_request(world, branch)
    base, number = pull["base"]["sha"], pull["number"]
    merged = _merged(world, base, commit, branch)
    ref = f"refs/pull/{number}/merge"
    git_repo.git(world.bare, "update-ref", ref, merged)
    facts = {**pull, "labels": [{"name": label} for label in labels]}
    repository = _repository(world)
    payload = {
        "action": "opened",
        "number": number,
        "pull_request": facts,
        "repository": repository,
        "sender": repository["owner"],
    }
    return act.Event("pull_request", ref, merged, payload)


def _pull_request(world: World, branch: str) -> dict[str, Any]:
    """Find the open pull request of a branch, or open it, as the maintainer."""
    where = {"head": f"{world.owner}:{branch}", "base": BRANCH}
    found = _ask(world, "GET", "pulls", params=where)
    if found:
        return dict(_ask(world, "GET", f"pulls/{found[0]['number']}"))
    title = git_repo.git(world.bare, "show", "--no-patch", "--format=%s", f"refs/heads/{branch}")
    return dict(_ask(world, "POST", "pulls", json={**where, "title": title}))


def _ask(world: World, method: str, path: str, **more: Any) -> Any:
    answer = requests.request(
        method, f"{world.api}/repos/{world.repository}/{path}", timeout=SILENCE,
        headers={"Authorization": f"Bearer {world.token}"}, **more,
    )  # fmt: skip
    if not answer.ok:
        cause = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        raise ServiceError(cause, "check the branch: it must differ from its target")
    return answer.json()


def _merged(world: World, base: str, commit: str, branch: str) -> str:
    """Make the commit that GitHub tests: the branch merged into its target."""
    try:
        told = git_repo.git(world.bare, "merge-tree", "--write-tree", "--no-messages", base, commit)
    except git_repo.SeedError as error:
        raise UsageError(
            f"{branch} conflicts with {BRANCH}: GitHub does not start a run for it",
            f"merge {BRANCH} into it, and try again",
        ) from error
    message = f"Merge {commit} into {base}"
    parents = ("-p", base, "-p", commit)
    tree = told.splitlines()[0]
    return git_repo.git(
        world.bare, "commit-tree", tree, *parents, "-m", message, **_identity(world)
    )


def push_tag(world: World, wanted: str) -> act.Event:
    """Commit a release by hand, changelog and all, and push the branch with an annotated tag.

    An existing tag is only pushed again, which starts the run.
    """
    tag = version.tag(version.parse(wanted))
    refs = git_repo.git(world.bare, "for-each-ref", "--format=%(refname)").splitlines()
    if f"refs/tags/{tag}" not in refs:
        _commit_and_tag(world, wanted, tag)
    sha = git_repo.git(world.bare, "rev-parse", f"refs/tags/{tag}^{{commit}}")
    named, head = git_repo.git(world.bare, "rev-parse", f"refs/tags/{tag}"), git_repo.commit_facts
    return act.pushed_tag(tag, sha, named, head(world.bare, sha), _repository(world))


def _commit_and_tag(world: World, wanted: str, tag: str) -> None:
    clone = world.folder / "maintainer"
    git_repo.tree(world.bare, f"refs/remotes/origin/{BRANCH}", clone)
    base = git_repo.git(clone, "rev-parse", "HEAD")
    tree = git_repo.git(clone, "rev-parse", f"{_release_commit(world, clone, wanted)}^{{tree}}")
    who = _identity(world)
    message = f"Release {wanted}"
    commit = git_repo.git(clone, "commit-tree", tree, "-p", base, "-m", message, **who)
    git_repo.git(clone, "tag", "--annotate", "--message", message, tag, commit, **who)
    refs = (f"{commit}:refs/heads/{BRANCH}", f"refs/tags/{tag}")
    git_repo.git(clone, "push", "--quiet", "--atomic", world.git, *refs, **_credentials(world))


def _release_commit(world: World, clone: Path, wanted: str) -> str:
    """Edit the version files and cut the changelog with the project's own code."""
    environment = {**world.reader(), "GITHUB_REF_NAME": BRANCH, "RELEASE_VERSION": wanted}
    context = Context(Environment(environment), clone)
    start = starting_point.find(context)
    plan = planning.decide(
        starting_point.product(context, start.config),
        starting_point.wanted(context, start),
        starting_point.base_of(context, start),
        start.released(),
    )
    context.inputs.mkdir(parents=True)
    (context.inputs / "plan.json").write_text(codec.encode(plan))
    return release_commit.make(context)


def _identity(world: World) -> dict[str, str]:
    mail = f"{world.owner}@users.noreply.github.com"
    return {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", world.owner), ("EMAIL", mail))
    }


def _credentials(world: World) -> dict[str, str]:
    return git_repo.credentials(world.endpoints.github, world.owner, world.token)


def _repository(world: World) -> dict[str, Any]:
    """Return the repository as an event's payload shows it."""
    return {
        "name": world.name,
        "full_name": world.repository,
        "owner": {"login": world.owner, "type": "User"},
        "private": world.private,
        "html_url": f"{world.endpoints.github}/{world.repository}",
        "clone_url": world.git,
        "default_branch": BRANCH,
    }
