"""The context of every stage: configuration, clients of the surfaces, files in and out."""

import re
import shutil
from collections.abc import Callable
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from scripts.core import codec, planning, tags
from scripts.core.converge import patiently
from scripts.core.errors import (
    ConflictError,
    Place,
    ServiceError,
    TransientError,
    UsageError,
    unresolved,
)
from scripts.core.planning import Plan
from scripts.core.results import Result
from scripts.core.tags import Style
from scripts.release import configuration
from scripts.surfaces.git_remote import Git
from scripts.tools import processes
from scripts.tools.console import Console
from scripts.tools.environment import Endpoints, Environment, Secrets
from scripts.tools.error_output import ErrorOutput
from scripts.tools.workflow_files import WorkflowFiles

if TYPE_CHECKING:
    # Import on first use, for a fast start: most stages need one or two of them.
    from scripts.core.lockfile import Lock
    from scripts.surfaces.github_release import Forge
    from scripts.surfaces.image_registry import ImageRegistry
    from scripts.surfaces.package_index import PackageIndex

T = TypeVar("T")
FEW = 3.0  # seconds


def utf8(content: bytes, path: str) -> str:
    """Read a file's bytes. Raises UsageError with the place of the first that is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before.rpartition(b"\n")[2].decode("utf-8")) + 1
        place = Place(path, before.count(b"\n") + 1, column)
        cause = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise UsageError(cause, "save the file as UTF-8", place) from error


class Context:
    """One run of one stage in one clone."""

    def __init__(self, environment: Environment, root: Path, *, as_json: bool = False) -> None:
        """Run in `root` with the environment; with `as_json`, leave standard output to a document.

        `environment` has the step's variables. `console` prints, `workflow` writes outputs and the
        summary, and `errors` prints errors.
        """
        self.environment = environment
        self.console = Console(environment, as_json=as_json)
        self.workflow = WorkflowFiles(environment)
        self.errors = ErrorOutput(environment, self.workflow, as_json=as_json)
        self.root = root
        self.inputs = root / "release" / "in"
        self.outputs = root / "release" / "out"
        self.scratch = root / "release" / "scratch"

    def knowing(
        self, *, plan: Plan | None = None, lock: "Lock | None" = None, git: Git | None = None
    ) -> "Context":
        """Return the same run with a given plan, lock or clone, instead of a job's file."""
        known = copy(self)
        given = {"plan": plan, "lock": lock, "git": git}
        # A cached property that has a value does not read again.
        known.__dict__.update({name: value for name, value in given.items() if value})
        return known

    def ask(self, read: Callable[[], T], most: float = float("inf")) -> T:
        """Read from a service; after a transient error read again, until the deadline.

        The deadline is the run's, or `most` seconds if that is sooner. On a person's machine, a
        name that does not resolve fails within seconds, since its network seldom comes back.
        """
        if self.environment.on_actions:
            return patiently(read, self.environment.patience(most))
        few = self.environment.patience(min(most, FEW))

        def soon() -> T:
            try:
                return read()
            except TransientError as error:
                self.errors.waiting(error)
                if not unresolved(error) or few.wait():
                    raise
                remedy = "check the address and this machine's network, and run this again"
                raise ServiceError(error.cause, remedy) from error

        return patiently(soon, self.environment.patience(most))

    def report(self, markdown: str, /, **found: Any) -> None:
        """Show a report, and put it on the run's summary page."""
        self.console.show(markdown, **found)
        self.workflow.summary(markdown)

    @cached_property
    def secrets(self) -> Secrets:
        """The credentials of this step."""
        return self.environment.secrets()

    @cached_property
    def endpoints(self) -> Endpoints:
        """Where the services are."""
        return self.environment.endpoints(self._origin())

    @cached_property
    def git(self) -> Git:
        """The clone and its remote."""
        environment = self.environment.inherited()
        try:
            url = self.endpoints.page_url
        except UsageError:
            url = "origin"  # a read of the clone does not need a remote
        return Git(self.root, url, environment, self.secrets.github, self.environment.silence())

    @cached_property
    def index(self) -> "PackageIndex":
        """The package index."""
        from scripts.surfaces.package_index import PackageIndex  # noqa: PLC0415

        simple, upload = self.endpoints.index_simple, self.endpoints.index_upload
        return PackageIndex(simple, upload, self.environment.silence())

    @cached_property
    def registry(self) -> "ImageRegistry":
        """The image registry."""
        from scripts.surfaces.image_registry import ImageRegistry  # noqa: PLC0415

        return ImageRegistry(self.environment.inherited(), self.environment.silence())

    @cached_property
    def forge(self) -> "Forge":
        """GitHub's API."""
        from scripts.surfaces.github_release import Forge  # noqa: PLC0415

        where, token = self.endpoints, self.secrets.github
        return Forge(where.api_url, where.repository, token, self.environment.silence())

    @cached_property
    def plan(self) -> Plan:
        """The plan of this run."""
        return planning.read(self._input("plan.json", "plan"))

    @cached_property
    def lock(self) -> "Lock":
        """The lock that `stage` wrote."""
        from scripts.core import lockfile  # noqa: PLC0415

        return self._ours(self._input(f"assets/{lockfile.NAME}", "stage"))

    @cached_property
    def commit(self) -> str:
        """The release commit that `prepare` made or found."""
        return self.commit_of("prepare")

    @cached_property
    def config(self) -> configuration.Config:
        """The configuration, as it stands at the commit the release starts from."""
        return self.config_at(self.plan.base)

    @cached_property
    def style(self) -> Style:
        """The spelling of the versions' tags, by the checkout's table and the remote's tags.

        If the table cannot be read, the tags decide alone, since an audit or a rollback must not
        need the table.
        """
        known = tags.names(self.ask(self.git.refs))
        try:
            config = self.config_at("HEAD")
        except UsageError:
            return tags.detect(known).style
        return tags.detect(known, config.tag, config.project).style

    @property
    def earlier_lock(self) -> "Lock | None":
        """The lock of an earlier attempt of this plan."""
        from scripts.core import lockfile  # noqa: PLC0415

        path = self.inputs / "earlier" / lockfile.NAME
        return self._ours(path.read_bytes()) if path.exists() else None

    def _ours(self, text: bytes) -> "Lock":
        """Read a lock from an earlier job: it must belong to this run's plan."""
        from scripts.core import lockfile  # noqa: PLC0415

        found = lockfile.read(text)
        if found.plan.id != self.plan.id:
            raise ConflictError(
                f"the {lockfile.NAME} here, of {found.plan.version}, is of another plan than "
                f"plan.json, of {self.plan.version}",
                "two runs were mixed: start with an empty release/in, or run the release again",
            )
        return found

    def config_at(self, commit: str) -> configuration.Config:
        """Read the configuration of a commit, and of the file that states the version there."""

        def read(path: str) -> str | None:
            try:
                return self.read_at(commit, path)
            except UsageError:
                return None

        config = configuration.parse(self.text_at(commit, configuration.FILE))
        repository = "" if config.project else self.endpoints.repository
        return configuration.completed(config, repository, read)

    def text_at(self, commit: str, path: str) -> str:
        """Read a text file out of a commit that must be UTF-8, since it is written on elsewhere."""
        text = self.read_at(commit, path)
        return utf8(text.encode("utf-8", "surrogateescape"), path)

    def read_at(self, commit: str, path: str) -> str:
        """Read a text file of a commit unchanged."""
        self.git.fetch(commit)
        try:
            return self.git.show(commit, path)
        except ServiceError as error:
            raise UsageError(
                f"{path} is not in commit {commit[:12]}",
                f"add the file, or take it out of [{configuration.TABLE}]",
            ) from error

    def results(self, job: str = "*") -> list[Result]:
        """Read the results of earlier jobs."""
        paths = sorted(self.inputs.glob(f"results/{job}.json"))
        return [codec.decode(Result, path.read_bytes(), path.name) for path in paths]

    def fact(self, job: str, name: str) -> str:
        """Return one fact of an earlier job."""
        self._input(f"results/{job}.json", job)
        found = self.results(job)[0].facts.get(name)
        if found is None:
            raise UsageError(f"the result of `{job}` does not say its {name}", codec.REMEDY)
        return found

    def commit_of(self, job: str) -> str:
        """Return the commit of an earlier job; empty if it has none."""
        found = self.fact(job, "commit")
        if found and not re.fullmatch(planning.COMMIT, found):
            raise UsageError(f"the result of `{job}` has the commit {found!r}", codec.REMEDY)
        return found

    def write(self, path: str, text: str) -> Path:
        """Write a file of this job's output."""
        target = self.outputs / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.environment.clean(text).encode("utf-8", "surrogateescape"))
        return target

    def fresh(self, name: str) -> Path:
        """Return an empty folder that lasts until the next run."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _input(self, path: str, job: str) -> bytes:
        try:
            return (self.inputs / path).read_bytes()
        except FileNotFoundError as error:
            by_hand = f"run `bin/release {job}` first, and move release/out to release/in"
            lost = f"the artifact of `{job}` is lost: run the release again"
            raise UsageError(
                f"release/in/{path} is missing: this step needs the output of `{job}`",
                lost if self.environment.on_actions else by_hand,
            ) from error

    def _origin(self) -> str | None:
        try:
            return processes.run(
                ["git", "remote", "get-url", "origin"],
                cwd=self.root,
                environment=self.environment.inherited(),
            ).strip()
        except ServiceError:
            return None
