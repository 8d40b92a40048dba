"""A run's artifacts, by the client that the real actions use."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp.test_utils import make_mocked_request

from rehearsal.actions.artifacts import ZIP, Store
from rehearsal.github.app import is_write
from rehearsal.github.artifacts import SERVICE
from rehearsal.github.settings import Token
from rehearsal.github.tokens import BOT, TokenBook, runtime_text
from tests import npm
from tests.rehearsal.github.conftest import Served, World

PACKAGE = Path(__file__).parent / "npm"
LIST = "ListArtifacts"
IDS = {"workflow_run_backend_id": "7", "workflow_job_run_backend_id": "7"}


@dataclass
class Job:
    """A job of run 7, with the client, its workspace and the run's artifacts."""

    served: Served
    client: Path
    workspace: Path
    runs: Path
    token: str

    @property
    def store(self) -> Store:
        return Store(self.runs / "7" / "artifacts")

    def use(self, *arguments: object, token: str = "") -> subprocess.CompletedProcess[str]:
        node = shutil.which("node") or "node"
        return subprocess.run(
            [node, "--preserve-symlinks", "--preserve-symlinks-main", self.client, *arguments],
            cwd=self.workspace,
            env={
                "PATH": os.environ["PATH"],
                "GITHUB_WORKSPACE": str(self.workspace),
                "GITHUB_SERVER_URL": "http://github.localhost",
                "ACTIONS_RESULTS_URL": f"{self.served.base}/",
                "ACTIONS_RUNTIME_TOKEN": token or self.token,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def answer(self, *arguments: object) -> dict[str, Any]:
        done = self.use(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout.partition("answer: ")[2]))

    def call(self, method: str, token: str = "", **fields: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        url = f"{self.served.base}{SERVICE}/{method}"
        return requests.post(url, json={**IDS, **fields}, headers=headers, timeout=20)

    def begin(self, name: str) -> str:
        return str(self.call("CreateArtifact", name=name, version=7).json()["signed_upload_url"])


@pytest.fixture(scope="session")
def modules() -> Path:
    return npm.packages(PACKAGE)


@pytest.fixture
def job(world: World, tmp_path: Path, modules: Path) -> Job:
    runs, place = tmp_path / "runs", tmp_path / "client"
    place.mkdir()
    (place / "node_modules").symlink_to(modules)
    client = place / "client.mjs"
    client.symlink_to(PACKAGE / "client.mjs")
    served = world.serve(runs=runs)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Job(served, client, workspace, runs, issued(served, 7))


def issued(served: Served, run: int) -> str:
    text = runtime_text(run)
    TokenBook(served.settings.token_folder).write(text, Token(BOT, run=run))
    return text


def test_the_client_keeps_finds_reads_and_deletes_an_artifact(job: Job) -> None:
    (job.workspace / "out").mkdir()
    files = {"a.json": b"{}", "out/big": os.urandom(9 * 1024**2)}  # more than one block
    for name, data in files.items():
        (job.workspace / name).write_bytes(data)
    paths = [job.workspace / name for name in files]
    kept = job.answer("upload", "release-plan", job.workspace, *paths)
    (found,) = job.answer("list")["artifacts"]
    assert (found["name"], found["id"], found["size"]) == (
        "release-plan",
        kept["id"],
        kept["size"],
    )
    assert found["digest"] == f"sha256:{kept['digest']}"
    target = job.workspace / "later"
    got = job.answer("download", "release-plan", target)
    assert got["digestMismatch"] is False
    assert {name: (target / name).read_bytes() for name in files} == files
    assert job.answer("delete", "release-plan") == {"id": kept["id"]}
    assert job.answer("list")["artifacts"] == []


def test_the_stand_ins_and_the_service_have_the_same_artifacts(job: Job, tmp_path: Path) -> None:
    (job.workspace / "a").write_bytes(b"1")
    job.store.add("by-stand-in", job.workspace, [job.workspace / "a"], overwrite=False)
    job.answer("upload", "by-client", job.workspace, job.workspace / "a")
    for each in job.store.names():
        assert job.answer("download", each, tmp_path / each)["digestMismatch"] is False
        assert (tmp_path / each / "a").read_bytes() == b"1"
        assert job.store.extract(each, tmp_path / "stand-in" / each, {}) == 1


def test_an_artifact_is_not_a_write_of_the_release(job: Job) -> None:
    address = job.begin("x").removeprefix(job.served.base)
    for method, path in (("PUT", address), ("POST", f"{SERVICE}/CreateArtifact")):
        assert not is_write(make_mocked_request(method, path))
    assert is_write(make_mocked_request("POST", "/api/v3/repos/a/b/releases"))


def test_a_name_is_taken_once_in_a_run(job: Job) -> None:
    (job.workspace / "a").write_bytes(b"1")
    assert job.use("upload", "x", job.workspace, job.workspace / "a").returncode == 0
    again = job.use("upload", "x", job.workspace, job.workspace / "a")
    assert again.returncode == 1
    assert "(409) Conflict: an artifact with this name already exists" in again.stderr


def test_a_missing_artifact_is_not_found(job: Job) -> None:
    assert "Artifact not found for name: x" in job.use("download", "x", job.workspace).stderr
    assert job.call("DeleteArtifact", name="x").status_code == 404
    assert job.call("GetSignedArtifactURL", name="x").status_code == 404
    assert job.call("FinalizeArtifact", name="x", size="1").status_code == 404


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"name": "a/b"}, 400),
        ({"name": ""}, 400),
        ({"name": "x", "mime_type": "text/plain"}, 501),
        ({"name": "x", "workflow_run_backend_id": "8"}, 403),
    ],
)
def test_what_cannot_be_kept_is_refused(job: Job, said: dict[str, str], status: int) -> None:
    assert job.call("CreateArtifact", **said).status_code == status


def test_only_a_runs_own_token_is_good(job: Job) -> None:
    other = issued(job.served, 8)
    assert job.call(LIST, other).status_code == 403
    assert job.call(LIST, other, workflow_run_backend_id="8").json() == {"artifacts": []}
    assert job.call(LIST, "writer").status_code == 401
    assert job.call(LIST, runtime_text(7)).status_code == 401
    TokenBook(job.served.settings.token_folder).revoke(job.token)
    assert job.call(LIST).status_code == 401


def test_an_address_is_good_for_one_verb_and_one_name(job: Job) -> None:
    address = job.begin("x")
    assert requests.get(address, timeout=20).status_code == 403
    assert requests.put(address.replace("/x?", "/y?"), b"1", timeout=20).status_code == 403
    assert requests.put(address.split("?")[0], b"1", timeout=20).status_code == 403
    assert requests.put(address, b"1", timeout=20).status_code == 201


@pytest.mark.parametrize("said", [{"size": "2"}, {"size": "1", "hash": f"sha256:{'0' * 64}"}])
def test_an_upload_must_be_what_its_end_says(job: Job, said: dict[str, str]) -> None:
    requests.put(job.begin("x"), b"1", timeout=20)
    assert job.call("FinalizeArtifact", name="x", **said).status_code == 400
    assert job.store.names() == []
    assert job.call("FinalizeArtifact", name="x", size="1").json()["ok"] is True
    assert (job.store.folder / "x" / ZIP).read_bytes() == b"1"
