"""The check of the working tree: every problem at once, offline, and each with its line."""

import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.core import jobs
from scripts.core.errors import ProblemsError, ReleaseError, UsageError
from scripts.release.context import Context
from scripts.stages import check
from scripts.tools.environment import Environment
from tests.support.project import CHANGELOG, git

ROOT = Path(__file__).parents[2]
TABLE = """\
[project]
name = "thing"
version = "1.2.3"

[tool.release]
compose = "compose.yaml"
acceptance = "acceptance.py"
notes-template = "notes.md"
version-files = [{ path = "CITATION.cff", line = "version: {version}" }]

[tool.release.package]
modules = ["thing"]

[[tool.release.images]]
name = "api"
dockerfile = "api/Dockerfile"
context = "api"
repository = "mari/api"
platforms = ["linux/amd64"]
"""
GOOD = {
    "pyproject.toml": TABLE,
    "CHANGELOG.md": CHANGELOG,
    "CITATION.cff": "version: 1.2.3\n",
    "Makefile": ".PHONY: check\ncheck:\n\ttrue\n",
    "compose.yaml": "services:\n  api:\n    build: api\n",
    "acceptance.py": "",
    "notes.md": "",
    "src/thing/__init__.py": "",
    "api/Dockerfile": "FROM scratch\n",
    ".github/workflows/release.yml": (ROOT / ".github/workflows/release.yml").read_text("utf-8"),
}


def tree(folder: Path, files: Mapping[str, str]) -> Context:
    """Write a working tree, without a remote and without anything that answers."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return Context(Environment({"PATH": "/usr/bin:/bin"}), folder)


def found(folder: Path, files: Mapping[str, str]) -> list[str]:
    with pytest.raises(ProblemsError) as raised:
        check.run(tree(folder, files))
    errors: list[ReleaseError] = raised.value.errors
    assert all(one.remedy for one in errors)
    assert raised.value.exit_code == 2
    return [f"{one.place}: {one.cause}" for one in errors]


def test_a_right_tree_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check.run(tree(tmp_path, GOOD))
    assert "fine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("compose.yaml", "pyproject.toml:6: compose.yaml is not in the working tree"),
        ("acceptance.py", "pyproject.toml:7: acceptance.py is not in"),
        ("notes.md", "pyproject.toml:8: notes.md is not in"),
        ("CITATION.cff", "pyproject.toml:9: CITATION.cff is not in"),
        ("src/thing/__init__.py", "pyproject.toml:12: thing is not in"),
        ("api/Dockerfile", "pyproject.toml:16: api/Dockerfile is not in"),
        ("CHANGELOG.md", "CHANGELOG.md is not in the working tree"),
        ("Makefile", "tool.release.checks needs a Makefile"),
        (".github/workflows/release.yml", ".github/workflows/release.yml does not exist"),
    ],
)
def test_a_file_that_is_gone(tmp_path: Path, gone: str, said: str) -> None:
    files = {path: text for path, text in GOOD.items() if path != gone}
    assert any(said in one for one in found(tmp_path, files))


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        ("compose.yaml", "  api:", "  app:", "pyproject.toml:15: image api is not a service"),
        ("compose.yaml", "services:", "services: [", "compose.yaml: compose.yaml is not YAML"),
        ("pyproject.toml", 'context = "api"', 'context = "ap"', "pyproject.toml:17: ap is not in"),
        ("CITATION.cff", "1.2.3", "1.2.2", "pyproject.toml:9: CITATION.cff holds 'version: 1.2.3'"),
        ("Makefile", "check:\n", "checks:\n", "Makefile: Makefile has no target check"),
        ("CHANGELOG.md", "## [Unreleased]", "## [Unreleasd]", "CHANGELOG.md"),
        (".github/workflows/release.yml", "\n  gate:\n", "\n  gates:\n", "lacks the jobs gate"),
        (".github/workflows/release.yml", '"v*"', '"r*"', "starts the workflow for r*"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, path: str, old: str, new: str, said: str) -> None:
    assert old in GOOD[path]
    assert any(said in one for one in found(tmp_path, GOOD | {path: GOOD[path].replace(old, new)}))


@pytest.mark.parametrize("to", ["/etc/hosts", "../outside", "Dockerfile"])
def test_a_link_out_of_the_tree_or_to_itself(tmp_path: Path, to: str) -> None:
    tree(tmp_path, GOOD)
    (tmp_path / "api/Dockerfile").unlink()
    (tmp_path / "api/Dockerfile").symlink_to(to if to != "../outside" else "../../outside")
    (said,) = found(tmp_path, {})
    assert said == "pyproject.toml:16: api/Dockerfile leads out of the repository"


def test_a_link_within_the_tree_is_followed(tmp_path: Path) -> None:
    context = tree(tmp_path, GOOD | {"docker/api": "FROM scratch\n"})
    (tmp_path / "api/Dockerfile").unlink()
    (tmp_path / "api/Dockerfile").symlink_to("../docker/api")
    check.run(context)


@pytest.mark.parametrize("path", ["CHANGELOG.md", "compose.yaml", "notes.md", "CITATION.cff"])
def test_a_link_in_place_of_a_file_that_is_written_on(tmp_path: Path, path: str) -> None:
    tree(tmp_path, GOOD)
    (tmp_path / path).rename(tmp_path / "moved")
    (tmp_path / path).symlink_to("moved")
    (said,) = found(tmp_path, {})
    assert f"{path} is a link" in said


def test_a_link_out_of_the_tree_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    tree(folder, GOOD)
    (folder / "CHANGELOG.md").unlink()
    (tmp_path / "log.md").write_text("# What nobody asked for\n")
    (folder / "CHANGELOG.md").symlink_to("../log.md")
    (said,) = found(folder, {})
    assert "CHANGELOG.md is a link" in said


def test_the_workflow_beside_one_of_the_same_name(tmp_path: Path) -> None:
    theirs = {jobs.WORKFLOW: "on: push\njobs: {}\n", jobs.BESIDE: GOOD[jobs.WORKFLOW]}
    check.run(tree(tmp_path, GOOD | theirs))
    broken = theirs | {jobs.BESIDE: GOOD[jobs.WORKFLOW].replace("\n  gate:\n", "\n  gates:\n")}
    (said,) = found(tmp_path, GOOD | broken)
    assert f"{jobs.BESIDE} lacks the jobs gate" in said


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    """Also what the files lack where the table is wrong itself."""
    table = TABLE.replace("compose =", "compse =").replace('["linux/amd64"]', '["linux/s390"]')
    files = {"pyproject.toml": table.replace('["thing"]', '["thin"]')}
    said = "\n".join(found(tmp_path, files))
    for one in ("compse is not a key", "linux/s390", "thin is not in", "acceptance", "release.yml"):
        assert one in said
    assert "None" not in said


def test_a_value_that_is_wrong_is_said_once(tmp_path: Path) -> None:
    table = TABLE.replace("[tool.release]\n", "[tool.release]\nchangelog = 3\nchecks = [7]\n")
    said = found(tmp_path, GOOD | {"pyproject.toml": table})
    assert [one.partition(" is ")[0] for one in said] == [
        "pyproject.toml:6: tool.release.changelog",
        "pyproject.toml:7: tool.release.checks",
    ]


def test_the_trigger_is_compared_with_the_tags_there_are(tmp_path: Path) -> None:
    context = tree(tmp_path, GOOD)
    git("init", "-q", "--template=", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=tmp_path)
    git("tag", "1.2.3", cwd=tmp_path)
    with pytest.raises(ProblemsError) as raised:
        check.run(context)
    (error,) = raised.value.errors
    assert "the tags here have the form {version}" in error.cause
    assert error.place
    line = GOOD[".github/workflows/release.yml"].splitlines()[error.place.line - 1]
    assert "tags:" in line
    assert '"[0-9]*"' in error.remedy


def test_old_sections_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = CHANGELOG + "\n## [0.2.2] - 2025-08-01\n\n- One.\n\n## [0.2.2] - 2025-07-01\n\n- Two.\n"
    check.run(tree(tmp_path, GOOD | {"CHANGELOG.md": odd}))
    assert "warning: CHANGELOG.md" in capsys.readouterr().err


def test_without_a_table_there_is_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pyproject\.toml does not exist"):
        check.run(tree(tmp_path, {}))


def test_it_takes_less_than_a_second_and_asks_no_service(tmp_path: Path) -> None:
    """Every service's address leads nowhere: whatever asked one would fail."""
    tree(tmp_path, GOOD)
    nowhere = "http://127.0.0.1:1"
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "GITHUB_SERVER_URL"), nowhere),
        "GITHUB_API_URL": nowhere,
    }
    command = [sys.executable, "-m", "scripts", "check", "--json"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verb"] == "check"
    # Of the processor: what the machine does besides does not count.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    assert not (tmp_path / "release").exists()
