"""Which pushed references are refused, and in which words.

Git runs this file as the hook `update`, once a reference; the rules come in the environment, the
standard library is all it needs. What is printed reaches the one who pushes after `remote: `.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

VARIABLE = "REHEARSAL_PUSH_RULES"
ZERO = "0" * 40
CREATION_REFUSED = "Cannot create ref due to creations being restricted."
WORKFLOW_FOLDER = ".github/workflows"


@dataclass(frozen=True)
class PushRules:
    """What counts for one push: branches that want a pull request, branches that only grow, tags of
    immutable releases (and all names such releases ever had), and the pusher's right to workflows.
    """

    default_branch: str
    pull_request_branches: list[str] = field(default_factory=list)
    growing_branches: list[str] = field(default_factory=list)
    fixed_tags: list[str] = field(default_factory=list)
    burned_tags: list[str] = field(default_factory=list)
    workflows: bool = True

    def to_json(self) -> str:
        """Return the text that travels to the hook."""
        return json.dumps(asdict(self))


Git = Callable[..., subprocess.CompletedProcess[str]]


def refusal(rules: PushRules, ref: str, old: str, new: str, git: Git) -> str | None:
    """Return why GitHub refuses to move `ref` from `old` to `new`, or None."""
    if ref.startswith("refs/pull/"):
        return "deny updating a hidden ref"
    if ref.startswith("refs/tags/"):
        reason = tag_refusal(rules, ref, old)
    else:
        reason = branch_refusal(rules, ref, old, new, git)
    return reason or workflow_refusal(rules, new, git)


def tag_refusal(rules: PushRules, ref: str, old: str) -> str | None:
    """Return why a tag stays: an immutable release has it, or used its name up."""
    tag = ref.removeprefix("refs/tags/")
    heading = f"error: GH013: Repository rule violations found for {ref}.\n\n- "
    if tag in rules.burned_tags and old == ZERO:
        return heading + CREATION_REFUSED
    if tag in rules.fixed_tags:
        return heading + "Cannot move or delete the tag of an immutable release."
    return None


def branch_refusal(rules: PushRules, ref: str, old: str, new: str, git: Git) -> str | None:
    """Return why a protected branch does not take a push."""
    branch = ref.removeprefix("refs/heads/")
    heading = f"error: GH006: Protected branch update failed for {ref}.\nerror: "
    protected = branch in rules.growing_branches + rules.pull_request_branches
    if not protected or old == ZERO:  # a name's protection does not forbid making the branch
        return None
    if new == ZERO:
        return heading + "Cannot delete this branch."
    if branch in rules.pull_request_branches:
        return heading + "Changes must be made through a pull request."
    if git("merge-base", "--is-ancestor", old, new).returncode:
        return heading + "Cannot force-push to this branch."
    return None


def workflow_refusal(rules: PushRules, new: str, git: Git) -> str | None:
    """Return why a token without the permission `workflows` can't bring these workflow files."""
    default = f"refs/heads/{rules.default_branch}"
    if rules.workflows or new == ZERO or git("rev-parse", "-q", "--verify", default).returncode:
        return None
    changes = git(
        *("diff-tree", "-r", "--name-only", "--no-renames", "--diff-filter=AMT"),
        *(default, f"{new}^{{commit}}", "--", WORKFLOW_FOLDER),
    ).stdout.split()
    if not changes:
        return None
    return (
        "refusing to allow a GitHub App to create or update workflow "
        f"`{changes[0]}` without `workflows` permission"
    )


def run_git(*args: str) -> subprocess.CompletedProcess[str]:
    """Run git where the hook runs, the pushed objects in sight."""
    return subprocess.run(["git", *args], capture_output=True, text=True, check=False)


def main(ref: str, old: str, new: str) -> int:
    """Return the hook's exit code."""
    rules = PushRules(**json.loads(os.environ[VARIABLE]))
    reason = refusal(rules, ref, old, new, run_git)
    if reason is not None:
        print(reason, file=sys.stderr)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
