"""A rehearsal without a build: every image of the table is empty, and none is started."""

from pathlib import Path

from rehearsal.world import empty_images, git_repo, world
from rehearsal.world.example_project import WHO
from scripts.release import configuration

TABLE = """\
[tool.release]
compose = "compose.yaml"

[[tool.release.images]]
name = "api"
dockerfile = "api/Dockerfile"
target = "final"
repository = "mari/api"
platforms = ["linux/amd64"]
port = 80
health = "/"
"""


def test_dockerfiles_and_table_change_in_one_commit(tmp_path: Path) -> None:
    checkout, bare = tmp_path / "checkout", tmp_path / "bare.git"
    (checkout / "api").mkdir(parents=True)
    (checkout / "pyproject.toml").write_text(TABLE)
    (checkout / "api" / "Dockerfile").write_text("FROM unknown:1\nRUN apt-get update\n")
    git_repo.git(checkout, "init", "--quiet", "--initial-branch=main")
    git_repo.git(checkout, "add", "--all")
    git_repo.git(checkout, "commit", "--quiet", "--message", "One", **WHO)
    before = git_repo.bare(checkout, bare)
    commit = empty_images.commit(bare, "main", tmp_path / "clone")
    assert git_repo.git(bare, "rev-parse", "main", f"{commit}^").split() == [commit, before]
    text = git_repo.git(bare, "show", f"{commit}:api/Dockerfile")
    assert text.startswith("FROM scratch AS final\n")
    read = configuration.parse(git_repo.git(bare, "show", f"{commit}:pyproject.toml"))
    assert (read.compose, read.images[0].port, read.images[0].health) == (None, None, None)


def test_a_package_alone_stays_as_it_is(tmp_path: Path) -> None:
    checkout, bare = tmp_path / "checkout", tmp_path / "bare.git"
    checkout.mkdir()
    (checkout / "pyproject.toml").write_text('[tool.release.package]\nmodules = ["thing"]\n')
    git_repo.git(checkout, "init", "--quiet", "--initial-branch=main")
    git_repo.git(checkout, "add", "--all")
    git_repo.git(checkout, "commit", "--quiet", "--message", "One", **WHO)
    before = git_repo.bare(checkout, bare)
    assert empty_images.commit(bare, "main", tmp_path / "clone") == before


def test_the_folder_of_a_world_is_ignored_after_its_end(tmp_path: Path) -> None:
    folder = tmp_path / ".rehearsal"
    folder.mkdir()
    (folder / ".gitignore").write_text("*\n")
    (folder / "world.json").write_text("{}")
    (folder / "journal.jsonl").write_text("")
    world.down(folder)
    assert {one.name for one in folder.iterdir()} == {".gitignore", "journal.jsonl"}
