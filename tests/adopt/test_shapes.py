"""What `release init` makes of repositories as they are: each shape was seen in a public one."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from rehearsal.world import git_repo
from tests.adopt.test_init import FLOWS, LOG, PACKAGE, SERVER, SYSTEM, Clone

BUILD = '[build-system]\nrequires = ["{}"]\nbuild-backend = "{}"\n\n'
SETUPTOOLS = BUILD.format("setuptools", "setuptools.build_meta")
NAMED = '[project]\nname = "thing"\nversion = "1.2.0"\n'
FILES = {"thing/__init__.py": '__version__ = "1.2.0"\n', "CHANGELOG.md": LOG, "tox.ini": "[tox]\n"}
SETUP = "from setuptools import setup\nsetup(name='thing', {})\n"
GO = {"go.mod": "module example.org/thing\n", "CHANGELOG.md": LOG}


def made(folder: Path, files: Mapping[str, str], tags: str = "v1.2.0") -> Clone:
    return Clone(folder / "sample", files, "main", tags)


def fits(folder: Path, files: Mapping[str, str], tags: str = "v1.2.0") -> tuple[Clone, str]:
    """Take it over without a question, and check it."""
    here = made(folder, files, tags)
    said = here.init()
    done = here.release("check")
    assert done.returncode == 0, said + done.stderr
    return here, said


def unfit(folder: Path, files: Mapping[str, str], *words: str) -> str:
    here = made(folder, files)
    done = here.release("init", "--yes", "--system", SYSTEM, *words)
    assert (done.returncode, here.changed()) == (2, set()), done.stdout
    assert "remedy:" in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("setup", "more", "version_in"),
    [
        ("version='1.2.0'", {}, "setup.py"),
        ("version=read()", {}, "thing/__init__.py"),
        ("", {"setup.cfg": "[metadata]\nname = thing\nversion = 1.2.0\n"}, "setup.cfg"),
        (
            "",
            {"setup.cfg": "[metadata]\nname = thing\nversion = attr: thing.__version__\n"},
            "thing/__init__.py",
        ),
        (
            "",
            {
                "setup.cfg": "[metadata]\nname = thing\nversion = file: VERSION\n",
                "VERSION": "1.2.0\n",
            },
            "VERSION",
        ),
    ],
)
def test_a_setup_py_gets_no_project_table(
    setup: str, more: dict[str, str], version_in: str, tmp_path: Path
) -> None:
    """A [project] without dependencies would take the place of those in setup.py."""
    here, _ = fits(tmp_path, {**FILES, "setup.py": SETUP.format(setup), **more})
    text = here.text("pyproject.toml")
    assert "[project]" not in text
    assert 'name = "thing"' in text
    assert f'version-in = "{version_in}"' in text
    assert here.config.project == "thing"


def test_the_name_of_a_setup_py_may_be_a_constant(tmp_path: Path) -> None:
    text = "NAME = 'thing'\nimport setuptools\nsetuptools.setup(name=NAME, version=meta['v'])\n"
    here, _ = fits(tmp_path, {**FILES, "setup.py": text})
    assert here.config.project == "thing"
    assert 'version-in = "thing/__init__.py"' in here.text("pyproject.toml")


def test_the_package_of_a_setup_py_is_the_one_of_its_name(tmp_path: Path) -> None:
    """Another package beside it serves the tests."""
    files = {**FILES, "t/__init__.py": "", "setup.py": SETUP.format("version='1.2.0'")}
    here, _ = fits(tmp_path, files)
    assert here.config.package is not None
    assert here.config.package.modules == ("thing",)


@pytest.mark.parametrize(
    "table",
    [
        SETUPTOOLS + NAMED,
        BUILD.format("hatchling", "hatchling.build")
        + NAMED.replace('version = "1.2.0"', 'dynamic = ["version"]')
        + '[tool.hatch.version]\nsource = "vcs"\n'
        + '[tool.hatch.build.hooks.vcs]\nversion-file = "src/_version.py"\n'
        + '[tool.hatch.build.targets.wheel]\nonly-include = ["src"]\nsources = ["src"]\n',
    ],
)
def test_a_build_may_take_all_of_src(table: str, tmp_path: Path) -> None:
    files = {"src/thing/__init__.py": "", "src/thingd/__init__.py": ""}
    files |= {} if "vcs" in table else {"src/_version.py": ""}
    files |= {"pyproject.toml": table, "CHANGELOG.md": LOG, "tox.ini": "[tox]\n"}
    here, _ = fits(tmp_path, files)
    assert here.config.package is not None
    assert here.config.package.modules == ("_version", "thing", "thingd")


def test_a_dockerfile_that_a_matrix_names_does_not_hide_the_others(tmp_path: Path) -> None:
    flow = PUSHING.replace("./packaging/docker/alpine/Dockerfile", "'${{ matrix.file }}'")
    flows = {f"{FLOWS}/docker.yml": flow.replace("HOW", "push: true")}
    here, _ = fits(tmp_path, {**SERVER, **flows})
    assert [one.dockerfile for one in here.config.images] == ["Dockerfile"]


def test_an_image_that_nothing_pushes_is_told(tmp_path: Path) -> None:
    _, said = fits(tmp_path, SERVER)
    assert "no workflow and no compose file builds Dockerfile today" in said
    (tmp_path / "composed").mkdir()
    _, said = fits(tmp_path / "composed", {**SERVER, "compose.yml": "services: {a: {build: .}}\n"})
    assert "no workflow" not in said


def test_an_override_is_not_the_compose_file_of_users(tmp_path: Path) -> None:
    one = "services:\n  web: {build: ., image: example/web}\n"
    names = ("docker-compose.override.yml", "docker-compose.traefik.yml", "docker-compose.yml")
    here, _ = fits(tmp_path, {**SERVER, **dict.fromkeys(names, one)})
    assert here.config.compose == "docker-compose.yml"


def test_an_image_alone_gets_no_project_table(tmp_path: Path) -> None:
    here, _ = fits(tmp_path, SERVER, "v0.8.0 v0.9.0")
    assert "[project]" not in here.text("pyproject.toml")
    assert here.config.from_tags


def test_tags_of_two_numbers_are_continued(tmp_path: Path) -> None:
    _, said = fits(tmp_path, PACKAGE, "1.0 1.1 1.1.1 1.2")
    assert "tags have the form {short}" in said


def test_a_changelog_in_rst_stays_its_projects(tmp_path: Path) -> None:
    files = {**PACKAGE, "CHANGES.rst": "Changes\n=======\n\n1.2.0\n-----\n\n- One.\n"}
    del files["HISTORY.md"]
    here, said = fits(tmp_path, files)
    assert here.config.changelog == "none"
    assert "CHANGES.rst is reStructuredText" in said
    assert "the notes of a release come from the history" in said


def test_without_a_changelog_the_notes_come_from_the_history(tmp_path: Path) -> None:
    files = {path: text for path, text in PACKAGE.items() if path != "HISTORY.md"}
    here, said = fits(tmp_path, files)
    assert here.config.changelog == "none"
    assert "the notes of a release come from the history" in said


def test_a_changelog_is_made_where_it_is_asked_for(tmp_path: Path) -> None:
    files = {path: text for path, text in PACKAGE.items() if path != "HISTORY.md"}
    here = made(tmp_path, files)
    here.init("--answer", "changelog=CHANGELOG.md")
    assert here.text("CHANGELOG.md") == "# Changelog\n\n## Unreleased\n"
    assert here.config.changelog == "CHANGELOG.md"
    assert here.release("check").returncode == 0


def test_the_section_unreleased_is_added(tmp_path: Path) -> None:
    log = "# Changes\n\n## [1.2.0] - 2025-01-31\n\n- One.\n"
    here, said = fits(tmp_path, {**PACKAGE, "HISTORY.md": log})
    added = "# Changes\n\n## [Unreleased]\n\n## [1.2.0] - 2025-01-31\n\n- One.\n"
    assert here.text("HISTORY.md") == added
    assert "HISTORY.md (7 lines): adds the section Unreleased" in said


def test_the_new_section_has_the_changes_since_the_last_tag(tmp_path: Path) -> None:
    """Without an entry the first plan would be refused."""
    log = "# Changes\n\n## [1.2.0] - 2025-01-31\n\n- One.\n"
    here = made(tmp_path, {**PACKAGE, "HISTORY.md": log})
    here.commit({"more.txt": "x"}, "Fix the tabs (#12)")
    said = here.init()
    assert "Fix the tabs" in here.text("HISTORY.md").partition("## [1.2.0]")[0]
    assert here.text("HISTORY.md").endswith("## [1.2.0] - 2025-01-31\n\n- One.\n")
    assert "with the changes since the last tag: edit them" in said
    assert here.release("check").returncode == 0


def test_a_changelog_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    log = "\n* 4.1.3 (Feb 8, 2022)\n    * Fix a thing\n* 4.1.2 (Jan 27, 2022)\n    * A thing\n"
    here, said = fits(tmp_path, {**PACKAGE, "HISTORY.md": log})
    assert (here.config.changelog, here.text("HISTORY.md")) == ("none", log)
    assert "HISTORY.md cannot be continued" in said


def test_fragments_of_news_are_no_changelog_to_cut(tmp_path: Path) -> None:
    files = dict(PACKAGE)
    files["pyproject.toml"] += '\n[tool.towncrier]\nfilename = "HISTORY.md"\n'
    here, said = fits(tmp_path, files)
    assert (here.config.changelog, here.text("HISTORY.md")) == ("none", LOG)
    assert "towncrier" in said


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": BUILD.format("maturin", "maturin") + NAMED},
        {"pyproject.toml": BUILD.format("meson-python", "mesonpy") + NAMED},
        {"pyproject.toml": BUILD.format("Cython>=3", "setuptools.build_meta") + NAMED},
        {"setup.py": SETUP.format("version='1.2.0', ext_modules=[Extension('a', ['a.c'])]")},
        {"setup.py": "more = {'ext_modules': [Extension('a', ['a.c'])]}\nsetup(**more)\n"},
        {
            "pyproject.toml": SETUPTOOLS + NAMED + "[[tool.setuptools.ext-modules]]\nname='a'\n",
        },
    ],
)
def test_wheels_for_each_platform_do_not_fit(files: dict[str, str], tmp_path: Path) -> None:
    assert "wheels for each platform" in unfit(tmp_path, {**FILES, **files})


def test_packages_in_folders_are_named(tmp_path: Path) -> None:
    part = {"pyproject.toml": BUILD.format("hatchling", "hatchling.build") + NAMED}
    files = {f"{folder}/{path}": text for folder in ("a", "b/c") for path, text in part.items()}
    said = unfit(tmp_path, {**files, "pyproject.toml": "[tool.ruff]\n"})
    assert "packages are in a, b/c" in said


def test_a_helper_beside_the_dockerfile_is_left_out(tmp_path: Path) -> None:
    more = ("buildx.Dockerfile", "Dockerfile.dev", "extra/push/Dockerfile", "demos/a/Dockerfile")
    files = {**SERVER, **dict.fromkeys(more, "FROM scratch\n")}
    here, said = fits(tmp_path, files)
    assert [one.dockerfile for one in here.config.images] == ["Dockerfile"]
    assert here.config.images[0].repository == "mari/sample"
    for path in more:
        assert f"left out: {path}" in said


PUSHING = """\
on: push
env: {HOST: docker.io, IMAGE: example/served, WHOLE: "${{ env.HOST }}/${{ env.IMAGE }}"}
jobs:
  push:
    steps:
      - {id: meta, uses: docker/metadata-action@v5, with: {images: "${{ env.WHOLE }}"}}
      - uses: docker/build-push-action@v6
        with: {context: ., file: ./packaging/docker/alpine/Dockerfile, HOW}
"""


@pytest.mark.parametrize(
    "how",
    [
        "push: true",
        "push: true, tags: '${{ steps.meta.outputs.tags }}'",
        "outputs: 'type=image,push-by-digest=true,push=true', tags: '${{ env.IMAGE }}'",
    ],
)
def test_dockerfiles_that_a_workflow_builds_are_the_images(how: str, tmp_path: Path) -> None:
    built = "packaging/docker/alpine/Dockerfile"
    files = {**GO, built: "FROM scratch\n", "packaging/rpm/Dockerfile": "FROM scratch\n"}
    flow = PUSHING.replace("HOW", how)
    here, said = fits(tmp_path, {**files, f"{FLOWS}/docker.yml": flow})
    (image,) = here.config.images
    assert (image.dockerfile, image.context, image.repository) == (built, ".", "example/served")
    assert image.name == "alpine"
    assert "left out: packaging/rpm/Dockerfile" in said
    assert here.config.checks == ("go", "test", "./...")


def test_another_registry_is_taken_over(tmp_path: Path) -> None:
    flow = PUSHING.replace("docker.io", "ghcr.io").replace("HOW", "push: true")
    files = {**GO, "packaging/docker/alpine/Dockerfile": "FROM scratch\n"}
    here, _ = fits(tmp_path, {**files, f"{FLOWS}/docker.yml": flow})
    assert here.config.images[0].repository == "ghcr.io/example/served"
    assert "registry: ghcr.io" in here.text(f"{FLOWS}/release.yml")


def test_a_second_registry_is_named(tmp_path: Path) -> None:
    tags = "push: true, tags: 'example/served:1,ghcr.io/example/served:1'"
    files = {**GO, "packaging/docker/alpine/Dockerfile": "FROM scratch\n"}
    here, said = fits(tmp_path, {**files, f"{FLOWS}/docker.yml": PUSHING.replace("HOW", tags)})
    assert here.config.images[0].repository == "example/served"
    assert "is pushed to ghcr.io/example/served too today" in said


@pytest.mark.parametrize(
    "line",
    ["run: poetry publish", "uses: goreleaser/goreleaser-action@v5", "run: docker push a/b"],
)
def test_what_publishes_today_is_named(line: str, tmp_path: Path) -> None:
    flow = f"on: push\njobs:\n  a:\n    steps:\n      - {line}\n"
    _, said = fits(tmp_path, {**PACKAGE, f"{FLOWS}/out.yml": flow})
    assert "publishes today: .github/workflows/out.yml" in said


SEVERAL = """\
on: push
env: {VERSION: "1"}
jobs:
  push:
    steps:
      - uses: docker/build-push-action@v6
        with: {file: docker/alpine.Dockerfile, push: true, tags: "example/served:latest-alpine"}
      - uses: docker/build-push-action@v6
        with:
          file: docker/default.Dockerfile
          push: true
          target: slim
          platforms: linux/amd64,linux/arm64/v8,linux/arm/v7
          tags: |
            example/served:latest
            example/served:${{ env.VERSION }}
"""


def test_of_several_images_of_a_repository_the_main_one_is_chosen(tmp_path: Path) -> None:
    dockerfiles = dict.fromkeys(
        ("docker/alpine.Dockerfile", "docker/default.Dockerfile"), "FROM scratch AS slim\n"
    )
    often = SEVERAL.replace("latest-alpine", "test").replace("default", "alpine")
    flows = {f"{FLOWS}/build.yaml": SEVERAL, f"{FLOWS}/build-test.yaml": often}
    here, said = fits(tmp_path, {**GO, **dockerfiles, **flows})
    (image,) = here.config.images
    assert (image.name, image.dockerfile) == ("served", "docker/default.Dockerfile")
    assert (image.target, image.platforms) == ("slim", ("linux/amd64", "linux/arm64"))
    assert "docker/alpine.Dockerfile is another image of example/served" in said
    assert "docker/default.Dockerfile is built for linux/arm/v7 too: no runner builds that" in said


def test_a_pushed_dockerfile_among_scripts_is_an_image(tmp_path: Path) -> None:
    step = "with: {file: scripts/Dockerfile, outputs: 'type=image,name=wide/served,push=true'}"
    flow = (
        f"on: push\njobs: {{a: {{steps: [{{uses: docker/build-push-action@v6, {step[:-1]}}}}}]}}}}"
    )
    files = {**GO, "scripts/Dockerfile": "FROM scratch\n", f"{FLOWS}/release.yml": flow}
    here, _ = fits(tmp_path, files)
    (image,) = here.config.images
    assert (image.name, image.dockerfile) == ("served", "scripts/Dockerfile")
    assert image.repository == "wide/served"


def test_dockerfiles_of_helpers_are_named(tmp_path: Path) -> None:
    files = {**GO, "scripts/Dockerfile": "FROM scratch\n"}
    assert "no workflow pushes these Dockerfiles: scripts/Dockerfile" in unfit(tmp_path, files)


def test_a_version_that_is_computed_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    computed = 'version_info = (1, 2, 0)\n__version__ = ".".join(map(str, version_info))\n'
    table = (
        '[project]\nname = "thing"\ndynamic = ["version"]\n'
        '[tool.setuptools.dynamic]\nversion = {attr = "thing.__version__"}\n'
    )
    files = {**FILES, "thing/__init__.py": computed, "pyproject.toml": SETUPTOOLS + table}
    assert "states a version" in unfit(tmp_path, files)


def test_the_packages_of_poetry_are_the_modules(tmp_path: Path) -> None:
    packages = (
        '[tool.poetry]\npackages = [\n  {include = "thing/core", from = "src"},\n'
        '  {include = "tests", format = "sdist"},\n]\n'
    )
    text = BUILD.format("poetry-core", "poetry.core.masonry.api") + NAMED + packages
    files = {"src/thing/core/__init__.py": "", "CHANGELOG.md": LOG, "tox.ini": "[tox]\n"}
    here, _ = fits(tmp_path, {**files, "pyproject.toml": text})
    assert here.config.package is not None
    assert here.config.package.modules == ("thing",)


def test_a_package_that_nothing_uploads_is_told(tmp_path: Path) -> None:
    _, said = fits(tmp_path, {**PACKAGE, "Dockerfile": "FROM scratch\n"})
    assert "no workflow uploads the package to an index today" in said


def test_a_shallow_clone_is_refused(tmp_path: Path) -> None:
    here = made(tmp_path, PACKAGE)
    here.commit({"more.txt": "x"})
    folder = tmp_path / "shallow"
    git_repo.git(tmp_path, "clone", "--quiet", "--depth=1", here.folder.as_uri(), str(folder))
    done = here.release("init", "--yes", "--system", SYSTEM, cwd=folder)
    assert done.returncode == 2
    assert "git fetch --unshallow --tags" in done.stderr


def test_every_missing_answer_is_named_at_once(tmp_path: Path) -> None:
    files = {"pyproject.toml": PACKAGE["pyproject.toml"], "README.md": ""}
    said = unfit(tmp_path, files)
    assert "--answer modules=VALUE" in said
    assert "--answer checks=VALUE" in said
