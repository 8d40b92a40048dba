"""Prepare a run in a world: its folder, its checkout, and the values for its jobs."""

import dataclasses
import os
import sys
from contextlib import suppress
from pathlib import Path

from rehearsal.github.tokens import TokenBook, make_text, runtime_text
from rehearsal.runs.act import Setting
from rehearsal.runs.environments import Environment
from rehearsal.runs.rerun import Ended
from rehearsal.runs.run import RUN_VARIABLE
from rehearsal.world import git_repo, provision
from rehearsal.world.services import Endpoints
from rehearsal.world.world import BRANCH, WORKFLOW, World, reviewers, trust

ROOT = Path(__file__).parents[2]
REFS = (BRANCH, "v*")
"""The refs that may deploy, as docs/setup.md says."""


def setting(here: World, commit: str, workflow: str = WORKFLOW) -> Setting:
    """Make a new run's folder, with a checkout of the commit that its event is for."""
    run_id, folder = _new_run(here.folder)
    for part in ("home", "cache", "bin"):
        (folder / part).mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to(_machine_python())
    (folder / "bin" / "gh").symlink_to(Path(sys.executable).with_name("gh"))
    git_repo.tree(here.bare, commit, folder / "tree")
    return _setting(here, run_id, folder, workflow)


def another_attempt(here: World, folder: Path, ended: Ended) -> Setting:
    """Return the setting of the next attempt of a run."""
    made = _setting(here, int(folder.name), folder, ended.workflow)
    return dataclasses.replace(made, attempt=ended.attempt + 1, summaries=ended.summaries)


def _setting(here: World, run_id: int, folder: Path, workflow: str) -> Setting:
    return Setting(
        tree=folder / "tree",
        workflow=workflow,
        folder=folder,
        run_id=run_id,
        environment=_environment(here.endpoints, folder) | {"RELEASE_TRUST": str(here.trust)},
        context={
            "GITHUB_SERVER_URL": here.endpoints.github,
            "GITHUB_API_URL": here.api,
            "GITHUB_GRAPHQL_URL": f"{here.endpoints.github}/api/graphql",
            "GITHUB_REPOSITORY": here.repository,
            "GITHUB_ACTOR": here.owner,
        },
        variables={
            "PACKAGE_INDEX_UPLOAD_URL": here.endpoints.index_upload,
            "PACKAGE_INDEX_URL": here.endpoints.index_simple,
            "IMAGE_REGISTRY": here.endpoints.registry,
            "REGISTRY_USERNAME": here.endpoints.registry_username,
            "VULNERABILITY_DATABASE_URL": here.advisories.as_uri(),
            "DOCKER_HUB_MIRROR": here.endpoints.hub_mirror,
        },
        secrets={
            "GITHUB_TOKEN": make_text(),
            "REGISTRY_TOKEN": here.endpoints.registry_token,
        },
        runtime_token=runtime_text(run_id),
        tokens=TokenBook(here.folder / "github" / "tokens"),
        private=here.private,
        environments={name: Environment(who, REFS) for name, who in reviewers(here.owner).items()},
        program=str(Path(sys.executable).with_name("act")),
        concurrent=max(2, os.cpu_count() or 2),
    )


def _new_run(world_folder: Path) -> tuple[int, Path]:
    """Make a run's folder; another command may do so at the same time."""
    while True:
        taken = (int(path.name) for path in world_folder.glob("runs/*"))
        run_id = 1 + max(taken, default=1000)
        folder = world_folder / "runs" / str(run_id)
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            return run_id, folder


def _environment(where: Endpoints, run_folder: Path) -> dict[str, str]:
    """Return the environment of the jobs; it contains no variable of the caller's own."""
    home, cache = run_folder / "home", provision.cache_folder()
    return {
        "PATH": f"{run_folder / 'bin'}:{where.tools}:{provision.SYSTEM_PATH}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(run_folder / "cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
        "UV_CACHE_DIR": str(cache / "uv"),
        "PIP_CACHE_DIR": str(cache / "pip"),
        "DOCKER_HOST": where.docker_host,
        "DOCKER_CONFIG": str(where.docker_config),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        RUN_VARIABLE: str(run_folder),
        "REHEARSAL_ROOT": str(ROOT),
        "REHEARSAL_PYTHON": _machine_python(),
        "REHEARSAL_BUILDER": where.builder,
        **trust(where.ca_bundle),
        **_proxies(),
    }


def _machine_python() -> str:
    """Return the Python that the environment was made with: no package of ours is in it."""
    return str(Path(sys.base_prefix) / "bin" / "python3")


def _proxies() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
