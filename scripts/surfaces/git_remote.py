"""The git remote: release branch, tag, and the branch that users follow."""

import base64
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.core.changelog.carrying import carried, carry, without
from scripts.core.converge import NAME, POINTER, Conflict, Matches, Missing, State, Surface
from scripts.core.errors import ServiceError, TransientError
from scripts.core.planning import Plan
from scripts.tools import processes

if TYPE_CHECKING:
    from scripts.core.lockfile import Lock

# git's messages if somebody else pushed between our read and our push.
MOVED = ("non-fast-forward", "fetch first", "cannot lock ref", "incorrect old value", "stale info")
# git's messages for a push without credentials, or without the permission.
DENIED = ("403", "401", "denied", "authentication failed", "could not read username")
# GitHub's messages for a push that a rule forbids (GitHub Docs, "Troubleshooting rules").
PROTECTED = ("GH006", "GH013", "protected branch", "repository rule violations")
TAG_REFUSED = (
    "if a ruleset restricts who creates tags, let this token bypass it and run the release again; "
    "if an immutable release has used this name, nobody can use it again: release the next version"
)
# What GitHub says to a token without the right to workflows, such as a run's own, of a commit whose
# workflow files stand so on no branch.
NO_WORKFLOWS = "without `workflows` permission"
CHANGED_WORKFLOWS = (
    "workflow files changed on the branch after this release started, or its branch release/v… was "
    "deleted while it waited: run the release again with the same version; it starts from the "
    "current state of the branch"
)
# After this many seconds without data, git fails (git, GIT_HTTP_LOW_SPEED_TIME).
SETTINGS = {"GIT_TERMINAL_PROMPT": "0", "GIT_HTTP_LOW_SPEED_LIMIT": "1"}
SILENCE = 30.0


class Git:
    """git in one clone, with credentials for one remote, in no file and no argument."""

    def __init__(
        self,
        folder: Path,
        url: str,
        environment: Mapping[str, str],
        token: str | None = None,
        silence: float = SILENCE,
    ) -> None:
        self.folder = folder
        self.url = url
        silent = {"GIT_HTTP_LOW_SPEED_TIME": f"{silence:.0f}"}
        self._environment = {**environment, **SETTINGS, **silent, **_header(url, token)}
        # The content of a commit never changes, so it is read once.
        self._there: set[str] = set()
        self._files: dict[tuple[str, str], str] = {}

    def run(self, *arguments: str, text: str | None = None, **environment: str) -> str:
        """Run git and give its output, without the last line feed."""
        done = processes.run(
            ["git", *arguments],
            cwd=self.folder,
            environment={**self._environment, **environment},
            text=text,
        )
        return done.removesuffix("\n")

    def show(self, commit: str, path: str) -> str:
        """Return a file of a commit unchanged, including line endings."""
        if (commit, path) not in self._files:
            self._files[commit, path] = processes.run(
                ["git", "cat-file", "blob", "--end-of-options", f"{commit}:{path}"],
                cwd=self.folder,
                environment=self._environment,
            )
        return self._files[commit, path]

    def refs(self) -> dict[str, str]:
        """Return the remote's branches and tags, each with its commit (tags peeled)."""
        refs: dict[str, str] = {}
        for line in self.run(
            "ls-remote", "--heads", "--tags", "--end-of-options", self.url
        ).splitlines():
            commit, _, name = line.partition("\t")
            # `name^{}` follows `name`: the commit of an annotated tag.
            refs[name.removesuffix("^{}")] = commit
        return refs

    def default_branch(self) -> str:
        """Name the branch that the remote's HEAD is."""
        said = self.run("ls-remote", "--symref", "--end-of-options", self.url, "HEAD")
        if found := re.search(r"^ref: refs/heads/(\S+)\tHEAD$", said, re.MULTILINE):
            return found[1]
        raise ServiceError(
            "the remote does not say which branch is its default",
            "name it in [tool.release]: branch",
        )

    def tag_message(self, tag: str) -> str:
        """Return the message of an annotated tag of the remote; empty if there is none."""
        name = f"refs/tags/{tag}"
        lines = self.run(
            "ls-remote", "--end-of-options", self.url, name, f"{name}^{{}}"
        ).splitlines()
        ids = {ref: sha for sha, _, ref in (line.partition("\t") for line in lines)}
        if f"{name}^{{}}" not in ids:
            return ""
        if not self._has(ids[name]):
            self.run("fetch", "--quiet", "--no-tags", "--end-of-options", self.url, name)
        return self.run("cat-file", "tag", "--end-of-options", ids[name]).partition("\n\n")[2]

    def fetch(self, commit: str) -> None:
        """Fetch a commit of the remote with its history, if this clone does not have it."""
        if commit not in self._there and not self._has(commit):
            self.run("fetch", "--quiet", "--no-tags", "--end-of-options", self.url, commit)
        self._there.add(commit)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Tell whether `newer` contains `older`; both must be in this clone."""
        return self.run("rev-list", "--count", "--end-of-options", older, f"^{newer}") == "0"

    def commit_files(
        self, texts: Mapping[str, str], parent: str, message: str, who: Mapping[str, str]
    ) -> str:
        """Write a commit that changes files of `parent`; the checkout stays untouched.

        `who` is author, committer and time, as `identity` gives them.
        """
        return self.commit(self.tree_with(texts, parent), [parent], message, who)

    def commit(self, tree: str, parents: list[str], message: str, who: Mapping[str, str]) -> str:
        """Write a commit of a tree."""
        return self.run(
            "commit-tree",
            *(f"-p{parent}" for parent in parents),
            "--end-of-options",
            tree,
            text=message,
            **who,
        )

    def tree_with(self, texts: Mapping[str, str], tree: str) -> str:
        """Write a tree that differs from `tree` in some files' texts; their modes stay."""
        modes = {
            line.partition("\t")[2]: line.partition(" ")[0]
            for line in self.run("ls-tree", "-r", "-z", "--end-of-options", tree, *texts).split(
                "\0"
            )
        }
        import tempfile  # noqa: PLC0415 - start-up counts

        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            paths = [Path(folder, str(i)) for i in range(len(texts))]
            for path, text in zip(paths, texts.values(), strict=True):
                path.write_bytes(text.encode("utf-8", "surrogateescape"))
            names = "\n".join(map(str, paths))
            blobs = self.run("hash-object", "-w", "--no-filters", "--stdin-paths", text=names)
            lines = [
                f"{modes[name]} {blob}\t{name}\n"
                for name, blob in zip(texts, blobs.splitlines(), strict=True)
            ]
            self.run("read-tree", "--end-of-options", tree, **index)
            self.run("update-index", "--index-info", text="".join(lines), **index)
            return self.run("write-tree", **index)

    def may_push(self) -> bool:
        """Check whether the remote would accept a push, without a push.

        The API cannot tell: for a workflow's token, it does not report this permission.
        """
        try:
            self.run(
                "push",
                "--dry-run",
                "--quiet",
                "--end-of-options",
                self.url,
                "HEAD:refs/heads/may-push",
            )
        except TransientError:
            raise
        except ServiceError as error:
            if any(sign in error.cause.lower() for sign in DENIED):
                return False
            raise
        return True

    def push(self, *refspecs: str, lease: str = "") -> None:
        """Push all references or none, so that a rejected branch leaves no stray tag.

        With a lease, `ref:commit`, push only if the remote has that commit there.
        """
        leased = [f"--force-with-lease={lease}"] if lease else []
        words = ("push", "--quiet", "--atomic", *leased, "--end-of-options", self.url)
        try:
            self.run(*words, *refspecs)
        except ServiceError as error:
            if NO_WORKFLOWS in error.cause:
                error.remedy = CHANGED_WORKFLOWS
            raise

    def notes(self, below: str) -> set[str]:
        """List the references below `below`, which are neither branches nor tags."""
        listed = self.run("ls-remote", "--end-of-options", self.url, f"{below}/*").splitlines()
        return {line.partition("\t")[2] for line in listed}

    def note(self, name: str, commit: str, who: Mapping[str, str]) -> None:
        """Make a reference that only one run can make, since its commit is unique.

        Raises ServiceError if it is there already (git-push, `--force-with-lease`).
        """
        tree = self.run("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")
        mine = self.commit(tree, [commit], f"Note {name}\n\n{os.urandom(16).hex()}\n", who)
        self.push(f"{mine}:{name}", lease=f"{name}:")

    def _has(self, commit: str) -> bool:
        try:
            self.run(
                "rev-list",
                "--quiet",
                "--objects",
                "--not",
                "--all",
                "--not",
                "--end-of-options",
                commit,
            )
        except ServiceError:
            return False
        return True


def _header(url: str, token: str | None) -> dict[str, str]:
    """Give git its credentials by the environment (git-config, GIT_CONFIG_COUNT)."""
    if not token:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{url}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }


@dataclass(frozen=True)
class ReleaseBranch(Surface):
    """The branch that holds the release commit until the tag does."""

    git: Git
    plan: Plan
    commit: str

    @property
    def title(self) -> str:
        """Name the branch."""
        return f"branch {self.plan.release_branch}"

    def observe(self) -> State:
        """Search for the commit; another one is an earlier attempt, which this one replaces."""
        refs = self.git.refs()
        if refs.get(f"refs/tags/{self.plan.tag}") == self.commit:
            return Matches(f"{self.commit[:12]}, held by tag {self.plan.tag}")
        found = refs.get(f"refs/heads/{self.plan.release_branch}")
        if found == self.commit:
            return Matches(self.commit[:12])
        return Missing(f"at {found[:12]}" if found else "not there")

    def apply(self) -> None:
        """Push the commit, and replace that of an earlier attempt."""
        self.git.push(f"+{self.commit}:refs/heads/{self.plan.release_branch}")


@dataclass(frozen=True)
class ReleaseBranchGone(Surface):
    """The release branch, which is not needed once the branch has the release commit."""

    git: Git
    plan: Plan
    commit: str
    above: Callable[[], str] | None = None
    """Makes the commit that the branch gets above this one; see `Branch`."""

    @property
    def title(self) -> str:
        """Name the branch."""
        return f"branch {self.plan.release_branch} removed"

    @property
    def planned(self) -> str:
        """Describe when it may stay."""
        return "removed, or kept for a pull request"

    def observe(self) -> State:
        """Check whether it still exists, and is still needed."""
        refs = self.git.refs()
        found = refs.get(f"refs/heads/{self.plan.release_branch}")
        if found is None:
            return Matches("not there")
        if found not in self._own():
            return Matches(f"kept: it holds {found[:12]}, which is not this release's")
        head = refs[f"refs/heads/{self.plan.branch}"]
        self.git.fetch(head)
        self.git.fetch(found)
        if not self.git.is_ancestor(found, head):
            return Matches("kept: the pull request needs it")
        return Missing("still there")

    def apply(self) -> None:
        """Delete it, if it still holds this release's commit."""
        name = f"refs/heads/{self.plan.release_branch}"
        found = self.git.refs().get(name, "")
        held = found if found in self._own() else self.commit
        self.git.push(f":{name}", lease=f"{name}:{held}")

    def _own(self) -> tuple[str, ...]:
        return (self.commit, *([self.above()] if self.above else []))


@dataclass(frozen=True)
class GitTag(Surface):
    """The annotated tag: a name, so it never moves."""

    kind = NAME
    git: Git
    lock: "Lock"

    @property
    def title(self) -> str:
        """Name the tag."""
        return f"git tag {self.lock.plan.tag}"

    @property
    def planned(self) -> str:
        """Return the commit; a plan does not know it yet."""
        return self.lock.commit or "the release commit"

    @property
    def link(self) -> str:
        """Return the page of the tagged files."""
        return f"{self.git.url}/tree/{self.lock.plan.tag}"

    def observe(self) -> State:
        """Check which commit it names."""
        found = self.git.refs().get(f"refs/tags/{self.lock.plan.tag}")
        if found is None:
            return Missing("not there")
        if found == self.lock.commit:
            return Matches(found[:12])
        return Conflict(
            f"names commit {found[:12]}, this release is {self.lock.commit[:12]}",
            "a public tag must not be moved: release the next version",
        )

    def apply(self) -> None:
        """Push a tag object whose content depends only on the lock."""
        tag = self.git.run("mktag", text=tag_object(self.lock))
        try:
            self.git.push(f"{tag}:refs/tags/{self.lock.plan.tag}")
        except ServiceError as error:
            if any(sign in error.cause for sign in PROTECTED):
                error.remedy = TAG_REFUSED
            raise


def tag_object(lock: "Lock") -> str:
    """Write the annotated tag (git-mktag): tagger and time are the plan's; it names the lock."""
    from scripts.core import lockfile  # noqa: PLC0415 - verbs that read no lock start faster

    plan = lock.plan
    lines = [
        f"object {lock.commit}",
        "type commit",
        f"tag {plan.tag}",
        f"tagger {plan.author} {plan.source_date_epoch} +0000",
        "",
        plan.named(f"{plan.project} {plan.version}"),
        "",
        lockfile.mark(lockfile.digest(lock)),
    ]
    return "\n".join(lines) + "\n"


@dataclass
class Branch(Surface):
    """The branch the release came from: a pointer, so it comes last."""

    kind = POINTER
    git: Git
    plan: Plan
    commit: str
    find_pull_request: Callable[[str, str], str | None]
    """From which branch, to which: the address of the open one."""
    open_pull_request: Callable[[str, str, str, str], str]
    """From which branch, to which, title, body."""
    changelog: str = "CHANGELOG.md"
    """Its path; empty where the repository keeps none."""
    above: Callable[[], str] | None = None
    """Makes the commit of the next development version above `commit`; None without one."""

    @property
    def tip(self) -> str:
        """The commit that the branch is to contain."""
        return self.above() if self.above else self.commit

    @property
    def title(self) -> str:
        """Name the branch."""
        return f"branch {self.plan.branch}"

    @property
    def planned(self) -> str:
        """Describe that its history contains the commit, and the next version that it states."""
        then = f", then {self.plan.next_version}" if self.plan.next_version else ""
        return f"contains {self.commit[:12] or 'the release commit'}{then}"

    @property
    def link(self) -> str:
        """Return the page of the branch."""
        return f"{self.git.url}/tree/{self.plan.branch}"

    def observe(self) -> State:
        """Check whether the branch contains the release commit, or a pull request adds it."""
        head = self._head()
        self.git.fetch(head)
        self.git.fetch(self.commit)
        if self.git.is_ancestor(self.tip, head):
            return Matches(self.planned)
        if pull_request := self.find_pull_request(*self._ends()):
            return Matches(f"protected: merge {pull_request}")
        return Missing(f"at {head[:12]}")

    def apply(self) -> None:
        """Fast-forward, else merge; where the branch is protected, ask by pull request."""
        head = self._head()
        self.git.fetch(head)
        new = self.tip if self.git.is_ancestor(head, self.tip) else self._merge(head)
        title = f"Merge release {self.plan.tag}"
        body = f"`{self.plan.branch}` is protected. Do not squash: {self.plan.tag} is tagged."
        # Somebody may have deleted the branch since, and a pull request needs it.
        own = f"+{self.tip}:refs/heads/{self.plan.release_branch}"
        ask = partial(self.open_pull_request, *self._ends(), title, body)
        push_or_ask(self.git, f"{new}:refs/heads/{self.plan.branch}", own, ask)

    def _ends(self) -> tuple[str, str]:
        return self.plan.release_branch or "", self.plan.branch or ""

    def _head(self) -> str:
        head = self.git.refs().get(f"refs/heads/{self.plan.branch}")
        if head is None:
            raise ServiceError(
                f"branch {self.plan.branch} is gone from the remote",
                f"push it again, or merge tag {self.plan.tag} into its branch by hand",
            )
        return head

    def _merge(self, head: str) -> str:
        """Merge the release commit into a branch that has new commits.

        New entries under Unreleased do not belong to this release, and a merge by lines would move
        them into its section.
        """
        who = identity(self.plan)
        message = f"Merge release {self.plan.tag} into {self.plan.branch}\n"
        if not self.changelog:
            tree = self._merged_tree(head)
            return self.git.commit(tree, [head, self.tip], message, who)
        base = self.git.show(self.plan.base, self.changelog)
        ours = self.git.show(head, self.changelog)
        calm = self.git.commit_files({self.changelog: without(ours, base)}, head, "\n", who)
        merged = self._merged_tree(calm)
        text = carry(self.git.show(merged, self.changelog), carried(base, ours), self.changelog)
        tree = self.git.tree_with({self.changelog: text}, merged)
        return self.git.commit(tree, [head, self.tip], message, who)

    def _merged_tree(self, head: str) -> str:
        try:
            merged = self.git.run("merge-tree", "--write-tree", "--end-of-options", head, self.tip)
        except ServiceError as error:
            raise ServiceError(
                f"branch {self.plan.branch} has moved on, and the release commit does not merge",
                f"merge {self.plan.tag} into {self.plan.branch} by hand, then run this again",
            ) from error
        return merged.splitlines()[0]


def push_or_ask(git: Git, wanted: str, own: str, ask: Callable[[], object]) -> None:
    """Push `wanted` to its branch; if that is protected, push `own` and ask by pull request.

    Both are refspecs (git-push). Raises `TransientError` if somebody else pushed to the branch.
    """
    try:
        push_unmoved(git, wanted)
    except TransientError:
        raise
    except ServiceError as error:
        if not any(sign in error.cause for sign in PROTECTED):
            raise
        git.push(own)
        ask()


def push_unmoved(git: Git, refspec: str, lease: str = "") -> None:
    """Push to a branch. Raises `TransientError` if somebody else pushed first."""
    try:
        git.push(refspec, lease=lease)
    except ServiceError as error:
        if any(sign in error.cause for sign in (*MOVED, "stale info")):
            branch = refspec.rpartition(":refs/heads/")[2]
            cause = f"branch {branch} moved on while it was written"
            raise TransientError(cause, error.remedy) from error
        raise


def identity(plan: Plan) -> dict[str, str]:
    """Return author, committer and time of a commit from the plan (git-commit-tree)."""
    return person(plan.author, plan.source_date_epoch)


def person(author: str, seconds: int) -> dict[str, str]:
    """Return an author, `name <address>`, and a time, in seconds since 1970, for git."""
    name, _, address = author.removesuffix(">").partition(" <")
    when = f"{seconds} +0000"
    who = {"NAME": name, "EMAIL": address, "DATE": when}
    return {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
