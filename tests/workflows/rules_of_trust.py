"""Rules about what a job may do, and whose code it runs. Each yields a sentence for a breach."""

import re
from pathlib import Path

import yaml

from tests.workflows.tree import (
    AUDIT,
    CHANGELOG,
    CI,
    ENTRY,
    EXPRESSION,
    IMAGE,
    RELEASE,
    ROLLBACK,
    Problems,
    Tree,
    named,
)

USES = re.compile(
    r"^\s*(?:- )?uses: (?P<action>[\w.-]+/[\w./-]+)@(?P<sha>[0-9a-f]{40})"
    r" # (?P<tag>v\d+\.\d+\.\d+)$"
)
INSTALL = ".github/actions/setup/install.sh"
FACTS = Path("../shared/facts/github.md")
PUSHES = {"REGISTRY_TOKEN"}
# Job -> the secrets it needs, and no others.
SECRETS = {
    (RELEASE, "plan"): PUSHES,
    (RELEASE, "images"): PUSHES,
    (IMAGE, "build"): PUSHES,
    (RELEASE, "stage"): PUSHES,
    (RELEASE, "publish-package"): {"PACKAGE_INDEX_TOKEN"},
    (RELEASE, "publish-tags"): PUSHES,
    (RELEASE, "promote"): PUSHES,
    (RELEASE, "announce"): {"ANNOUNCE_SECRETS"},
    (ROLLBACK, "plan"): PUSHES,
    (ROLLBACK, "rollback"): PUSHES,
}
# The jobs whose step is given the token of the run. The others work without it.
TOKEN = {
    *((RELEASE, job) for job in ("plan", "prepare", "checks", "dists", "stage")),
    *((RELEASE, job) for job in ("verify-staged", "publish-tags", "verify-published")),
    (RELEASE, "attest"),
    *((RELEASE, job) for job in ("promote", "announce", "audit")),
    (AUDIT, "audit"),
    (CHANGELOG, "draft"),
    *((ROLLBACK, job) for job in ("plan", "rollback", "verify")),
    (ENTRY, "changelog"),
    (IMAGE, "build"),
}
# Job -> what it may do with the repository beyond reading it.
WRITES = {
    (RELEASE, "plan"): {"contents"},
    (RELEASE, "prepare"): {"contents"},
    (RELEASE, "stage"): {"contents"},
    (RELEASE, "attest"): {"attestations", "id-token"},
    (RELEASE, "publish-package"): {"id-token"},
    (RELEASE, "publish-tags"): {"contents"},
    (RELEASE, "promote"): {"contents", "pull-requests"},
    (RELEASE, "announce"): {"contents", "issues", "pull-requests"},
    (ROLLBACK, "plan"): {"contents"},
    (ROLLBACK, "rollback"): {"contents", "pull-requests"},
    (AUDIT, "audit"): {"issues"},
    (CHANGELOG, "draft"): {"contents", "pull-requests"},
}
BUILDS = {(IMAGE, "build"), (CI, "images")}
BUILDKIT = re.compile(r"image=moby/buildkit:v[\d.]+@sha256:[0-9a-f]{64}")
# What these actions do unless told, and must not do here.
SWITCHED = {
    "actions/checkout": {"persist-credentials": False},
    "docker/setup-buildx-action": {"cache-binary": False},
}


def actions_are_pinned(tree: Tree) -> Problems:
    """`owner/name@<40 hex digits> # vX.Y.Z`, or a folder or file of this repository."""
    for file in tree.files:
        for number, node in file.values("uses"):
            local = node.value.startswith("./")
            if local and not (tree.root / node.value).exists():
                yield f"{file.name}:{number}: {node.value} is not here"
            if not local and not USES.match(file.line(number)):
                yield f"{file.name}:{number}: not pinned: {file.line(number).strip()}"


def pins(tree: Tree) -> set[tuple[str, str, str]]:
    lines = (line for file in tree.files for line in file.text.splitlines())
    found = (match for line in lines if (match := USES.match(line)))
    return {(match["action"], match["sha"], match["tag"]) for match in found}


def an_action_has_one_pin(tree: Tree) -> Problems:
    found = pins(tree)
    for action in {action for action, _, _ in found}:
        if len(mine := [f"{sha} {tag}" for name, sha, tag in found if name == action]) > 1:
            yield f"{action} is pinned in several ways: {', '.join(sorted(mine))}"


def pins_are_the_recorded_ones(tree: Tree, facts: str) -> Problems:
    rows = re.findall(r"^\| ([\w./-]+) \| (v[\d.]+) \| ([0-9a-f]{40}) \|", facts, re.MULTILINE)
    known = {name: (sha, tag) for name, tag, sha in rows}
    for action, sha, tag in sorted(pins(tree)):
        if known.get(action) != (sha, tag):
            yield f"{action}@{sha} # {tag}, known is {known.get(action)}"


def nothing_is_granted_at_the_top(tree: Tree) -> Problems:
    for file in tree.workflows:
        if file.data.get("permissions") != {}:
            yield f"{file.name}: the top says permissions: {file.data.get('permissions')}"


def every_job_states_its_grants(tree: Tree) -> Problems:
    for file, name, job in tree.jobs():
        granted = job.get("permissions")
        if not isinstance(granted, dict):
            yield f"{file}: {name} states no permissions of its own"
            continue
        writes = {scope for scope, level in granted.items() if level == "write"}
        if writes != WRITES.get((file, name), set()):
            yield f"{file}: {name} may write {sorted(writes)}"


def every_grant_has_a_reason(tree: Tree) -> Problems:
    for file in tree.workflows:
        for _, node in file.values("permissions"):
            for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                number = key.start_mark.line + 1
                if not re.search(r": (read|write) # \w.+", file.line(number)):
                    yield f"{file.name}:{number}: no reason: {file.line(number).strip()}"


def a_checkout_may_read(tree: Tree) -> Problems:
    """A private repository cannot be checked out without `contents`."""
    for file, name, job in tree.jobs():
        checks_out = any(
            "actions/checkout@" in step.get("uses", "") for step in job.get("steps", ())
        )
        if checks_out and (job.get("permissions") or {}).get("contents") not in ("read", "write"):
            yield f"{file}: {name} checks out, and may not read a private repository"


def only_the_upload_is_trusted(tree: Tree) -> Problems:
    """The index trusts one file and one environment."""
    for file, name, job in tree.jobs():
        grants = "id-token" in (job.get("permissions") or {})
        if grants != ((file, name) in (UPLOAD, SIGNS)):
            yield f"{file}: {name} may {'' if grants else 'not '}prove who it is"
        if (job.get("environment") == "pypi") != ((file, name) == UPLOAD):
            yield f"{file}: {name} may prove to be the publisher"
    if job_of(tree, UPLOAD).get("environment") != "pypi":
        yield "publish-package has not the environment pypi"
    if job_of(tree, UPLOAD).get("permissions") != {"contents": "read", "id-token": "write"}:
        yield "publish-package may do more than prove who it is"
    if "workflow_call" in tree.workflow(RELEASE).data["on"]:
        yield f"{RELEASE} can be called: trusted publishing needs the top-level file"


def only_the_gate_waits_for_people(tree: Tree) -> Problems:
    """Reviewers of several environments would be asked several times in one run."""
    for file, name, job in tree.jobs():
        expected = ENVIRONMENTS.get((file, name))
        if job.get("environment") != expected:
            yield f"{file}: {name} has the environment {job.get('environment')}, not {expected}"


UPLOAD, SIGNS = (RELEASE, "publish-package"), (RELEASE, "attest")
ENVIRONMENTS = {
    (RELEASE, "gate"): "release",
    (ROLLBACK, "rollback"): "release",
    UPLOAD: "pypi",
}


def job_of(tree: Tree, place: tuple[str, str]) -> dict[str, object]:
    return dict(tree.workflow(place[0]).jobs[place[1]])


def secrets_go_where_they_are_needed(tree: Tree) -> Problems:
    for file in tree.files:
        if named("secrets", {k: v for k, v in file.data.items() if k != "jobs"}):
            yield f"{file.name}: a secret for every job"
    for name, key, job in tree.jobs():
        if (found := named("secrets", job)) != SECRETS.get((name, key), set()):
            yield f"{name}: {key} is given {sorted(found)}"
        if job.get("secrets") == "inherit":
            yield f"{name}: {key} hands every secret on"


def the_token_goes_where_it_is_needed(tree: Tree) -> Problems:
    for file, name, job in tree.jobs():
        has = "token" in named("github", job) or "GITHUB_TOKEN" in named("secrets", job)
        if has != ((file, name) in TOKEN):
            yield f"{file}: {name} is {'given' if has else 'not given'} the token"


def credentials_are_for_one_step(tree: Tree) -> Problems:
    """What a job or a file sets, every step has: also those that install, or are not ours."""
    for file in tree.files:
        for name, part in {"the file": file.data, **file.jobs}.items():
            if "token" in named("github", part.get("env")) or named("secrets", part.get("env")):
                yield f"{file.name}: {name}: every step can read a credential"


def checks_do_not_see_the_token(tree: Tree) -> Problems:
    """What a pull request runs is a stranger's code: none of the commands has the token."""
    for name, step in tree.workflow(CI).steps():
        if "run" in step and "token" in named("github", step.get("env")):
            yield f"{CI}: {name}: a command of the repository can read the token"


def commands_are_one_line(tree: Tree) -> Problems:
    """Programs belong into files, where they are tested."""
    for file in tree.files:
        for number, node in file.values("run"):
            if node.end_mark.line + 1 != number:
                yield f"{file.name}:{number}: a command of several lines"


def nothing_is_pasted_into_a_command(tree: Tree) -> Problems:
    """What a person types must reach a shell as a variable (GitHub Docs, script injection)."""
    for file in tree.files:
        for number, node in file.values("run"):
            if EXPRESSION.search(node.value):
                yield f"{file.name}:{number}: an expression in a command"


def actions_do_not_keep_or_share(tree: Tree) -> Problems:
    """No credentials left in the clone, and nothing from a cache that others may write.

    CI releases nothing, so its jobs may have caches; what a release uses may not.
    """
    for file in tree.files:
        for job, step in file.steps():
            action = step.get("uses", "").partition("@")[0]
            for key, wanted in SWITCHED.get(action, {}).items():
                if step.get("with", {}).get(key) is not wanted:
                    yield f"{file.name}: {job}: {action} without {key}: {wanted}"
            cached = action.startswith("actions/cache") or "cache" in step.get("with", {})
            if cached and file.name != CI:
                yield f"{file.name}: {job}: a cache"


def builders_are_booted_where_something_is_built(tree: Tree) -> Problems:
    """`imagetools` needs no builder; where one is booted, its image is pinned by digest."""
    for file in tree.files:
        for job, step in file.steps():
            if not step.get("uses", "").startswith("docker/setup-buildx-action@"):
                continue
            if (file.name, job) not in BUILDS:
                yield f"{file.name}: {job} boots a builder, and builds nothing"
            if not BUILDKIT.fullmatch(step.get("with", {}).get("driver-opts", "")):
                yield f"{file.name}: {job}: BuildKit's image is not pinned"


def the_tools_are_locked(tree: Tree) -> Problems:
    """pip installs uv by its hash, and uv the rest: no action chooses a version."""
    said = tree.read(INSTALL)
    for file in ("bootstrap", "release"):
        if f"requirements/{file}.txt" not in said:
            yield f"requirements/{file}.txt is not installed"
        if f'"$SYSTEM"/requirements/{file}.txt' not in tree.read("docs/adopt.md"):
            yield f"docs/adopt.md does not copy requirements/{file}.txt"
    if said.count("--require-hashes") != said.count(" install ") + said.count(" sync "):
        yield f"something is installed without hashes: {said}"
    for name in ("setup", "stage"):
        steps = [step for _, step in tree.action(name).steps()]
        if Path(steps[0].get("run", "").strip('"')).name != "install.sh":
            yield f"{name} does not begin with {INSTALL}"
        if name == "setup" and len(steps) > 1:
            yield f"{name} does more than run {INSTALL}"


def actions_take_nothing_from_the_caller(tree: Tree) -> Problems:
    """Used by its name, an action runs in the checkout of another repository: `./` is theirs."""
    for name in ("setup", "stage"):
        for _, step in tree.action(name).steps():
            if step.get("uses", "").startswith("./"):
                yield f"{name} uses {step['uses']} of whoever calls it"
            for word in ("requirements/", "python -m scripts", ".venv"):
                if word in step.get("run", ""):
                    yield f"{name}: {step['run']} reads the caller's {word}"


def jobs_begin_with_a_checkout(tree: Tree) -> Problems:
    """`./` is what is checked out, and must be the workflow's own commit."""
    for file, name, job in tree.jobs():
        for number, step in enumerate(job.get("steps", ())):
            checkout = step.get("uses", "").startswith("actions/checkout@")
            if checkout != (number == 0):
                yield f"{file}: {name}: step {number + 1} should{' not' * checkout} be the checkout"
            if checkout and {"ref", "repository", "path"} & set(step["with"]):
                yield f"{file}: {name}: checks something else out than the workflow's commit"


RULES = (
    actions_are_pinned,
    an_action_has_one_pin,
    nothing_is_granted_at_the_top,
    every_job_states_its_grants,
    every_grant_has_a_reason,
    a_checkout_may_read,
    builders_are_booted_where_something_is_built,
    the_tools_are_locked,
    actions_take_nothing_from_the_caller,
    only_the_upload_is_trusted,
    only_the_gate_waits_for_people,
    secrets_go_where_they_are_needed,
    the_token_goes_where_it_is_needed,
    credentials_are_for_one_step,
    checks_do_not_see_the_token,
    commands_are_one_line,
    nothing_is_pasted_into_a_command,
    actions_do_not_keep_or_share,
    jobs_begin_with_a_checkout,
)
