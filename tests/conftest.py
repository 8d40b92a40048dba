"""A bench for releases: a project, its services, and contexts to run stages in."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from rehearsal.github.app import make_app
from rehearsal.github.settings import GitHubSettings, Token
from scripts.core import codec
from scripts.core.results import Done, Result
from scripts.release.context import Context
from scripts.tools.environment import Environment
from tests.support import index
from tests.support.index import SmallIndex
from tests.support.project import Project
from tests.support.serving import Served, serving

# A slow machine is not a fault of the code: no test may fail because it took long.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
# `make fuzz`: pytest's option --hypothesis-profile.
settings.register_profile("fuzz", max_examples=6000, deadline=None)

OF_A_RUN = ("GITHUB_", "GH_", "RUNNER_", "ACTIONS_", "RELEASE_", "REGISTRY_", "PACKAGE_INDEX_")

WRITER, READER = "writer-token-51c2", "reader-token-90de"
REPOSITORY = "mari/sample_thing"
WRITES = {"contents": "write", "pull_requests": "write", "workflows": "write"}
TOKENS = {
    WRITER: Token("github-actions[bot]", WRITES),
    READER: Token("rhea", {"contents": "read"}),
}
WELL = {"tokens": TOKENS, "environments": {"release": ("rhea",), "pypi": ()}}
"""A repository that is set up as a release needs it."""


def pytest_configure() -> None:
    """Make the tests independent of what started them.

    A shell that is not interactive starts what it puts in the background with SIGINT ignored
    (POSIX, 2.11), and every child would inherit that: Ctrl-C has to reach what the tests start. And
    a run says of itself what the scripts look for: each test says what it wants of that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [one for one in os.environ if one.startswith(OF_A_RUN)]:
        del os.environ[name]


GROUPS = {
    "tests/rehearsal/test_kept.py": "",
    "tests/stages/test_verify.py": "proving",
    "tests/rehearsal/test_release.py": "",
    "tests/rehearsal/faults/test_fault_matrix.py": "",
    "tests/rehearsal/test_composed.py": "",
    "tests/services/test_mlflow.py": "",
    "tests/stages/test_audit.py": "released",
    "tests/services/test_strangers.py": "",
    "tests/rehearsal/world/test_services.py": "world",
    "tests/stages/test_image.py": "proving",
    "tests/stages/test_stage.py": "proving",
    "tests/stages/test_measured_services.py": "proving",
    "tests/tools/test_docker_engine.py": "proving",
    "tests/stages/test_doctor.py": "released",
    "tests/stages/test_rollback.py": "released",
    "tests/stages/test_trust.py": "released",
    "tests/stages/test_verifier.py": "released",
    "tests/stages/test_approval.py": "released",
    "tests/stages/test_document.py": "released",
    "tests/stages/test_notes.py": "released",
    "tests/stages/test_plan.py": "released",
    "tests/stages/test_rebuild.py": "released",
    "tests/rehearsal/world/test_registry.py": "world",
    "tests/rehearsal/world/test_base_images.py": "world",
}
"""Files that share what is slow to start, with its name, and those that take minutes, in the order
in which they begin. Every other file is a group of its own."""


def group(nodeid: str) -> str:
    """Name the tests that run in the same process as this one."""
    file = nodeid.partition("::")[0]
    return GROUPS.get(file) or file


class Scheduling(LoadScopeScheduling):
    """Gives a process whole groups. xdist's own groups (3.8) do nothing under pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    """Take these groups for `--dist loadscope`."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups that take longest."""
    order = {
        name or file: number for number, (file, name) in reversed([*enumerate(GROUPS.items())])
    }
    items.sort(key=lambda item: order.get(group(item.nodeid), len(order)))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    Project.made(folder)
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    """A bare repository and its clone."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    made = Project(tmp_path)
    made.git("remote", "set-url", "origin", str(made.bare))
    return made


@dataclass
class Bench:
    """A project, its services, and what a step of the workflow would find in its environment."""

    folder: Path
    project: Project
    stack: ExitStack
    index: SmallIndex = field(default_factory=SmallIndex)
    protected: tuple[str, ...] = ()
    immutable: bool = False
    contexts: list[Context] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.github = self.serve_github()
        self.index_served = self.stack.enter_context(
            serving("index", self.folder / "index", self.index.app)
        )

    def serve_github(self, **settings: object) -> Served:
        folder = self.folder / f"github-{len(settings)}"

        def make(url: str) -> object:
            return make_app(
                GitHubSettings(
                    folder=folder,
                    repository=self.project.bare,
                    owner="mari",
                    name="sample_thing",
                    base_url=url,
                    **{**WELL, **settings},  # type: ignore[arg-type]
                )
            )

        return self.stack.enter_context(serving("github", folder, make))  # type: ignore[arg-type]

    def environment(self, **more: str) -> dict[str, str]:
        """Give the environment of a step, and nothing of this machine's but what programs need.

        git goes to the folder straight away, which is faster, unless GITHUB_SERVER_URL is given.
        """
        trust = {
            key: os.environ[key]
            for key in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
            if key in os.environ
        }
        return trust | {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "GITHUB_SERVER_URL": f"file://{self.folder}",
            "GITHUB_API_URL": f"{self.github.url}/api/v3",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": WRITER,
            "GITHUB_REF_NAME": "main",
            "GITHUB_REF_TYPE": "branch",
            "PACKAGE_INDEX_URL": f"{self.index_served.url}/simple/",
            "PACKAGE_INDEX_UPLOAD_URL": f"{self.index_served.url}/upload/",
            "PACKAGE_INDEX_TOKEN": index.TOKEN,
            "RELEASE_DEADLINE": "5",
            "RELEASE_VERSION": "0.2.4",
            "UV_SYSTEM_CERTS": "1",
            **more,
        }

    def context(self, clone: Path | None = None, **more: str) -> Context:
        """Make a step's context, in this clone or another."""
        made = Context(Environment(self.environment(**more)), clone or self.project.clone)
        self.contexts.append(made)
        return made

    def pushed(self, tag: str, **more: str) -> Context:
        """Make the context of a run that a pushed tag started."""
        more = {"GITHUB_REF_NAME": tag, "GITHUB_REF_TYPE": "tag", "RELEASE_VERSION": "", **more}
        return self.context(**more)

    def world(self) -> object:
        """Give all that a release could have changed, to compare."""
        return (self.project.refs(), self.github.writes(), dict(self.index.files))

    def run_jobs(self, context: Context, **jobs: Callable[[Context], Done]) -> Context:
        """Run jobs one after another, and hand each one's result over as the runner does."""
        for job, run in jobs.items():
            done = run(context)
            result = Result(job, "", 1.0, 2.0, done.outcomes, dict(done.facts), None)
            context.write(f"results/{job}.json", codec.encode(result))
            self.hand_over(context)
        return context

    def hand_over(self, context: Context) -> None:
        """Give a job's output to the jobs that follow, as the workflow's artifacts do."""
        shutil.copytree(context.outputs, context.inputs, dirs_exist_ok=True)
        shutil.rmtree(context.outputs)


@pytest.fixture
def bench(project: Project, tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "home").mkdir()
    with ExitStack() as stack:
        made = Bench(tmp_path, project, stack)
        yield made
        for context in made.contexts:
            if "forge" in context.__dict__:
                context.forge._github.close()


@pytest.fixture
def emptied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Empty the environment but for PATH and HOME."""
    for name in set(os.environ) - {"PATH", "HOME"}:
        monkeypatch.delenv(name)
    return monkeypatch
