"""The whole release, performed on this machine. Minutes: marked `rehearsal`.

One kept world for all: a release, the same again, a candidate, a pushed tag, a dry run; what each
came to is read from `verdict.json`, and looked at by other means than the verdict's own.
"""

import json
import os
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
from rehearsal.world import git_repo

ROOT = Path(__file__).parents[2]
MINUTES = 60

pytestmark = pytest.mark.rehearsal


@dataclass
class Kept:
    """A kept world, driven by the commands that a person types."""

    folder: Path

    def type(self, *arguments: str, verb: str = "run") -> int:
        """Type a command in this checkout with an emptied environment; return its exit code."""
        command = [sys.executable, "-m", "rehearsal", verb, *arguments]
        return subprocess.run(
            [*command, "--folder", str(self.folder)],
            cwd=ROOT, env={"PATH": os.defpath}, timeout=30 * MINUTES, check=False,
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
        """Ask the API, as a maintainer, drafts included."""
        answer = requests.get(
            f"{self.facts['api']}/repos/{self.facts['repository']}/releases",
            headers={"Authorization": f"Bearer {self.facts['token']}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()

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
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        git_repo.git(self.folder, "clone", "--quiet", address, str(clone))
        file = clone / "CHANGELOG.md"
        head = "## [Unreleased]\n"
        file.write_text(file.read_text().replace(head, f"{head}\n### Added\n\n- {text}\n", 1))
        git_repo.git(clone, *who, "commit", "--quiet", "--all", "--message", text)
        git_repo.git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        shutil.rmtree(clone)

    def end(self) -> int:
        """Return how far the journal has come."""
        return (self.folder / "journal.jsonl").stat().st_size

    def writes_since(self, offset: int) -> int:
        return sum(journal.writes_by_service(self.folder / "journal.jsonl", offset).values())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A world in which 0.2.4 was released."""
    one = Kept(tmp_path_factory.mktemp("kept") / "world")
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
