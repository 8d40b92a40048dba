"""`release init` and `release upgrade`, in small repositories of several shapes."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from rehearsal.world import git_repo
from rehearsal.world.example_project import WHO
from scripts.adopt import templates
from scripts.release import configuration
from scripts.release.configuration import Config

ROOT = Path(__file__).parents[2]
SYSTEM, NEWER = f"somebody/system@{'5' * 40}", f"somebody/system@{'6' * 40}"
FLOWS = ".github/workflows"
LOG = "# Changes\n\n## Unreleased\n\n- One.\n"
PACKAGE = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "tidy-lines"
version = "1.2.0"

[tool.ruff]
line-length = 90  # theirs
""",
    "src/tidy_lines/__init__.py": "",
    "tests/__init__.py": "",
    "HISTORY.md": LOG,
    "Makefile": "check:\n\t@true\n",
}
SERVER = {
    "Dockerfile": "FROM scratch\nHEALTHCHECK CMD curl -f http://localhost:80/health || exit 1\n",
    "main.go": "package main\n",
    "CHANGELOG.md": LOG,
    "Makefile": "test:\n\t@true\n",
}
BOTH = {
    "pyproject.toml": PACKAGE["pyproject.toml"].replace("tidy-lines", "stream_pose"),
    "stream_pose/__init__.py": "",
    "CHANGELOG.md": LOG,
    "api/Dockerfile": "FROM scratch\n",
    "web_ui/Dockerfile": "FROM scratch\n",
    "mlflow/Dockerfile": "FROM scratch\n",
    "docker-compose.yml": """\
services:
  api: {image: "example/stream_api:latest"}
  web: {image: "example/stream_web:latest"}
  mlflow: {image: "example/stream_mlflow:latest"}
""",
    "docker-compose.build.yml": """\
services:
  api: {build: ./api}
  web: {build: {context: ./web_ui}}
  mlflow: {build: {context: ., dockerfile: mlflow/Dockerfile}}
""",
    f"{FLOWS}/ci.yml": "on: push\njobs: {}\n",
    f"{FLOWS}/release.yml": "on: push\njobs: {}\n",
    f"{FLOWS}/publish-to-pypi.yml": (
        "on: push\njobs: {a: {steps: [{uses: pypa/gh-action-pypi-publish@v1}]}}\n"
    ),
    "Makefile": "test:\n\t@true\n",
}


class Clone:
    """A repository, and the command in it."""

    def __init__(self, folder: Path, files: Mapping[str, str], branch: str, tags: str) -> None:
        self.folder = folder
        self.api = "http://127.0.0.1:9"  # nobody answers there
        folder.mkdir()
        git_repo.git(folder, "init", "--quiet", f"--initial-branch={branch}")
        git_repo.git(folder, "remote", "add", "origin", "git@github.com:Mari/sample.git")
        self.commit(files)
        for tag in tags.split():
            git_repo.git(folder, "tag", tag)

    def commit(self, files: Mapping[str, str] | None = None, message: str = "work") -> None:
        for path, text in (files or {}).items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text)
        git_repo.git(self.folder, "add", "--all")
        git_repo.git(self.folder, "commit", "--quiet", "--message", message, **WHO)

    def release(
        self, *words: str, cwd: Path | None = None, root: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "scripts", *words],
            cwd=cwd or self.folder, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, env={
                "PATH": "/usr/bin:/bin", "PYTHONPATH": str(root),
                "GITHUB_API_URL": self.api,
            },
        )  # fmt: skip

    def init(self, *words: str) -> str:
        done = self.release("init", "--yes", "--system", SYSTEM, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def changed(self) -> set[str]:
        listed = git_repo.git(self.folder, "status", "--porcelain", "--untracked-files=all")
        return {line.split()[-1] for line in listed.splitlines()}

    @property
    def config(self) -> Config:
        return configuration.parse(self.text("pyproject.toml"))

    def text(self, path: str) -> str:
        return (self.folder / path).read_text()


def package(folder: Path) -> Clone:
    return Clone(folder / "package", PACKAGE, "master", "1.1.0 1.2.0")


def server(folder: Path) -> Clone:
    return Clone(folder / "server", SERVER, "main", "v0.8.0 v0.9.0")


def both(folder: Path) -> Clone:
    return Clone(folder / "both", BOTH, "main", "v0.1.2-rc1 v0.1.2 v1.2.0")


SHAPES = [package, server, both]
GENERATED = {f"{FLOWS}/{name}" for name in templates.NAMES}


def test_a_package_alone(tmp_path: Path) -> None:
    here = package(tmp_path)
    said = here.init()
    assert here.changed() == {"pyproject.toml", *GENERATED}
    assert here.text("pyproject.toml").startswith(PACKAGE["pyproject.toml"])
    read = here.config
    assert read.package is not None
    assert read.package.modules == ("tidy_lines",)
    assert (read.branch, read.changelog, read.images) == ("master", "HISTORY.md", ())
    assert 'tags: ["[0-9]*"]' in here.text(f"{FLOWS}/release.yml")
    assert "trust release.yml and the environment pypi" in said


def test_an_image_alone(tmp_path: Path) -> None:
    here = server(tmp_path)
    here.init()
    (image,) = here.config.images
    assert here.config.from_tags
    assert (image.repository, image.port, image.health) == ("mari/sample", 80, "/health")
    assert here.config.package is None
    assert here.config.checks == ("make", "test")


def test_both_with_folders_and_workflows_of_their_own(tmp_path: Path) -> None:
    here = both(tmp_path)
    said = here.init()
    theirs = {name for name in here.changed() if name.startswith(FLOWS)}
    assert theirs == (GENERATED - {f"{FLOWS}/release.yml"}) | {f"{FLOWS}/release-system.yml"}
    found = {one.name: (one.dockerfile, one.context, one.repository) for one in here.config.images}
    assert found == {
        "api": ("api/Dockerfile", "api", "example/stream_api"),
        "mlflow": ("mlflow/Dockerfile", ".", "example/stream_mlflow"),
        "web": ("web_ui/Dockerfile", "web_ui", "example/stream_web"),
    }
    assert here.config.compose == "docker-compose.yml"
    assert "release.yml is yours; the new file is release-system.yml" in said
    assert "publishes today: .github/workflows/publish-to-pypi.yml" in said
    assert "trust release-system.yml" in said


@pytest.mark.parametrize("shape", SHAPES)
def test_at_most_three_questions_and_700_lines(shape: object, tmp_path: Path) -> None:
    here = shape(tmp_path)  # type: ignore[operator]
    here.init()
    git_repo.git(here.folder, "add", "--all")
    counted = git_repo.git(here.folder, "diff", "--cached", "--numstat").splitlines()
    assert sum(int(line.split()[0]) for line in counted) < 700


@pytest.mark.parametrize("shape", SHAPES)
def test_the_check_finds_nothing_in_what_was_written(shape: object, tmp_path: Path) -> None:
    here = shape(tmp_path)  # type: ignore[operator]
    here.init()
    done = here.release("check")
    assert done.returncode == 0, done.stderr


def test_what_no_file_says_is_asked_for_by_name(tmp_path: Path) -> None:
    files = {key: text for key, text in SERVER.items() if key != "Makefile"}
    here = Clone(tmp_path / "asks", files, "main", "")
    done = here.release("init", "--yes", "--system", SYSTEM)
    assert done.returncode == 2
    assert "--answer checks=VALUE" in done.stderr
    assert here.changed() == set()
    here.init("--answer", "checks=go test ./...", "--answer", "namespace=wide")
    assert here.config.checks == ("go", "test", "./...")
    assert here.config.images[0].repository == "wide/sample"


def test_an_answer_to_no_question_is_refused(tmp_path: Path) -> None:
    done = package(tmp_path).release("init", "--yes", "--system", SYSTEM, "--answer", "a=b")
    assert done.returncode == 2
    assert "this is not asked here" in done.stderr


def test_nobody_at_the_terminal_writes_nothing(tmp_path: Path) -> None:
    here = package(tmp_path)
    done = here.release("init", "--system", SYSTEM)
    assert (done.returncode, here.changed()) == (2, set())
    assert "give --yes" in done.stderr


def refused(here: Clone, *words: str, cwd: Path | None = None) -> str:
    before = here.changed()
    done = here.release("init", "--yes", "--system", SYSTEM, *words, cwd=cwd)
    assert done.returncode == 2, done.stdout + done.stderr
    assert here.changed() == before
    assert "remedy:" in done.stderr
    return done.stderr


def test_a_dirty_tree_is_refused(tmp_path: Path) -> None:
    here = package(tmp_path)
    (here.folder / "new.txt").write_text("")
    assert "not committed: new.txt" in refused(here)


def test_a_folder_within_is_refused(tmp_path: Path) -> None:
    here = package(tmp_path)
    assert "not the top of its clone" in refused(here, cwd=here.folder / "src")


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    here = package(tmp_path)
    bare = tmp_path / "bare"
    bare.mkdir()
    assert "not a git repository" in refused(here, cwd=bare)


def test_a_fork_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    here = package(tmp_path)
    git_repo.git(here.folder, "remote", "add", "upstream", "git@github.com:first/sample.git")
    assert "fork of git@github.com:first/sample.git" in refused(here)
    here.init("--fork")


def test_a_fork_is_known_by_the_projects_own_address(tmp_path: Path) -> None:
    here = package(tmp_path)
    urls = '\n[project.urls]\nSource = "https://github.com/first/sample"\n'
    here.commit({"pyproject.toml": PACKAGE["pyproject.toml"] + urls})
    assert "fork of https://github.com/first/sample" in refused(here)


def test_nothing_to_release_is_refused(tmp_path: Path) -> None:
    here = Clone(tmp_path / "empty", {"README.md": "x\n"}, "main", "")
    assert "found nothing to release" in refused(here)


def test_a_table_that_could_not_be_released_is_refused(tmp_path: Path) -> None:
    here = package(tmp_path)
    dynamic = PACKAGE["pyproject.toml"].replace('version = "1.2.0"', "")
    here.commit({"pyproject.toml": dynamic})
    assert "project.version is missing" in refused(here)


def test_a_second_time_is_an_upgrade(tmp_path: Path) -> None:
    here = package(tmp_path)
    here.init()
    here.commit()
    assert "release upgrade" in refused(here)


def test_a_table_that_is_there_stays(tmp_path: Path) -> None:
    here = package(tmp_path)
    mine = PACKAGE["pyproject.toml"] + (
        '\n[tool.release]\nchangelog = "HISTORY.md"\n'
        '\n[tool.release.package]\nmodules = ["tidy_lines"]\n'
    )
    here.commit({"pyproject.toml": mine})
    here.init()
    assert here.changed() == GENERATED


def test_a_table_for_files_that_are_gone_is_refused(tmp_path: Path) -> None:
    here = package(tmp_path)
    table = '\n[tool.release]\nchangelog = "OLD.md"\n[tool.release.package]\nmodules = ["gone"]\n'
    here.commit({"pyproject.toml": PACKAGE["pyproject.toml"] + table})
    said = refused(here)
    assert "OLD.md is not in the repository" in said
    assert "gone is not in the repository" in said


def test_two_images_of_one_name_are_refused_at_their_line(tmp_path: Path) -> None:
    image = '\n[[tool.release.images]]\nname = "{}"\ndockerfile = "Dockerfile"\n'
    image += 'repository = "mari/sample"\nplatforms = ["linux/amd64"]\n'
    here = server(tmp_path)
    here.commit({"pyproject.toml": image.format("one") + image.format("two")})
    said = refused(here)
    assert "pyproject.toml:11: tool.release.images[1].repository is 'mari/sample'" in said


def test_what_is_not_toml_is_refused_at_its_line(tmp_path: Path) -> None:
    here = package(tmp_path)
    here.commit({"pyproject.toml": PACKAGE["pyproject.toml"] + "\nbroken\n"})
    assert "pyproject.toml:12: not valid TOML" in refused(here)


def test_a_clone_without_a_branch_is_refused(tmp_path: Path) -> None:
    here = package(tmp_path)
    git_repo.git(here.folder, "checkout", "--quiet", "--detach")
    assert "no branch is checked out" in refused(here)


@pytest.mark.parametrize("given", ["nobody", "a/b@1234", "a/b@main"])
def test_a_system_that_is_no_commit_is_refused(tmp_path: Path, given: str) -> None:
    done = package(tmp_path).release("init", "--yes", "--system", given)
    assert done.returncode == 2
    assert "expected OWNER/REPO@COMMIT" in done.stderr


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A later version of the system, whose audit runs on another day."""
    folder = tmp_path_factory.mktemp("newer")
    for path in ("scripts", ".github", "tool"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-R", str(ROOT / path), str(folder / path)], check=True)
    audit = folder / FLOWS / "audit.yml"
    audit.write_text(audit.read_text().replace('"23 5 * * 1" # Mondays', '"23 5 * * 2" # Tuesdays'))
    return folder


def taken_over(folder: Path) -> Clone:
    here = package(folder)
    here.init()
    here.commit()
    return here


def edited(here: Clone, old: str, new: str) -> None:
    text = here.text(f"{FLOWS}/audit.yml")
    assert old in text
    here.commit({f"{FLOWS}/audit.yml": text.replace(old, new)})


def test_check_is_content_with_what_was_generated(tmp_path: Path) -> None:
    here = taken_over(tmp_path)
    done = here.release("init", "--check")
    assert done.returncode == 0, done.stderr
    assert f"{FLOWS}/audit.yml: as generated" in done.stdout


def test_check_shows_an_edit(tmp_path: Path) -> None:
    here = taken_over(tmp_path)
    edited(here, "timeout-minutes: 60", "timeout-minutes: 90")
    done = here.release("init", "--check")
    assert done.returncode == 1
    assert "-    timeout-minutes: 60\n+    timeout-minutes: 90" in done.stdout
    assert "edited since they were generated: .github/workflows/audit.yml" in done.stderr


def test_an_upgrade_keeps_an_edit_and_brings_what_is_new(tmp_path: Path, newer: Path) -> None:
    here = taken_over(tmp_path)
    edited(here, "timeout-minutes: 60", "timeout-minutes: 90")
    done = here.release("upgrade", "--system", NEWER, root=newer)
    assert done.returncode == 0, done.stdout + done.stderr
    text = here.text(f"{FLOWS}/audit.yml")
    assert "timeout-minutes: 90" in text
    assert '"23 5 * * 2"' in text
    assert "6" * 40 in text
    for path in GENERATED:
        assert "5" * 40 not in here.text(path)
    here.commit()
    assert here.release("upgrade", "--system", NEWER, root=newer).stdout.count("as it was") == len(
        GENERATED
    )


def test_an_upgrade_names_a_release_that_is_not_finished(tmp_path: Path, newer: Path) -> None:
    here = taken_over(tmp_path)
    said = here.release("upgrade", "--system", NEWER, root=newer).stdout
    assert "not finished" not in said
    here.commit()
    git_repo.git(here.folder, "update-ref", "refs/remotes/origin/release/1.3.0", "HEAD")
    said = here.release("upgrade", "--system", NEWER, root=newer).stdout
    assert "not finished, by the branches of this clone: release/1.3.0" in said


def test_an_upgrade_adds_a_workflow_that_an_older_version_did_not_have(
    tmp_path: Path, newer: Path
) -> None:
    here = package(tmp_path)
    here.init()
    (here.folder / FLOWS / "watch.yml").unlink()
    here.commit()
    done = here.release("upgrade", "--system", NEWER, root=newer)
    assert f"{FLOWS}/watch.yml: added" in done.stdout, done.stderr
    assert "watch look" in here.text(f"{FLOWS}/watch.yml")
    here.commit()
    # One that was deleted since stays away.
    (here.folder / FLOWS / "watch.yml").unlink()
    here.commit()
    done = here.release("upgrade", "--system", NEWER, root=newer)
    assert "watch.yml" not in done.stdout
    assert not (here.folder / FLOWS / "watch.yml").exists()


def test_two_upgrades_keep_it_too(tmp_path: Path, newer: Path) -> None:
    here = taken_over(tmp_path)
    edited(here, "timeout-minutes: 60", "timeout-minutes: 90")
    for system in (NEWER, f"somebody/system@{'7' * 40}"):
        done = here.release("upgrade", "--system", system, root=newer)
        assert done.returncode == 0, done.stdout + done.stderr
        here.commit()
    assert "timeout-minutes: 90" in here.text(f"{FLOWS}/audit.yml")
    assert "7" * 40 in here.text(f"{FLOWS}/audit.yml")


def test_what_was_generated_is_kept_only_beside_an_edit(tmp_path: Path, newer: Path) -> None:
    here = taken_over(tmp_path)
    edited(here, "timeout-minutes: 60", "timeout-minutes: 90")
    here.release("upgrade", "--system", NEWER, root=newer)
    assert {one for one in here.changed() if one not in GENERATED} == {
        ".github/release-system/audit.yml"
    }
    edited(here, "timeout-minutes: 90", "timeout-minutes: 60")
    here.release("upgrade", "--system", NEWER, root=newer)
    assert not (here.folder / ".github/release-system/audit.yml").exists()


def test_what_dependabot_moved_is_no_conflict(tmp_path: Path, newer: Path) -> None:
    here = taken_over(tmp_path)
    edited(here, f"stage@{'5' * 40} # v1.0.0", f"stage@{'a' * 40} # v1.0.1")
    done = here.release("upgrade", "--system", NEWER, root=newer)
    assert done.returncode == 0, done.stdout + done.stderr
    text = here.text(f"{FLOWS}/audit.yml")
    assert f"stage@{'6' * 40}" in text
    assert "a" * 40 not in text


def test_a_conflict_is_shown_and_not_decided(tmp_path: Path, newer: Path) -> None:
    here = taken_over(tmp_path)
    edited(here, '"23 5 * * 1"', '"23 5 * * 3"')
    done = here.release("upgrade", "--system", NEWER, root=newer)
    assert done.returncode == 1
    assert "change the same lines: .github/workflows/audit.yml" in done.stderr
    text = here.text(f"{FLOWS}/audit.yml")
    assert re.search(r"<<<<<<< yours\n.*\* 3.*\n=======\n.*\* 2.*\n>>>>>>> new", text)


@pytest.mark.parametrize(
    ("pin", "said"),
    [("6" * 40, "is at 666666666666, other lines are at 555555555555"), ("v1", "is at v1, which")],
)
def test_check_finds_an_action_at_another_commit(pin: str, said: str, tmp_path: Path) -> None:
    here = taken_over(tmp_path)
    assert here.release("check").returncode == 0
    text = here.text(f"{FLOWS}/release.yml")
    head, old, tail = text.rpartition(f"@{'5' * 40} ")
    here.commit({f"{FLOWS}/release.yml": f"{head}@{pin} {tail}"})
    assert old
    done = here.release("check")
    assert done.returncode == 2
    assert said in done.stderr
    assert f"{FLOWS}/release.yml:{head.count(chr(10)) + 1}" in done.stderr


def test_an_edit_before_the_first_commit_is_refused(tmp_path: Path, newer: Path) -> None:
    here = package(tmp_path)
    here.init()
    edited(here, "timeout-minutes: 60", "timeout-minutes: 90")
    done = here.release("upgrade", "--system", NEWER, root=newer)
    assert (done.returncode, here.changed()) == (2, set())
    assert "it was edited before its first commit" in done.stderr
