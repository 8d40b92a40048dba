"""Decide which pushed references GitHub rejects, and with which message.

Git runs this file as the hook `update` for each reference. The rules come in the environment, and
it needs only the standard library. The pushing person sees its output after `remote: `.
"""

import fnmatch
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
    immutable releases (and all names such releases ever had), the pusher's right to workflows, and
    the kinds of rules that rulesets hold the default branch and the tags to.
    """

    default_branch: str
    pull_request_branches: list[str] = field(default_factory=list)
    growing_branches: list[str] = field(default_factory=list)
    fixed_tags: list[str] = field(default_factory=list)
    burned_tags: list[str] = field(default_factory=list)
    workflows: bool = True
    branch_rules: list[str] = field(default_factory=list)
    tag_rules: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Return the text that travels to the hook."""
        return json.dumps(asdict(self))


Git = Callable[..., subprocess.CompletedProcess[str]]


def refusal(rules: PushRules, ref: str, old: str, new: str, git: Git) -> str | None:
    """Return why GitHub refuses to move `ref` from `old` to `new`, or None."""
    if ref.startswith("refs/pull/"):
        return "deny updating a hidden ref"
    if ref.startswith("refs/tags/"):
        reason = tag_refusal(rules, ref, old) or tag_rule_refusal(rules, ref, old, new)
    else:
        reason = branch_refusal(rules, ref, old, new, git)
        reason = reason or ruleset_refusal(rules, ref, old, new, git)
    return reason or workflow_refusal(rules, new, git)


ASK = "What to do: open a pull request, or allow this person to bypass the rule."
"""Our words, after GitHub's own."""


def ruleset_refusal(rules: PushRules, ref: str, old: str, new: str, git: Git) -> str | None:
    """Return which rules of the default branch's rulesets a push breaks, all of them at once."""
    if ref != f"refs/heads/{rules.default_branch}" or ZERO in (old, new):
        return None
    broken = [text for kind, text in RULES.items() if kind in rules.branch_rules]
    broken += [
        text
        for kind, (text, question) in ASKED.items()
        if kind in rules.branch_rules and question(old, new, git)
    ]
    if not broken:
        return None
    heading = f"error: GH013: Repository rule violations found for {ref}.\n"
    return "\n\n".join([heading, *(f"- {text}" for text in broken), ASK])


def has_merges(old: str, new: str, git: Git) -> bool:
    """Tell whether a push brings a commit of two parents."""
    return bool(git("rev-list", "--merges", "--max-count=1", f"{old}..{new}").stdout.strip())


def has_unsigned(old: str, new: str, git: Git) -> bool:
    """Tell whether a push brings a commit without a signature."""
    signed = git("log", "--format=%H %G?", f"{old}..{new}").stdout.splitlines()
    return any(line.endswith((" N", " B")) for line in signed)


def is_rewritten(old: str, new: str, git: Git) -> bool:
    """Tell whether a push takes commits away."""
    return bool(git("merge-base", "--is-ancestor", old, new).returncode)


RULES = {
    "pull_request": "Changes must be made through a pull request.",
    "required_status_checks": "Required status checks are expected.",
    "update": "Cannot update this protected ref.",
}
"""Rules that every push to the branch breaks."""
ASKED: dict[str, tuple[str, Callable[[str, str, Git], bool]]] = {
    "required_linear_history": ("This branch must not contain merge commits.", has_merges),
    "required_signatures": ("Commits must have verified signatures.", has_unsigned),
    "non_fast_forward": ("Cannot force-push to this branch", is_rewritten),
}
"""Rules that depend on the pushed content."""


def tag_refusal(rules: PushRules, ref: str, old: str) -> str | None:
    """Return why a tag stays: an immutable release has it, or used its name up."""
    tag = ref.removeprefix("refs/tags/")
    heading = f"error: GH013: Repository rule violations found for {ref}.\n\n- "
    if tag in rules.burned_tags and old == ZERO:
        return heading + CREATION_REFUSED
    if tag in rules.fixed_tags:
        return heading + "Cannot move or delete the tag of an immutable release."
    return None


TAG_PATTERN = "refs/tags/v*"
"""The tags that the rulesets are for."""
TAG_RULES = {
    "creation": CREATION_REFUSED,
    "update": "Cannot update this protected ref.",
    "deletion": "Cannot delete this protected ref.",
}
ASK_FOR_TAG = "What to do: release another version, or have an administrator change the ruleset."
"""Our words, after GitHub's own."""


def tag_rule_refusal(rules: PushRules, ref: str, old: str, new: str) -> str | None:
    """Return which rule of the tags' rulesets a push breaks."""
    kind = "creation" if old == ZERO else "deletion" if new == ZERO else "update"
    if kind not in rules.tag_rules or not fnmatch.fnmatchcase(ref, TAG_PATTERN):
        return None
    heading = f"error: GH013: Repository rule violations found for {ref}.\n"
    return "\n\n".join([heading, f"- {TAG_RULES[kind]}", ASK_FOR_TAG])


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
    """Return why a token without the permission `workflows` cannot push these workflow files.

    It may push a file that some branch already has, with the same content at the same path.
    """
    heads = git("for-each-ref", "--format=%(refname)", "refs/heads").stdout.split()
    if rules.workflows or new == ZERO or not heads:
        return None
    known = {line for head in heads for line in _workflow_files(head, git)}
    foreign = [line for line in _workflow_files(f"{new}^{{commit}}", git) if line not in known]
    if not foreign:
        return None
    path = foreign[0].partition("\t")[2]
    return (
        f"refusing to allow a GitHub App to create or update workflow `{path}` without "
        "`workflows` permission\n"
        "What to do: no branch has this content of the file. Keep the branch that has it until "
        "the push ends, or merge it by pull request first."
    )


def _workflow_files(revision: str, git: Git) -> list[str]:
    """Return mode, kind, blob and path of every workflow file."""
    return git("ls-tree", "-r", revision, "--", f"{WORKFLOW_FOLDER}/").stdout.splitlines()


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
