"""Rules about what a job may do, and whose code it runs. Each yields a sentence for a breach."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

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
    WATCH,
    Problems,
    Tree,
    at,
    named,
)

USES = re.compile(
    r"^\s*(?:- )?uses: (?P<action>[\w.-]+/[\w./-]+)@(?P<sha>[0-9a-f]{40})"
    r" # (?P<tag>v\d+\.\d+\.\d+)$"
)
ROOT = Path(__file__).parents[2]
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
    *((RELEASE, job) for job in ("plan", "prepare", "checks", "dists", "scorecard", "stage")),
    *((RELEASE, job) for job in ("verify-staged", "publish-tags", "verify-published")),
    (RELEASE, "attest"),
    *((RELEASE, job) for job in ("promote", "announce", "audit")),
    (AUDIT, "audit"),
    *((WATCH, job) for job in ("look", "issues", "propose")),
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
    (WATCH, "issues"): {"issues"},
    (WATCH, "propose"): {"contents", "pull-requests"},
    (CHANGELOG, "draft"): {"contents", "pull-requests"},
}
# What a job reads beyond the checkout of the tools, or instead of it.
READS = {
    (AUDIT, "audit"): {"contents": "read", "actions": "read"},  # runs of pushed tags
    (ENTRY, "changelog"): {"contents": "read", "pull-requests": "read"},  # the labels as they are
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
                yield f"{file.path}:{number}: {node.value} is not here"
            if not local and not USES.match(file.line(number)):
                yield f"{file.path}:{number}: not pinned: {file.line(number).strip()}"


def pins(tree: Tree) -> set[tuple[str, str, str]]:
    lines = (line for file in tree.files for line in file.text.splitlines())
    found = (match for line in lines if (match := USES.match(line)))
    return {(match["action"], match["sha"], match["tag"]) for match in found}


def an_action_has_one_pin(tree: Tree) -> Problems:
    found = pins(tree)
    for action in {action for action, _, _ in found}:
        if len(mine := [f"{sha} {tag}" for name, sha, tag in found if name == action]) > 1:
            for place in sorted(_uses(tree, action)):
                yield f"{place}: {action} is pinned in several ways: {', '.join(sorted(mine))}"


def _uses(tree: Tree, action: str) -> Iterator[str]:
    for file in tree.files:
        for _, step in file.steps():
            if str(step.get("uses", "")).startswith(f"{action}@"):
                yield at(step, "uses")


def pins_are_the_recorded_ones(tree: Tree, facts: str) -> Problems:
    rows = re.findall(r"^\| ([\w./-]+) \| (v[\d.]+) \| ([0-9a-f]{40}) \|", facts, re.MULTILINE)
    known = {name: (sha, tag) for name, tag, sha in rows}
    for action, sha, tag in sorted(pins(tree)):
        if known.get(action) != (sha, tag):
            yield f"{action}@{sha} # {tag}, known is {known.get(action)}"


def stand_ins_are_of_the_pin(tree: Tree) -> Problems:
    """What a rehearsal uses instead of an action was compared with one commit of it."""
    for file in tree.files:
        for _, step in file.steps():
            used = str(step.get("uses", "./"))
            if used.startswith("./") or "@" not in used or "/.github/actions/" in used:
                continue
            action, _, sha = used.partition("@")
            known = _compared(action)
            place, remark = at(step, "uses"), file.line(int(at(step, "uses").split(":")[1]))
            if known is None:
                yield f"{place}: {action} has no stand-in: a rehearsal cannot run it"
            elif known[0] != sha or f"# {known[1]}" not in remark:
                yield (
                    f"{place}: {action} is not {known[1]} ({known[0]}), with which its stand-in "
                    "was compared: compare it again, and correct the first line of its action.yml"
                )


@cache
def _compared(action: str) -> tuple[str, str] | None:
    """Read which commit and version a stand-in was compared with; None without a stand-in."""
    file = ROOT / "rehearsal/actions" / action / "action.yml"
    if not file.exists():
        return None
    found = re.match(r"# Compared with ([0-9a-f]{40}) \((v[\d.]+)\)\.\n", file.read_text("utf-8"))
    return (found[1], found[2]) if found else ("", "any known version")


def nothing_is_granted_at_the_top(tree: Tree) -> Problems:
    for file in tree.workflows:
        if file.data.get("permissions") != {}:
            said = file.data.get("permissions")
            yield f"{at(file.data, 'permissions')}: the top says permissions: {said}"


def every_job_states_its_grants(tree: Tree) -> Problems:
    for file, name, job in tree.jobs():
        granted = job.get("permissions")
        if not isinstance(granted, dict):
            yield f"{at(job, 'permissions')}: {name} states no permissions of its own"
            continue
        expected = dict.fromkeys(WRITES.get((file, name), ()), "write")
        expected = {**READS.get((file, name), {"contents": "read"}), **expected}
        for scope in sorted(granted.keys() | expected.keys()):
            has, wants = granted.get(scope, "none"), expected.get(scope, "none")
            if has != wants:
                place = at(job, "permissions", scope)
                yield f"{place}: {name} has {scope}: {has}, its work needs {scope}: {wants}"


def every_grant_has_a_reason(tree: Tree) -> Problems:
    for file in tree.workflows:
        for _, node in file.values("permissions"):
            for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                number = key.start_mark.line + 1
                if not re.search(r": (read|write) # \w.+", file.line(number)):
                    yield f"{file.path}:{number}: no reason: {file.line(number).strip()}"


def a_checkout_may_read(tree: Tree) -> Problems:
    """A private repository cannot be checked out without `contents`."""
    for _, name, job in tree.jobs():
        checks_out = any(
            "actions/checkout@" in step.get("uses", "") or "checkout" in step.get("with", ())
            for step in job.get("steps", ())
        )
        if checks_out and (job.get("permissions") or {}).get("contents") not in ("read", "write"):
            place = at(job, "permissions", "contents")
            yield f"{place}: {name} checks out, and may not read a private repository"


def only_the_upload_is_trusted(tree: Tree) -> Problems:
    """The index trusts one file and one environment."""
    for file, name, job in tree.jobs():
        grants = "id-token" in (job.get("permissions") or {})
        if grants != ((file, name) in (UPLOAD, SIGNS)):
            place = at(job, "permissions", "id-token")
            yield f"{place}: {name} may {'' if grants else 'not '}prove who it is"
        if (job.get("environment") == "pypi") != ((file, name) == UPLOAD):
            yield f"{at(job, 'environment')}: {name} may prove to be the publisher"
    upload = tree.workflow(UPLOAD[0]).jobs[UPLOAD[1]]
    if upload.get("environment") != "pypi":
        yield f"{at(upload, 'environment')}: publish-package has not the environment pypi"
    if upload.get("permissions") != {"contents": "read", "id-token": "write"}:
        yield f"{at(upload, 'permissions')}: publish-package may do more than prove who it is"
    on = tree.workflow(RELEASE).data["on"]
    if "workflow_call" in on:
        place = at(on, "workflow_call")
        yield f"{place}: {RELEASE} can be called: trusted publishing needs the top-level file"


def only_the_gate_waits_for_people(tree: Tree) -> Problems:
    """Reviewers of several environments would be asked several times in one run."""
    for file, name, job in tree.jobs():
        expected = ENVIRONMENTS.get((file, name))
        if job.get("environment") != expected:
            place, said = at(job, "environment"), job.get("environment")
            yield f"{place}: {name} has the environment {said}, not {expected}"


UPLOAD, SIGNS = (RELEASE, "publish-package"), (RELEASE, "attest")
ENVIRONMENTS = {
    (RELEASE, "gate"): "release",
    (ROLLBACK, "rollback"): "release",
    UPLOAD: "pypi",
}


def _reading(context: str, node: Mapping[str, Any], *keys: str) -> str:
    """Give the place of the first value below that reads a context; else of the node itself."""
    for key, value in node.items():
        if keys and key not in keys:
            continue
        for part in value if isinstance(value, list) else [value]:
            if named(context, {key: part}):
                return _reading(context, part) if isinstance(part, Mapping) else at(node, key)
    return at(node, *keys)


def _work(job: Mapping[str, Any]) -> str:
    """Give the place where a job's last step is given something."""
    if "steps" not in job:
        return at(job, "secrets", *(job.get("secrets") or ()))
    last = job["steps"][-1]
    return at(last, "with") if "with" in last else at(last, "env")


def secrets_go_where_they_are_needed(tree: Tree) -> Problems:
    for file in tree.files:
        for key in file.data.keys() - {"jobs", "runs"}:
            if named("secrets", {key: file.data[key]}):
                yield f"{_reading('secrets', file.data, key)}: a secret for every job"
    for name, key, job in tree.jobs():
        found, expected = named("secrets", job), SECRETS.get((name, key), set())
        for one in sorted(found ^ expected):
            word = "is given" if one in found else "is not given"
            place = _reading("secrets", job) if one in found else _work(job)
            yield f"{place}: {key} {word} the secret {one}"
        if job.get("secrets") == "inherit":
            yield f"{at(job, 'secrets')}: {key} hands every secret on"


def the_token_goes_where_it_is_needed(tree: Tree) -> Problems:
    for file, name, job in tree.jobs():
        has = "token" in named("github", job) or "GITHUB_TOKEN" in named("secrets", job)
        if has != ((file, name) in TOKEN):
            word = "given" if has else "not given"
            place = _reading("github", job) if has else _work(job)
            yield f"{place}: {name} is {word} the token"


def credentials_are_for_one_step(tree: Tree) -> Problems:
    """What a job or a file sets, every step has: also those that install, or are not ours."""
    for file in tree.files:
        for name, part in {"the file": file.data, **file.jobs}.items():
            if "token" in named("github", part.get("env")) or named("secrets", part.get("env")):
                for key, value in part["env"].items():
                    if "token" in named("github", {"": value}) or named("secrets", {"": value}):
                        place = at(part, "env", key)
                        yield f"{place}: {name}: every step can read a credential"


def checks_do_not_see_the_token(tree: Tree) -> Problems:
    """What a pull request runs is a stranger's code: none of the commands has the token."""
    for name, step in tree.workflow(CI).steps():
        if "run" in step and "token" in named("github", step.get("env")):
            place = at(step, "env", "GITHUB_TOKEN")
            yield f"{place}: {name}: a command of the repository can read the token"


def commands_are_one_line(tree: Tree) -> Problems:
    """Programs belong into files, where they are tested."""
    for file in tree.files:
        for number, node in file.values("run"):
            if node.end_mark.line + 1 != number:
                yield f"{file.path}:{number}: a command of several lines"


def nothing_is_pasted_into_a_command(tree: Tree) -> Problems:
    """What a person types must reach a shell as a variable (GitHub Docs, script injection)."""
    for file in tree.files:
        for number, node in file.values("run"):
            if EXPRESSION.search(node.value):
                yield f"{file.path}:{number}: an expression in a command"


def actions_do_not_keep_or_share(tree: Tree) -> Problems:
    """No credentials left in the clone, and nothing from a cache that others may write.

    CI releases nothing, so its jobs may have caches; what a release uses may not.
    """
    for file in tree.files:
        for job, step in file.steps():
            action = step.get("uses", "").partition("@")[0]
            for key, wanted in SWITCHED.get(action, {}).items():
                if step.get("with", {}).get(key) is not wanted:
                    yield f"{at(step, 'with', key)}: {job}: {action} without {key}: {wanted}"
            cached = action.startswith("actions/cache") or "cache" in step.get("with", {})
            if cached and file.name != CI:
                yield f"{at(step, 'uses')}: {job}: a cache"


def builders_are_booted_where_something_is_built(tree: Tree) -> Problems:
    """`imagetools` needs no builder; where one is booted, its image is pinned by digest."""
    for file in tree.files:
        for job, step in file.steps():
            if not step.get("uses", "").startswith("docker/setup-buildx-action@"):
                continue
            if (file.name, job) not in BUILDS:
                yield f"{at(step, 'uses')}: {job} boots a builder, and builds nothing"
            if not BUILDKIT.fullmatch(str((step.get("with") or {}).get("driver-opts", ""))):
                yield f"{at(step, 'with', 'driver-opts')}: {job}: BuildKit's image is not pinned"


def the_tools_are_locked(tree: Tree) -> Problems:
    """pip installs uv by its hash, and uv the rest: no action chooses a version."""
    said = tree.read(INSTALL)
    for file in ("bootstrap", "release", "jobs"):
        if f"requirements/{file}.txt" not in said:
            yield f"{INSTALL}:1: requirements/{file}.txt is not installed"
        if f'"$SYSTEM"/requirements/{file}.txt' not in tree.read("docs/adopt.md"):
            yield f"docs/adopt.md:1: does not copy requirements/{file}.txt"
    if said.count("--require-hashes") != said.count(" install ") + said.count(" sync "):
        yield f"{INSTALL}:1: something is installed without hashes: {said}"


def the_actions_begin_alike(tree: Tree) -> Problems:
    """With the checkout, for another repository, and the locked tools."""
    for name in ("setup", "stage"):
        steps = [step for _, step in tree.action(name).steps()]
        kinds = [_kind(step) for step in steps]
        wrong = next((i for i, one in enumerate(BEGIN) if kinds[i : i + 1] != [one]), None)
        if wrong is not None:
            whole = at(tree.action(name).data["runs"], "steps")
            place = at(steps[wrong], *["run"][:wrong]) if len(steps) > wrong else whole
            yield f"{place}: the steps of {name} are {kinds}, expected {BEGIN} first"
        elif steps[0].get("if") != "inputs.checkout != ''":
            yield f"{at(steps[0], 'if')}: {name} checks out if {steps[0].get('if')}"
        if name == "setup" and len(steps) > len(BEGIN):
            yield f"{at(steps[len(BEGIN)])}: {name} does more than run {INSTALL}"


BEGIN = ["checkout", "install.sh"]


def _kind(step: Mapping[str, Any]) -> str:
    if re.match(r'"[^"]*/install\.sh"', step.get("run", "")):
        return BEGIN[1]
    return "checkout" if step.get("uses", "").startswith("actions/checkout@") else "another"


def actions_take_nothing_from_the_caller(tree: Tree) -> Problems:
    """Used by its name, an action runs in the checkout of another repository: `./` is theirs."""
    for name in ("setup", "stage"):
        for _, step in tree.action(name).steps():
            if step.get("uses", "").startswith("./"):
                yield f"{at(step, 'uses')}: {name} uses {step['uses']} of whoever calls it"
            for word in ("requirements/", "python -m scripts", ".venv"):
                if word in step.get("run", ""):
                    yield f"{at(step, 'run')}: {name}: {step['run']} reads the caller's {word}"


def jobs_begin_with_a_checkout(tree: Tree) -> Problems:
    """`./` is what is checked out, and must be the workflow's own commit."""
    for _, name, job in tree.jobs():
        for number, step in enumerate(job.get("steps", ())):
            checkout = step.get("uses", "").startswith("actions/checkout@")
            if checkout != (number == 0):
                word = " not" * checkout
                yield f"{at(step)}: {name}: step {number + 1} should{word} be the checkout"


RULES = (
    actions_are_pinned,
    stand_ins_are_of_the_pin,
    an_action_has_one_pin,
    nothing_is_granted_at_the_top,
    every_job_states_its_grants,
    every_grant_has_a_reason,
    a_checkout_may_read,
    builders_are_booted_where_something_is_built,
    the_tools_are_locked,
    the_actions_begin_alike,
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
