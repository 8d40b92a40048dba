"""The whole release, performed on this machine. Minutes: marked `rehearsal`.

One kept world for all: a release, the same again, a candidate, a pushed tag, a dry run; what each
came to is read from `verdict.json`, and looked at by other means than the verdict's own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from rehearsal.gateway import journal
from rehearsal.world import git_repo, world

ROOT = Path(__file__).parents[2]
MINUTES = 60
CHECKS = '["make", "check", "ARGS=tests/test_structure.py"]'
WHO = ("-c", "user.name=A", "-c", "user.email=a@example.com")

pytestmark = pytest.mark.rehearsal


@dataclass
class Kept:
    """A kept world, driven by the commands that a person types."""

    folder: Path
    checkout: Path

    def type(self, *arguments: str, verb: str = "run") -> int:
        """Type a command in the checkout with an emptied environment; return its exit code."""
        command = [sys.executable, "-m", "rehearsal", verb, *arguments]
        return subprocess.run(
            [*command, "--folder", str(self.folder)],
            cwd=self.checkout, env={"PATH": os.defpath}, timeout=30 * MINUTES, check=False,
        ).returncode  # fmt: skip

    @property
    def facts(self) -> dict[str, str]:
        return json.loads((self.folder / "world.json").read_text())

    @property
    def verdict(self) -> dict[str, Any]:
        return json.loads((self.folder / "verdict.json").read_text())

    def rows(self) -> dict[str, bool]:
        return {row["surface"]: row["ok"] for row in self.verdict["surfaces"]}

    def refs(self) -> dict[str, str]:
        """Ask git itself what the remote has."""
        done = subprocess.run(
            ["git", "ls-remote", self.facts["git"]], capture_output=True, text=True, check=True
        )
        return {line.split("\t")[1]: line.split("\t")[0] for line in done.stdout.splitlines()}

    def releases(self) -> list[dict[str, Any]]:
        """Ask the API, as a maintainer, drafts included; without the counts of downloads."""
        answer = requests.get(
            f"{self.facts['api']}/repos/{self.facts['repository']}/releases",
            headers={"Authorization": f"Bearer {self.facts['token']}"},
            timeout=30,
        )
        answer.raise_for_status()
        for one in (releases := answer.json()):
            for asset in one["assets"]:
                del asset["download_count"]
        return releases

    def user(self, folder: Path) -> dict[str, str]:
        """Return the environment of a user of the release; it starts in an empty folder."""
        made = world.load(self.folder).reader()
        python = str(Path(sys.executable).resolve().parent)
        ports = dict.fromkeys(("API_PORT", "WEB_PORT", "MLFLOW_PORT", "MODEL_PORT"), "0")
        index = {"PIP_INDEX_URL": made["PACKAGE_INDEX_URL"]}
        path = f"{folder / 'venv' / 'bin'}:{python}:{made['PATH']}"
        return {**made, **index, **ports, "PATH": path, "HOME": str(folder)}

    def tag_digest(self, image: str, tag: str) -> str:
        """Ask the registry, as buildx would."""
        endpoints = json.loads((self.folder / "endpoints.json").read_text())
        command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}"]
        reference = f"{self.facts['registry']}/mrilikecoding/stream_pose_ml_{image}:{tag}"
        done = subprocess.run(
            [*command, reference],
            env={
                "PATH": f"{endpoints['tools']}:{os.defpath}:/usr/local/bin",
                "DOCKER_CONFIG": endpoints["docker_config"],
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip()

    def change(self, text: str) -> None:
        """Push a change with its changelog entry to main, as a maintainer does."""
        clone = self.folder / "change"
        address = self.facts["git"].replace("://", f"://maintainer:{self.facts['token']}@")
        git_repo.git(self.folder, "clone", "--quiet", address, str(clone))
        file = clone / "CHANGELOG.md"
        head = "## [Unreleased]\n"
        file.write_text(file.read_text().replace(head, f"{head}\n### Added\n\n- {text}\n", 1))
        git_repo.git(clone, *WHO, "commit", "--quiet", "--all", "--message", text)
        git_repo.git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        shutil.rmtree(clone)

    def end(self) -> int:
        """Return how far the journal has come."""
        return (self.folder / "journal.jsonl").stat().st_size

    def writes_since(self, offset: int) -> int:
        return sum(journal.writes_by_service(self.folder / "journal.jsonl", offset).values())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this checkout, whose checks leave out the fast tests that run by themselves."""
    clone = tmp_path_factory.mktemp("checkout") / "clone"
    git_repo.git(ROOT, "clone", "--quiet", str(ROOT), str(clone))
    file, table = clone / "pyproject.toml", "[tool.release]\n"
    changed = file.read_text().replace(table, f"{table}checks = {CHECKS}\n", 1)
    assert CHECKS in changed
    file.write_text(changed)
    git_repo.git(clone, *WHO, "commit", "--quiet", "--all", "--message", "Check less")
    return clone


@pytest.fixture(scope="module")
def kept(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A world in which 0.2.4 was released."""
    one = Kept(tmp_path_factory.mktemp("kept") / "world", checkout)
    try:
        assert one.type("--keep") == 0
        yield one
    finally:
        assert one.type(verb="down") == 0


def test_a_release_is_on_every_surface(kept: Kept) -> None:
    rows = kept.rows()
    assert all(rows.values())
    legs = [f"image {i} linux/{a}" for i in ("api", "web", "mlflow") for a in ("amd64", "arm64")]
    assert rows.keys() >= {*legs, "git tag v0.2.4", "release v0.2.4", "branch main"}
    refs = kept.refs()
    assert refs["refs/heads/main"] == refs["refs/tags/v0.2.4^{}"]
    assert "refs/heads/release/v0.2.4" not in refs
    (release,) = kept.releases()
    assert (release["tag_name"], release["draft"]) == ("v0.2.4", False)
    digests = {kept.tag_digest("api", tag) for tag in ("v0.2.4", "latest", "0", "0.2")}
    assert len(digests) == 1
    assert digests.pop().startswith("sha256:")


def test_the_same_release_again_writes_nothing(kept: Kept) -> None:
    refs, offset = kept.refs(), kept.end()
    first = kept.verdict["seconds"]["run"]
    assert kept.type("--again") == 0
    assert kept.verdict["mode"] == "again"
    assert kept.writes_since(offset) == 0
    assert kept.refs() == refs
    assert kept.verdict["seconds"]["run"] < first


COMMAND_LINES = re.compile(r"^stream-pose-ml (?!.*--api).*\n", re.MULTILINE)
COMMANDS = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.long
def test_a_user_types_what_the_notes_say_in_an_empty_folder(kept: Kept, tmp_path: Path) -> None:
    (release,) = kept.releases()
    package, services, *checks = COMMANDS.findall(release["body"].replace("\r", ""))
    user = kept.user(tmp_path)

    def type_in(commands: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=tmp_path, env=user, text=True, capture_output=True, check=False, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, (commands, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    type_in("python3 -m venv venv")
    type_in(package)
    assert "stream_pose_ml[learn]==0.2.4" in package
    documented = (ROOT / "docs" / "streampose.md").read_text("utf-8")
    type_in("".join(COMMAND_LINES.findall(documented)))
    try:
        type_in(services.replace(" up", " up --detach --wait --wait-timeout 600"))
        file = "docker compose --file compose.yaml"
        places = type_in(
            f"echo API_5001=http://$({file} port api 5001);"
            f"echo WEB_3000=http://$({file} port web 3000);"
            f"echo MLFLOW_5002=http://$({file} port mlflow 5002);"
            f"echo MLFLOW_1234=http://$({file} port mlflow 1234)"
        )
        given = {"EXPECTED_VERSION": "0.2.4", "ACCEPTANCE_OUTPUT": str(tmp_path)}
        env = {**user, **given, **dict(line.split("=", 1) for line in places.splitlines())}
        acceptance = str(ROOT / "services" / "acceptance.py")
        subprocess.run(["venv/bin/python", acceptance], cwd=tmp_path, env=env, check=True)
    finally:
        type_in("docker compose --file compose.yaml down --volumes --timeout 5")
    said = [type_in(commands) for commands in checks]
    assert any("OK" in text for text in said)
    digests = {kept.tag_digest(name, "v0.2.4") for name in ("api", "web_ui", "mlflow")}
    assert len(digests) == 3
    assert all(digest in release["body"] for digest in digests)
    assert all(digest in "".join(said) for digest in digests)


@pytest.mark.long
def test_a_dry_run_leaves_every_surface_untouched(kept: Kept) -> None:
    kept.change("Something that a dry run sees.")
    refs, releases, offset = kept.refs(), kept.releases(), kept.end()
    assert kept.type("--again", "--dry-run", "--version", "patch") == 0
    assert kept.verdict["mode"] == "dry-run"
    assert kept.writes_since(offset) == 0
    assert (kept.refs(), kept.releases()) == (refs, releases)


@pytest.mark.long
def test_a_candidate_moves_no_pointer(kept: Kept) -> None:
    kept.change("Something to try.")
    pointers = {tag: kept.tag_digest("api", tag) for tag in ("latest", "0", "0.2")}
    assert kept.type("--again", "--version", "0.3.0rc1") == 0
    rows = kept.rows()
    assert rows["image api:latest unmoved"]
    assert rows["Latest release unmoved"]
    assert {tag: kept.tag_digest("api", tag) for tag in pointers} == pointers
    assert kept.tag_digest("api", "v0.3.0rc1").startswith("sha256:")


@pytest.mark.long
def test_a_pushed_tag_releases_its_commit(kept: Kept) -> None:
    kept.change("Something to have.")
    assert kept.type("--again", "--tag", "0.4.0") == 0
    refs = kept.refs()
    assert refs["refs/tags/v0.4.0^{}"] == refs["refs/heads/main"]
    assert kept.rows()["release v0.4.0"]
    assert kept.tag_digest("web", "latest") == kept.tag_digest("web", "v0.4.0")
