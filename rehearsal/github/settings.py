"""The settings of the GitHub service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Token:
    """The owner of a token, and its permissions.

    `permissions` has GitHub's names (contents, pull_requests, workflows, administration, issues, …)
    and the levels "none", "read", "write", "admin"; an absent one is "none". `job` names the job
    that it is for. A token that all jobs of a run share has `jobs` instead, the permissions of each
    by `WORKFLOW/JOB`, and `runner`, the process id of the program that runs them. `identities` has
    the claims of each job's identity tokens, by the same name or by `job`. `run` is the number of
    the run whose artifacts it may read and write; no other token may.
    """

    login: str
    permissions: Mapping[str, str] = field(default_factory=dict)
    job: str = ""
    jobs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    runner: int = 0
    identities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    run: int = 0


@dataclass(frozen=True)
class GitHubSettings:
    """One repository, its people, and the folder of its state.

    `base_url` is the outermost origin that clients use, without a slash at the end: every address
    in an answer starts with it, because clients refuse to follow addresses of another host or port.
    `environments` gives each environment's reviewers; `actions_may_open_pulls` is the setting that
    lets a workflow's own token (a login ending in `[bot]`) open pull requests. `branch_rules` are
    the kinds of rules that rulesets hold the default branch to, unless an administrator pushes;
    `tag_rulesets` gives each ruleset for the tags `v*` the kinds of its rules. `runs` has a folder
    for each run of the world, by its number; without it the pages know of none.
    `immutable_subject` puts ids into the subject of identity tokens.
    """

    folder: Path
    repository: Path
    owner: str
    name: str
    base_url: str
    default_branch: str = "main"
    description: str = ""
    private: bool = False
    tokens: Mapping[str, Token] = field(default_factory=dict, repr=False)
    immutable_releases: bool = False
    protected_branches: tuple[str, ...] = ()
    environments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    actions_may_open_pulls: bool = True
    branch_rules: tuple[str, ...] = ()
    tag_rulesets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    runs: Path | None = None
    immutable_subject: bool = False

    @property
    def token_folder(self) -> Path:
        """Where the tokens of workflow runs lie."""
        return self.folder / "tokens"

    @property
    def full_name(self) -> str:
        """`OWNER/NAME`."""
        return f"{self.owner}/{self.name}"

    def api(self, path: str = "") -> str:
        """Return the REST address of `path` inside the repository."""
        return f"{self.base_url}/api/v3/repos/{self.full_name}{path}"

    def upload(self, path: str) -> str:
        """Return the address for uploads to `path` inside the repository."""
        return f"{self.base_url}/api/uploads/repos/{self.full_name}{path}"

    def html(self, path: str = "") -> str:
        """Return the address of a page for people."""
        return f"{self.base_url}/{self.full_name}{path}"
