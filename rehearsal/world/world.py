"""A world: a remote made from this checkout, GitHub's service, index, registry, engine, builder.

Everything lies below one folder, `.rehearsal` of the checkout. `world.json` exists while the world
is up and has its addresses; `state.json` has the facts for `down` and for a later run. Only the
owner can read both.
"""

import fcntl
import json
import secrets
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rehearsal import COMMAND
from rehearsal.github.people import identifier
from rehearsal.index.state import Publisher
from rehearsal.progress import Progress
from rehearsal.signing.trust import Trust
from rehearsal.world import advisories, empty_images, git_repo, provision
from rehearsal.world.services import Endpoints, Services
from scripts.core import jobs
from scripts.core.errors import UsageError
from scripts.core.version import STEPS
from scripts.release import version_source

WORKFLOWS = ".github/workflows"
WORKFLOW = f"{WORKFLOWS}/release.yml"
BRANCH = "main"
KEPT = ("verdict.json", "summary.md", "report.html", "runs", "journal.jsonl")
"""The files that stay in the folder after `down`: the records of the run."""
TAG_RULESETS = {"versions": ("update", "deletion")}
"""The rulesets for tags, as docs/setup.md says."""
MAINTAINER = {
    "metadata": "read",
    **dict.fromkeys(
        ("contents", "pull_requests", "issues", "workflows", "administration", "actions"), "write"
    ),
}
"""The permissions of the maintainer's token; GitHub gives every token `metadata: read`."""


@dataclass(frozen=True)
class World:
    """A world that is up.

    `token` is its maintainer's; the jobs of runs get tokens of their own. `private` says that the
    repository is visible only with a token.
    """

    folder: Path
    checkout: Path
    owner: str
    name: str
    version: str
    endpoints: Endpoints
    token: str = field(repr=False)
    private: bool = False

    @property
    def repository(self) -> str:
        """`owner/name`, as GitHub calls it."""
        return f"{self.owner}/{self.name}"

    @property
    def api(self) -> str:
        """Where GitHub's REST API begins, as a runner's GITHUB_API_URL."""
        return f"{self.endpoints.github}/api/v3"

    @property
    def git(self) -> str:
        """The address to clone from."""
        return f"{self.endpoints.github}/{self.repository}.git"

    @property
    def bare(self) -> Path:
        """The repository behind that address."""
        return _bare(self.folder, self.owner, self.name)

    @property
    def trust(self) -> Path:
        """The trust configuration of whoever signs here."""
        return self.folder / "trust.json"

    @property
    def trusted_root(self) -> Path:
        """What checks the signatures of this world; `gh attestation verify` takes it."""
        return self.folder / "trusted_root.jsonl"

    @property
    def advisories(self) -> Path:
        """The folder of the database of advisories."""
        return self.folder / "advisories"

    def facts(self) -> dict[str, str]:
        """Return what `world.json` says."""
        return {
            "repository": self.repository,
            "web": f"{self.endpoints.github}/{self.repository}",
            "api": self.api,
            "git": self.git,
            "token": self.token,
            "package_index": self.endpoints.index_simple,
            "registry": self.endpoints.registry,
            "docker_host": self.endpoints.docker_host,
            "version": self.version,
        }

    def reader(self) -> dict[str, str]:
        """Return the environment for reading the surfaces, without a login.

        It has a token only for a private repository.
        """
        return {
            "PATH": f"{self.endpoints.tools}:{provision.SYSTEM_PATH}",
            "HOME": str(self.folder / "reader"),
            "GITHUB_SERVER_URL": self.endpoints.github,
            "GITHUB_API_URL": self.api,
            "GITHUB_REPOSITORY": self.repository,
            "PACKAGE_INDEX_URL": self.endpoints.index_simple,
            "IMAGE_REGISTRY": self.endpoints.registry,
            "DOCKER_HOST": self.endpoints.docker_host,
            "DOCKER_CONFIG": str(self.endpoints.docker_config),
            "BUILDX_BUILDER": self.endpoints.builder,
            "RELEASE_DEADLINE": "20",
            **({"GITHUB_TOKEN": self.token} if self.private else {}),
            **trust(self.endpoints.ca_bundle),
        }


def up(
    folder: Path,
    checkout: Path,
    progress: Progress,
    *,
    version: str,
    private: bool = False,
    build: bool = True,
) -> World:
    """Bring a world up in `folder`, its remote seeded with the checkout's HEAD.

    Without `build`, the images of the remote are empty. Raises `UsageError` if a world is up there.
    A failed start ends everything that it started.
    """
    if (folder / "world.json").exists() or (folder / "services.json").exists():
        raise UsageError(
            f"a world is up in {folder}",
            f"use it with --again, end it with `{COMMAND} down`, or use a second one "
            "with --folder DIR",
        )
    _clean(folder, keep=())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    try:
        world = _up(folder.resolve(), checkout, progress, version, private=private, build=build)
    except BaseException:
        _clean(folder, keep=("runs",))
        raise
    write(world)
    return world


def remember(folder: Path, version: str) -> None:
    """Put the version that a run released in the place of a step, such as `patch`.

    The next run in this world releases the same version again.
    """
    world = load(folder)
    if world.version in STEPS:
        write(replace(world, version=version))


def write(world: World) -> None:
    """Write what `down` and later runs read."""
    _private(world.folder / "state.json", _state(world))
    _private(world.folder / "world.json", world.facts())


def load(folder: Path) -> World:
    """Return the world that is up in `folder`; raise `UsageError` if none is."""
    folder = folder.resolve()
    if not (folder / "world.json").exists():
        raise UsageError(f"no world is up in {folder}", f"start one: {COMMAND} run --keep")
    state = json.loads((folder / "state.json").read_text())
    endpoints = Endpoints.load(folder / "endpoints.json")
    return World(
        **{**state, "folder": folder, "checkout": Path(state["checkout"]), "endpoints": endpoints}
    )


def down(folder: Path, tell: Callable[[str], None] = lambda _: None) -> bool:
    """End the world in `folder` and remove all files except the records of its runs.

    `tell` is called with each step. Returns whether there was a world. This also ends the rest of a
    failed start or a killed command.
    """
    found = (folder / "world.json").exists() or (folder / "services.json").exists()
    tell("ending the services")
    Services(folder, folder / "tree").down()
    if found:
        tell("removing its files")
        _clean(folder, keep=KEPT)
    return found


@contextmanager
def alone(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the folder for one command; raise `UsageError` if another has it.

    `shared` is for runs in a world that stays up: several of them may be at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another command is running in {folder}",
                "wait for it, or use another folder: --folder DIR",
            ) from None
        yield


def reviewers(owner: str) -> dict[str, tuple[str, ...]]:
    """Return the repository's environments with their reviewers, as docs/setup.md says."""
    return {"release": (owner,), "pypi": ()}


def publisher(tree: Path, owner: str, name: str) -> Publisher:
    """Return what is registered at the index, as docs/setup.md says: one job of one file."""
    path = jobs.BESIDE if (tree / jobs.BESIDE).exists() else jobs.WORKFLOW
    return Publisher(owner, str(identifier(owner)), name, Path(path).name, "pypi")


def project(tree: Path) -> tuple[str, str]:
    """Return owner and name of the repository, from its configuration."""
    text = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    release = version_source.inside(text, "tool", "release")
    images = release.get("images", [])
    owner, _, image = images[0]["repository"].partition("/") if images else ("owner", "", "project")
    return owner, str(version_source.static(text, "name") or release.get("name") or image)


def _up(
    folder: Path, checkout: Path, progress: Progress, version: str, *, private: bool, build: bool
) -> World:
    with progress.step("remote from HEAD"):
        commit = git_repo.bare(checkout, folder / "seed.git", BRANCH)
        if not build:
            commit = empty_images.commit(folder / "seed.git", BRANCH, folder / "empty")
            shutil.rmtree(folder / "empty")
            progress.say(f"  note    {empty_images.NOTE}")
        git_repo.tree(folder / "seed.git", commit, folder / "tree")
        owner, name = project(folder / "tree")
        bare = _bare(folder, owner, name)
        bare.parent.mkdir(parents=True)
        (folder / "seed.git").rename(bare)
        shutil.rmtree(folder / "tree")
        git_repo.tree(bare, commit, folder / "tree")
    if left_out := git_repo.changes(checkout):
        some = ", ".join(left_out[:3]) + (", …" if len(left_out) > 3 else "")  # noqa: PLR2004
        progress.say(f"  note    the rehearsal uses HEAD, without uncommitted changes: {some}")
    advisories.write(folder / "advisories")
    token = f"ghp_{secrets.token_hex(18)}"
    github = {
        "folder": str(folder / "github"),
        "repository": str(bare),
        "runs": str(folder / "runs"),
        "owner": owner,
        "name": name,
        "default_branch": BRANCH,
        "private": private,
        "tokens": {token: {"login": owner, "permissions": MAINTAINER}},
        "environments": reviewers(owner),
        "tag_rulesets": TAG_RULESETS,
    }
    with progress.step("services") as detail:
        trusted = publisher(folder / "tree", owner, name)
        endpoints = Services(folder, folder / "tree", github, trusted).up(detail)
    world = World(folder, checkout, owner, name, version, endpoints, token, private)
    signing = Trust(folder / "github" / "signing")
    world.trust.write_text(json.dumps(signing.client(endpoints.github)))
    world.trusted_root.write_text(json.dumps(signing.root()) + "\n")
    return world


def _state(world: World) -> Mapping[str, Any]:
    state = asdict(world)
    del state["endpoints"], state["folder"]
    return state


def _private(path: Path, content: Mapping[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2, default=str) + "\n")


def _clean(folder: Path, keep: tuple[str, ...]) -> None:
    """Remove the folder's content except `keep`; of the runs, keep only the logs."""
    for path in folder.glob("*"):
        if path.name not in (*keep, ".gitignore"):
            _remove(path)
    for run in folder.glob("runs/*"):
        for path in run.glob("*"):
            if path.name not in ("logs", "summary.md", "artifacts"):
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        # Layers are some hundred thousand files, and rm is quicker at them than shutil.
        subprocess.run(["rm", "-rf", "--", str(path)], check=True)
    else:
        path.unlink(missing_ok=True)


def _bare(folder: Path, owner: str, name: str) -> Path:
    return folder / "git" / owner / f"{name}.git"


def trust(bundle: str) -> dict[str, str]:
    """Make TLS clients trust the machine's certificates; uv and requests have their own."""
    trusted = {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle} if bundle else {}
    return {"UV_SYSTEM_CERTS": "1", **trusted}
