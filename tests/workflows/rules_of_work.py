"""Rules about what each job does and with what: derived from the stages' work, not from the files.

Each yields a sentence for a breach.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from scripts.core.jobs import JOBS
from scripts.release.context import Context
from scripts.tools.environment import DEADLINE, Environment
from tests.workflows.rules_of_handing import RUNS, Use, filled, legs, uses_of_stage
from tests.workflows.tree import (
    AUDIT,
    CHANGELOG,
    CI,
    ENTRY,
    EXPRESSION,
    IMAGE,
    RELEASE,
    ROLLBACK,
    SETUP,
    STAGE,
    WATCH,
    File,
    Job,
    Node,
    Problems,
    Tree,
    at,
    named,
    needs,
)

# Job -> the arguments of `release` or `make` that do its work, where no stage does.
COMMANDS = {
    (CI, "plan"): "release ci-plan",
    (CI, "ci"): "release ci-verdict",
    (ENTRY, "changelog"): "release changelog check",
    (CHANGELOG, "draft"): "release changelog draft --propose",
    (ROLLBACK, "plan"): "release rollback --dry-run",  # asks before anybody approves
}
# Job -> its stage, where the list of the release's jobs does not have it.
STAGES = {
    (AUDIT, "audit"): "audit --start --issue",  # every release, and the issue about drift
    # Four jobs, so that the scanner meets no token.
    **{(WATCH, job): f"watch {job}" for job in ("look", "scan", "issues", "propose")},
    (ROLLBACK, "rollback"): "rollback",
    (ROLLBACK, "verify"): "verify --moment rolled-back --platform linux/amd64",
}
RUNNERS = {"linux/amd64": "ubuntu-24.04", "linux/arm64": "ubuntu-24.04-arm"}
# Job -> why it reads the history. All others fetch one commit, which is quicker.
HISTORY = {
    (RELEASE, "scan"): "its job has no token to fetch the release commit with",
    (RELEASE, "promote"): "whether the branch has moved on",
    (CI, "plan"): "which files a change touches",
    (CI, "rehearsal"): "the rehearsal's remote is made of it",
    (ENTRY, "changelog"): "which files a change touches",
    (WATCH, "propose"): "whether an earlier update was merged",
    (CHANGELOG, "draft"): "the commits since the last tag",
}
# Workflow -> what each job waits for. The release's own is in scripts/core/jobs.py.
ORDER = {
    ROLLBACK: {"plan": [], "rollback": ["plan"], "verify": ["rollback"]},
    IMAGE: {"build": []},
    AUDIT: {"audit": []},
    WATCH: {"look": [], "scan": ["look"], "issues": ["scan"], "propose": ["scan"]},
    CHANGELOG: {"draft": []},
    ENTRY: {"changelog": []},
}
CONDITIONS = {
    (ROLLBACK, "rollback"): "${{ !inputs.dry-run }}",
    # What went back is tested; where nothing was to be moved, there is nothing to test.
    (ROLLBACK, "verify"): "needs.rollback.outputs.mode == 'rolled-back'",
    (IMAGE, "build"): None,
    (AUDIT, "audit"): None,
    **{(WATCH, job): None for job in ("look", "scan", "issues", "propose")},
    (CHANGELOG, "draft"): None,
    (ENTRY, "changelog"): None,
    (ROLLBACK, "plan"): None,
}
# What must not run twice at once: the runs of one reference, or those of the whole repository.
GROUPS = {
    RELEASE: "release-${{ github.ref }}",
    CHANGELOG: "changelog-${{ github.ref }}",  # both would push one branch
    AUDIT: "audit-${{ github.repository }}",  # both would open an issue
    WATCH: "watch-${{ github.repository }}",  # both would open an issue
    CI: "ci-${{ github.event_name == 'pull_request' && github.ref || github.run_id }}",
    ENTRY: "entry-${{ github.ref }}",  # a newer commit or label replaces the answer
}
REGISTRY, INDEX, UPLOAD = "IMAGE_REGISTRY", "PACKAGE_INDEX_URL", "PACKAGE_INDEX_UPLOAD_URL"
# What every job of a workflow must know: the addresses of what its surfaces read and write.
ADDRESSES = {
    RELEASE: {REGISTRY, INDEX, UPLOAD},
    IMAGE: {REGISTRY},
    ROLLBACK: {REGISTRY, INDEX},
    AUDIT: {REGISTRY, INDEX},
    WATCH: {REGISTRY, INDEX},
}
# What else a job must know.
TOLD = {
    (RELEASE, "plan"): {"REGISTRY_USERNAME"},  # it asks whether this user may push
    (RELEASE, "scan"): {"VULNERABILITY_DATABASE_URL"},
    (WATCH, "look"): {"DOCKER_HUB_MIRROR"},
    (WATCH, "scan"): {"VULNERABILITY_DATABASE_URL"},
    (RELEASE, "publish-package"): {"PACKAGE_INDEX_USERNAME"},
    (RELEASE, "report"): {"CI_NEEDS"},
    (CI, "ci"): {"CI_NEEDS"},
    (CI, "rehearsal"): {"ARGS"},
    (ENTRY, "changelog"): {"GITHUB_TOKEN"},
    (CHANGELOG, "draft"): {"GITHUB_TOKEN"},
    (ROLLBACK, "plan"): {"GITHUB_TOKEN"},
}
# What a run can be told by a person: with a type, and what it is without an answer.
INPUTS: Mapping[str, Mapping[str, tuple[str, Any]]] = {
    RELEASE: {"version": ("string", ...), "title": ("string", ""), "dry-run": ("boolean", False)},
    ROLLBACK: {"version": ("string", ...), "good": ("string", ""), "dry-run": ("boolean", False)},
    AUDIT: {"version": ("string", "")},
    WATCH: {},
    IMAGE: dict.fromkeys(("image", "platform", "runner"), ("string", ...)),
}
# Jobs that write to the registry, or read more from it than a stranger may.
LOGINS = {
    (IMAGE, "build"),
    *((RELEASE, name) for name in ("stage", "publish-tags", "promote")),
    *((ROLLBACK, name) for name in ("plan", "rollback")),
}
# Job -> the credentials that its work is given by name; `docker login` hands on none.
CREDENTIALS = {
    (RELEASE, "plan"): {"registry-token"},  # asks what it may push
    (RELEASE, "publish-package"): {"package-index-token"},
    (RELEASE, "announce"): {"announce-secrets"},
}
# The checks that build the rehearsal's programs: in a minute, unless they are kept.
BUILDING = {(CI, name) for name in ("check", "services", "rehearsal")}
LEAST = DEADLINE / 60
"""Minutes that a job has at least: a stage asks a slow service again for as long."""
CACHED = ("~/.cache/uv", "~/.cache/release-rehearsal")
LOGIN = {
    "registry": "${{ vars.IMAGE_REGISTRY }}",
    "username": "${{ vars.REGISTRY_USERNAME }}",
    "password": "${{ secrets.REGISTRY_TOKEN }}",
}
CHECKOUT = "actions/checkout"
DOWNLOAD, UPLOADS = "actions/download-artifact", "actions/upload-artifact"
PREFIX = "release-"
# A name whose source does not have the same name -> where its value comes from.
SOURCES = {
    "github-token": "github.token",
    "GITHUB_TOKEN": "github.token",
    "CI_NEEDS": "toJson(needs)",
    "ARGS": "needs.plan.outputs.arguments",
    "python-version": "matrix.python",
}


def each_value_comes_from_its_namesake(tree: Tree) -> Problems:
    """`X` from `vars.X` or `secrets.X`, `RELEASE_X` from `inputs.x`, and so on."""
    for file in tree.files:
        action = file.name == "action.yml"
        for node in _givers(file.data):
            for name, value in node.items():
                right = _sources(name, action=action)
                if right and value not in right:
                    yield f"{at(node, name)}: {name} is {value}, expected {' or '.join(right)}"


def _givers(node: Any) -> Iterator[Node]:
    """Yield every mapping that hands values on under names."""
    if isinstance(node, list):
        for child in node:
            yield from _givers(child)
    if isinstance(node, Node):
        for key, child in node.items():
            if key in ("env", "with", "secrets") and isinstance(child, Node) and _hands(child):
                yield child
            yield from _givers(child)


def _hands(node: Node) -> bool:
    """Tell a declaration of inputs from values."""
    return not any(isinstance(value, Node) for value in node.values())


def _sources(name: str, *, action: bool) -> list[str]:
    """Give what a name may be given; nothing if it says a literal thing."""
    lower = name.lower().replace("_", "-")
    if action:
        found = [f"inputs.{lower}"] if name.isupper() else []
    elif name in SOURCES:
        found = [SOURCES[name]]
    elif name.startswith("RELEASE_"):
        found = [f"inputs.{lower.removeprefix('release-')}"]
    elif name.isupper():
        found = [f"vars.{name}", f"secrets.{name}"]
    elif name.endswith(("-token", "-secrets")):
        found = [f"secrets.{name.upper().replace('-', '_')}"]
    elif name in INPUTS[IMAGE]:
        found = [f"matrix.{name}"]
    else:
        found = []
    return [f"${{{{ {one} }}}}" for one in found]


def each_job_knows_its_services(tree: Tree) -> Problems:
    """An address that is not handed over is the public one: a private registry would be missed."""
    for file, name, job in tree.jobs():
        if "uses" in job:
            continue
        top = tree.workflow(file).data
        # Only image.yml has one job, which states them itself.
        holder = job if file == IMAGE else top
        given = {*(top.get("env") or {}), *(job.get("env") or {})}
        work = job["steps"][-1]
        given |= set(work.get("env") or {})
        for one in sorted(ADDRESSES.get(file, set()) - given):
            yield f"{at(holder, 'env')}: {name} does not know {one}"
        for one in sorted(TOLD.get((file, name), set()) - given):
            place = at(work, "env") if "env" in work else at(job, "env")
            yield f"{place}: {name} does not know {one}"


def each_answer_of_a_person_is_used(tree: Tree) -> Problems:
    for name, expected in INPUTS.items():
        on = tree.workflow(name).data["on"]
        form = on.get("workflow_dispatch") or on.get("workflow_call") or Node()
        inputs = form.get("inputs") or {}
        place = next((at(on, one) for one in on if one.startswith("workflow_")), at(on))
        for one in expected.keys() - inputs.keys():
            yield f"{place}: the input {one} is missing"
        for one in inputs.keys() - expected.keys():
            yield f"{at(form, 'inputs', one)}: nothing uses the input {one}"
        for one in expected.keys() & inputs.keys():
            yield from _input(one, inputs[one], *expected[one])
        yield from _unused(tree.workflow(name), expected if "workflow_dispatch" in on else ())


def _unused(file: File, inputs: Iterable[str]) -> Problems:
    """Yield the inputs that neither a stage's environment nor a condition reads."""
    decided = {str(job.get("if")) for job in file.jobs.values()}
    for one in inputs:
        variable = f"RELEASE_{one.upper().replace('-', '_')}"
        used = any(f"inputs.{one} " in f"{text} " for text in decided)
        if variable not in (file.data.get("env") or {}) and not used:
            yield f"{at(file.data, 'env')}: {variable} does not hand on {one}"


def _input(name: str, said: Mapping[str, Any], kind: str, default: Any) -> Problems:
    if said.get("type") != kind:
        yield f"{at(said, 'type')}: the input {name} is a {said.get('type')}, expected a {kind}"
    if default is ...:
        if said.get("required") is not True or "default" in said:
            yield f"{at(said, 'required')}: the input {name} must be answered"
    elif said.get("default") != default or said.get("required"):
        yield f"{at(said, 'default')}: without an answer {name} must be {default!r}"


def credentials_reach_the_work_that_needs_them(tree: Tree) -> Problems:
    for file, name, job in tree.jobs():
        work = job.get("steps", [Node()])[-1]
        for key in sorted(work.get("with") or ()):
            secret = key.endswith(("-token", "-secrets")) and key != "github-token"
            if secret and key not in CREDENTIALS.get((file, name), ()):
                yield f"{at(work, 'with', key)}: {name} does not need {key}"
        for key in sorted(set(work.get("env") or ()) - TOLD.get((file, name), set())):
            yield f"{at(work, 'env', key)}: {name} does not need {key}"


def called_secrets_are_required(tree: Tree) -> Problems:
    """One that a caller forgets is empty; GitHub refuses it only if it is required."""
    for file in tree.workflows:
        call = file.data["on"].get("workflow_call") or Node()
        declared = call.get("secrets") or {}
        for name in sorted(named("secrets", dict(file.jobs)) - set(declared) if call else ()):
            yield f"{at(file.data['on'], 'workflow_call', 'secrets')}: {name} is not declared"
        for name, said in declared.items():
            if name not in named("secrets", dict(file.jobs)):
                yield f"{at(declared, name)}: nothing reads the secret {name}"
            if said.get("required") is not True:
                yield f"{at(said, 'required')}: the secret {name} may be left out"


def the_action_asks_for_what_it_needs(tree: Tree) -> Problems:
    """Its stage; what nobody gives is an empty text."""
    inputs = [tree.action(one).data.get("inputs") or {} for one in ("setup", "stage")]
    for name, said in (pair for one in inputs for pair in one.items()):
        if name == "stage":
            if said.get("required") is not True:
                yield f"{at(said, 'required')}: {name} may be left out"
        elif said.get("default") != "":
            yield f"{at(said, 'default')}: without it, {name} must be empty"


def each_job_does_its_own_work(tree: Tree) -> Problems:
    """The stage of the list of jobs, with the values of the leg; or its command."""
    for file in RUNS:
        for use in uses_of_stage(tree, file):
            expected = _stage(file, use)
            if use.given["stage"].split() != expected.split():
                yield (
                    f"{use.place('stage')}: {use.job} runs `{use.given['stage']}`, "
                    f"expected `{expected}`"
                )
            name = _result(file, use)
            if use.given["artifact"] != name:
                given = use.given["artifact"]
                yield f"{use.place('artifact')}: {use.job}: artifact {given}, expected {name}"
    for (file, name), command in COMMANDS.items():
        work = tree.workflow(file).jobs[name]["steps"][-1]
        if work.get("run") != command:
            yield f"{at(work, 'run')}: {name} runs {work.get('run')}, expected {command}"


def _stage(file: str, use: Use) -> str:
    """Give the arguments of a stage: those of its job, and the values of the leg."""
    if (file, use.job) in STAGES:
        return STAGES[file, use.job]
    job = next(one for one in JOBS if one.name == ("images" if use.job == "build" else use.job))
    options = {"--name": use.leg.get("image"), "--platform": use.leg.get("platform")}
    return " ".join([job.verb, *(f"{key} {value}" for key, value in options.items() if value)])


def _result(file: str, use: Use) -> str:
    """Name the artifact after the job and what makes its leg another than the others."""
    own = {(ROLLBACK, "verify"): "verify-rolled-back"}.get((file, use.job), use.job)
    first = {"build": "image"}.get(own, own)
    return "-".join(filter(None, [first, use.leg.get("image"), use.leg.get("runner")]))


def each_platform_has_its_own_runner(tree: Tree) -> Problems:
    """Nothing is emulated: a leg runs on a machine of its platform."""
    for file in (RELEASE,):
        for name, job in tree.workflow(file).jobs.items():
            for leg in legs(job):
                platform = leg.get("platform", "linux/amd64")
                said = str((job.get("with") or {}).get("runner", job.get("runs-on")))
                if filled(said, matrix=leg) != RUNNERS[platform]:
                    place = at(job, "runs-on") if "runs-on" in job else at(job, "with", "runner")
                    yield f"{place}: {name} builds or tests {platform} on {said}"


def histories_are_fetched_where_they_are_read(tree: Tree) -> Problems:
    for file, name, job in tree.jobs():
        first = job.get("steps", [Node()])[0]
        if "checkout" not in str(first.get("uses")):
            continue
        depth = (first.get("with") or {}).get("fetch-depth")
        if (depth == 0) != ((file, name) in HISTORY):
            why = HISTORY.get((file, name), "one commit is enough")
            yield f"{at(first, 'with', 'fetch-depth')}: {name}: fetch-depth {depth}: {why}"
        for key in sorted(set(first.get("with") or ()) - {"persist-credentials", "fetch-depth"}):
            yield f"{at(first, 'with', key)}: {name}: the checkout is not the workflow's own commit"


def jobs_wait_for_what_they_build_on(tree: Tree) -> Problems:
    for file, order in ORDER.items():
        jobs = tree.workflow(file).jobs
        for name in jobs.keys() ^ order.keys():
            place = at(tree.workflow(file).data, "jobs", name)
            yield f"{place}: {name} is {'not known' if name in jobs else 'missing'}"
        for name in jobs.keys() & order.keys():
            if needs(jobs[name]) != order[name]:
                place = at(jobs[name], "needs")
                yield f"{place}: {name} waits for {needs(jobs[name])}, expected {order[name]}"
    for (file, name), expected in CONDITIONS.items():
        job = tree.workflow(file).jobs[name]
        if job.get("if") != expected:
            yield f"{at(job, 'if')}: {name} runs if {job.get('if')}, expected {expected}"


def runs_that_must_not_meet_share_a_group(tree: Tree) -> Problems:
    for file, expected in GROUPS.items():
        data = tree.workflow(file).data
        group = (data.get("concurrency") or {}).get("group")
        if group != expected:
            yield f"{at(data, 'concurrency', 'group')}: the group is {group}, expected {expected}"
    entry = tree.workflow(ENTRY).data
    if (entry.get("concurrency") or {}).get("cancel-in-progress") is not True:
        place = at(entry, "concurrency", "cancel-in-progress")
        yield f"{place}: an older answer may come after the newer one"


def stages_have_time(tree: Tree) -> Problems:
    """A job that ends before the stage's own deadline ends without a message."""
    for _, name, job in tree.jobs():
        minutes = job.get("timeout-minutes", LEAST)
        if not isinstance(minutes, int | float) or minutes < LEAST:
            yield f"{at(job, 'timeout-minutes')}: {name}: {minutes}, expected at least {LEAST:.0f}"


def steps_run_one_after_the_other(tree: Tree) -> Problems:
    """A failed step ends its job. Only a login can be left out, only a result is always kept."""
    for file in tree.files:
        for name, step in file.steps():
            action = str(step.get("uses", "")).partition("@")[0]
            ours = file.name == "action.yml" and action == CHECKOUT
            if "if" in step and not ours and action not in ("docker/login-action", UPLOADS):
                yield f"{at(step, 'if')}: a step of {name} runs only if {step['if']}"


def steps_are_in_the_order_of_their_use(tree: Tree) -> Problems:
    """The checkout, what the work needs, then the work, once."""
    for file, name, job in tree.jobs():
        if "steps" not in job:
            continue
        *before, work = job["steps"]
        for step in before:
            if _works(step):
                yield f"{at(step)}: {name} does more than one thing, or goes on after its work"
        if not _works(work):
            yield f"{at(job, 'steps')}: {name} does nothing after its preparations"
        used = [str(step.get("uses", "")).partition("@")[0] for step in before]
        for one in {one for one in used if used.count(one) > 1}:
            yield f"{at(job, 'steps')}: {name} uses {one} twice"
        if expected := _tools(file, name, work) - set(used):
            yield f"{at(job, 'steps')}: {name} needs {', '.join(sorted(expected))} before its work"


def _works(step: Mapping[str, Any]) -> bool:
    return "run" in step or step.get("uses") == STAGE


def _tools(file: str, name: str, work: Mapping[str, Any]) -> set[str]:
    """Give the actions that must come before a job's work."""
    found = {CHECKOUT}
    if str(work.get("run", "")).startswith("release "):
        found.add(SETUP)
    if (file, name) in LOGINS:
        found.add("docker/login-action")
    if (file, name) in BUILDING:
        found.add("actions/cache")
    if (file, name) == (CI, "check"):
        found.add("actions/setup-python")  # each leg has its own Python
    if (file, name) in {(IMAGE, "build"), (CI, "images")}:
        found.add("docker/setup-buildx-action")  # for both platforms
    return found


def actions_are_told_what_they_need(tree: Tree) -> Problems:
    """The marketplace's actions: GitHub only warns of an input that an action does not have."""
    for file in tree.files:
        for name, step in file.steps():
            action = str(step.get("uses", "")).partition("@")[0]
            if ".github/actions/" in action:
                continue  # our own: see the_action_is_given_its_inputs
            given = step.get("with") or Node()
            for key, expected in _told(action, file.name).items():
                if given.get(key) != expected:
                    place = at(step, "with", key)
                    yield f"{place}: {name}: {key} is {given.get(key)}, expected {expected}"
            for key in sorted(set(given) - _known(action)):
                yield f"{at(step, 'with', key)}: {name}: {action} has no input {key}"


def _told(action: str, file: str = "") -> Mapping[str, Any]:
    return {
        CHECKOUT: {"fetch-depth": "${{ inputs.checkout }}"} if file == "action.yml" else {},
        "docker/login-action": LOGIN,
        "actions/setup-python": {"python-version": "${{ matrix.python }}"},
        "actions/cache": {"path": "".join(f"{one}\n" for one in CACHED)},
        # Every result so far, in the folder that the stages read.
        DOWNLOAD: {"pattern": f"{PREFIX}*", "merge-multiple": True, "path": _folder("inputs")},
        UPLOADS: {
            "name": f"{PREFIX}${{{{ inputs.artifact || inputs.stage }}}}",
            "path": _folder("outputs"),
        },
    }.get(action, {})


def _known(action: str) -> set[str]:
    """Give the inputs that we use of an action."""
    more = {
        CHECKOUT: {"persist-credentials", "fetch-depth"},
        "docker/setup-buildx-action": {"cache-binary", "driver-opts"},
        "actions/cache": {"key"},
        UPLOADS: {"overwrite"},
    }
    return {*_told(action), *more.get(action, ())}


@cache
def _folder(name: str) -> str:
    """Give the folder of a stage's inputs or outputs, from the checkout's root."""
    root = Path("/checkout")
    return str(getattr(Context(Environment({}), root), name).relative_to(root))


def caches_are_of_one_lock(tree: Tree) -> Problems:
    """What was kept for other packages, another system or machine must not be found."""
    for file in tree.files:
        for name, step in file.steps():
            if str(step.get("uses", "")).startswith("actions/cache@"):
                key = str((step.get("with") or {}).get("key"))
                parts = ("runner.os }}", "runner.arch }}", "hashFiles('requirements/*.txt', ")
                if any(not re.search(rf"\$\{{\{{ {re.escape(one)}", key) for one in parts):
                    yield f"{at(step, 'with', 'key')}: {name}: the key is {key}"


def the_stage_runs_between_its_artifacts(tree: Tree) -> Problems:
    """The checkout, the tools, the earlier results, the stage, its own result."""
    steps = [step for _, step in tree.action("stage").steps()]
    kinds = [_part(step) for step in steps]
    expected = [CHECKOUT, "install", DOWNLOAD, "run", UPLOADS]
    if kinds != expected:
        first = next(
            (n for n, (a, b) in enumerate(zip(kinds, expected, strict=False)) if a != b), -1
        )
        runs = tree.action("stage").data["runs"]
        place = at(runs, "steps") if len(kinds) < len(expected) else at(steps[first])
        yield f"{place}: the action's steps are {kinds}, expected {expected}"


def _part(step: Mapping[str, Any]) -> str:
    if "install.sh" in step.get("run", ""):
        return "install"
    return str(step.get("uses", "run")).partition("@")[0]


def the_action_runs_what_it_is_told(tree: Tree) -> Problems:
    """The words of its input, with nothing expanded, and the end of the stage is its own end."""
    for name, step in tree.action("stage").steps():
        if "uses" in step or "install.sh" in step.get("run", ""):
            continue
        given = step.get("env") or {}
        for one in tree.action("stage").data["inputs"].keys() - {"artifact", "checkout"}:
            variable = one.upper().replace("-", "_")
            if variable not in given:
                yield f"{at(step, 'env')}: {name} does not hand on {one}"
        if wrong := _performed(step["run"]):
            yield f"{at(step, 'run')}: {wrong}"


WORDS = ["verify", "--moment", "*", "$(echo", "x)", "'q"]


@cache
def _performed(command: str) -> str:
    """Run the action's command with a `release` that says what it gets; return what is wrong."""
    with tempfile.TemporaryDirectory(prefix="command-") as folder:
        fake = Path(folder) / "release"
        fake.write_text("#!/bin/bash\nprintf '%s\\n' \"$@\" > said\nexit 3\n")
        fake.chmod(0o755)
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=folder, env={"PATH": f"{folder}:/usr/bin:/bin", "STAGE": " ".join(WORDS)},
            capture_output=True, check=False, timeout=10,
        )  # fmt: skip
        file = Path(folder) / "said"
        said = file.read_text().splitlines() if file.exists() else []
        more = {one.name for one in Path(folder).iterdir()} - {"release", "said"}
    if more:
        return f"the command leaves {', '.join(sorted(more))} in the checkout"
    if said != WORDS:
        return f"the words {WORDS} reach the stage as {said}"
    return "" if done.returncode == 3 else f"a stage that ends with 3 makes {done.returncode}"


def installers_are_run_whole(tree: Tree) -> Problems:
    """By their full path, in quotes: a folder may have a space in its name.

    The action of a stage says which, so that only its packages are installed.
    """
    for name, more in (("setup", ""), ("stage", ' "$STAGE"')):
        path = "/../setup" if more else ""
        expected = f'"$GITHUB_ACTION_PATH{path}/install.sh"{more}'
        for _, step in tree.action(name).steps():
            if "install.sh" not in step.get("run", ""):
                continue
            if step["run"] != expected:
                yield f"{at(step, 'run')}: {name} runs {step['run']}, expected {expected}"
            if more and "STAGE" not in (step.get("env") or {}):
                yield f"{at(step, 'env')}: {name} does not tell the installer its stage"


def what_is_written_is_read(tree: Tree) -> Problems:
    """Each output of a job is read by another job; what a job reads, one before it writes."""
    for file in tree.workflows:
        for name, job in file.jobs.items():
            for one in job.get("outputs") or {}:
                if not re.search(rf"\bneeds\.{name}\.outputs\.{one}\b", file.text):
                    yield f"{at(job, 'outputs', one)}: nothing reads {one} of {name}"
        yield from _unwritten(file.jobs)


def _unwritten(jobs: Mapping[str, Job]) -> Problems:
    for name, job in jobs.items():
        for holder, text in _texts(job):
            for need, output in re.findall(r"\bneeds\.([\w-]+)\.outputs\.([\w-]+)", text):
                written = jobs.get(need, {}).get("outputs") or {}
                if need not in needs(job) or output not in written:
                    yield f"{holder}: {name} reads {output} of {need}, which does not write it"
                    if need in jobs:
                        yield f"{at(jobs[need], 'outputs')}: {name} reads {output} of {need}"


def _texts(node: Node | Job) -> Iterator[tuple[str, str]]:
    """Yield every text below a mapping with its place."""
    for key, value in node.items():
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, Node):
                yield from _texts(part)
            elif isinstance(part, str):
                yield at(node, key), part


def names_say_which_job_it_is(tree: Tree) -> Problems:
    """Branch protection and people know a job by its name, and each leg by its values."""
    for _, key, job in tree.jobs():
        fixed, bracket, rest = str(job.get("name")).partition(" (")
        if fixed.lower().replace(" ", "") != key.replace("-", ""):
            yield f"{at(job, 'name')}: the job {key} has the name {job.get('name')}"
        if bracket and not re.fullmatch(rf".*{EXPRESSION.pattern}\)", rest):
            yield f"{at(job, 'name')}: all legs of {key} have one name"


def only_the_audit_and_the_watch_run_by_themselves(tree: Tree) -> Problems:
    """Once a week: five fields, a fixed minute and hour of one weekday."""
    for file in (AUDIT, WATCH):
        on = tree.workflow(file).data["on"]
        for entry in on.get("schedule") or [Node()]:
            if not re.fullmatch(r"[1-5]?\d 1?\d \* \* [0-6]", str(entry.get("cron", ""))):
                place = at(entry, "cron") if entry else at(on, "schedule")
                yield f"{place}: {file} does not run once a week"


RULES = (
    each_value_comes_from_its_namesake,
    each_job_knows_its_services,
    each_answer_of_a_person_is_used,
    credentials_reach_the_work_that_needs_them,
    called_secrets_are_required,
    the_action_asks_for_what_it_needs,
    each_job_does_its_own_work,
    each_platform_has_its_own_runner,
    histories_are_fetched_where_they_are_read,
    jobs_wait_for_what_they_build_on,
    runs_that_must_not_meet_share_a_group,
    stages_have_time,
    steps_run_one_after_the_other,
    steps_are_in_the_order_of_their_use,
    actions_are_told_what_they_need,
    caches_are_of_one_lock,
    the_stage_runs_between_its_artifacts,
    the_action_runs_what_it_is_told,
    installers_are_run_whole,
    what_is_written_is_read,
    names_say_which_job_it_is,
    only_the_audit_and_the_watch_run_by_themselves,
)
