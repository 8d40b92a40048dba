"""What a maintainer does to start a release: press the button, or push a tag."""

import base64
from pathlib import Path
from typing import Any

from rehearsal import act, seed
from rehearsal.world import BRANCH, WORKFLOW, World
from scripts import start
from scripts.context import Context
from scripts.core import codec, version
from scripts.core import plan as planning
from scripts.runner import Runner
from scripts.stages import prepare


def press_button(world: World, *, dry_run: bool = False) -> act.Event:
    """Start the workflow on the branch's present head, as *Run workflow* does."""
    sha = seed.git(world.bare, "rev-parse", f"refs/heads/{BRANCH}")
    inputs = {"version": world.version, "dry-run": str(dry_run).lower()}
    return act.dispatched(f"refs/heads/{BRANCH}", sha, inputs, _repository(world), WORKFLOW)


def push_tag(world: World, wanted: str) -> act.Event:
    """Commit a release by hand, changelog and all, and push the branch with an annotated tag.

    A tag that is there already is pushed again, which changes nothing but starts the run.
    """
    tag = version.tag(version.parse(wanted))
    refs = seed.git(world.bare, "for-each-ref", "--format=%(refname)").splitlines()
    if f"refs/tags/{tag}" not in refs:
        _commit_and_tag(world, wanted, tag)
    sha = seed.git(world.bare, "rev-parse", f"refs/tags/{tag}^{{commit}}")
    return act.pushed_tag(tag, sha, seed.commit_facts(world.bare, sha), _repository(world))


def _commit_and_tag(world: World, wanted: str, tag: str) -> None:
    clone = world.folder / "maintainer"
    seed.tree(world.bare, f"refs/remotes/origin/{BRANCH}", clone)
    base = seed.git(clone, "rev-parse", "HEAD")
    tree = seed.git(clone, "rev-parse", f"{_release_commit(world, clone, wanted)}^{{tree}}")
    who = _identity(world)
    message = f"Release {wanted}"
    commit = seed.git(clone, "commit-tree", tree, "-p", base, "-m", message, **who)
    seed.git(clone, "tag", "--annotate", "--message", message, tag, commit, **who)
    refs = (f"{commit}:refs/heads/{BRANCH}", f"refs/tags/{tag}")
    seed.git(clone, "push", "--quiet", "--atomic", world.git, *refs, **_credentials(world))


def _release_commit(world: World, clone: Path, wanted: str) -> str:
    """Let the project's own code edit the version files and cut the changelog."""
    environment = {**world.reader(), "GITHUB_REF_NAME": BRANCH, "RELEASE_VERSION": wanted}
    context = Context(Runner(environment), clone)
    began = start.find(context)
    plan = planning.decide(
        start.product(context, began.config),
        start.wanted(context, began),
        start.origin(context, began),
        began.released(),
    )
    context.inputs.mkdir(parents=True)
    (context.inputs / "plan.json").write_text(codec.encode(plan))
    return prepare.make(context)


def _identity(world: World) -> dict[str, str]:
    mail = f"{world.owner}@users.noreply.github.com"
    return {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", world.owner), ("EMAIL", mail))
    }


def _credentials(world: World) -> dict[str, str]:
    """Give git the token through its environment: an argument is for everyone to read."""
    pair = base64.b64encode(f"{world.owner}:{world.token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{world.endpoints.github}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {pair}",
    }


def _repository(world: World) -> dict[str, Any]:
    """Return the repository as an event's payload shows it."""
    return {
        "name": world.name,
        "full_name": world.repository,
        "owner": {"login": world.owner, "type": "User"},
        "private": False,
        "html_url": f"{world.endpoints.github}/{world.repository}",
        "clone_url": world.git,
        "default_branch": BRANCH,
    }
