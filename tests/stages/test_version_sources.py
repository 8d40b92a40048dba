"""Where a project states its version: every usual place is read, and set where a file says it."""

import io
import zipfile

import pytest

from scripts.core.errors import ReleaseError
from scripts.core.planning import Plan
from scripts.release import starting_point
from scripts.release.context import Context
from scripts.stages import ci_dists, dists, plan, prepare
from tests.conftest import Bench
from tests.support.project import PYPROJECT

RELEASE = '[tool.release.package]\nmodules = ["sample_thing"]\n'
BUILD = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

"""
NAMED = '[project]\nname = "sample_thing"\ndynamic = ["version"]\n\n'
POETRY = '[tool.poetry]\nname = "sample_thing"\nversion = "0.2.3"\n\n'
HATCH = '[tool.hatch.version]\npath = "sample_thing/__init__.py"\n\n'
ATTRIBUTE = '[tool.setuptools.dynamic]\nversion = {attr = "sample_thing.about.VERSION"}\n\n'
TEXT_FILE = '[tool.setuptools.dynamic]\nversion = {file = ["VERSION"]}\n\n'
SCM = "[tool.setuptools_scm]\n\n"
ASSIGNED = '"""A thing."""\n\n__version__: str = \'0.2.3\'  # kept\n'


def jobs(context: Context, bench: Bench) -> Plan:
    """Run the jobs that make the release commit."""
    return bench.run_jobs(context, plan=plan.run, prepare=prepare.run).plan


def committed(bench: Bench, table: str, **files: str) -> None:
    gone = {"uv.lock": None, "CITATION.cff": None}
    bench.project.commit({"pyproject.toml": table, **gone, **files})


def set_in(bench: Bench, context: Context, path: str) -> str:
    return bench.project.show(context.commit, path).decode()


@pytest.mark.parametrize(
    ("table", "path", "before", "after"),
    [
        (POETRY, "pyproject.toml", None, 'version = "0.2.4"'),
        (NAMED + HATCH, "sample_thing/__init__.py", ASSIGNED, "__version__: str = '0.2.4'  # kept"),
        (NAMED + ATTRIBUTE, "sample_thing/about.py", 'VERSION = "0.2.3"\n', 'VERSION = "0.2.4"'),
        (NAMED + TEXT_FILE, "VERSION", "0.2.3\n", "0.2.4\n"),
        (
            '[build-system]\nbuild-backend = "flit_core.buildapi"\n' + NAMED,
            "sample_thing/__init__.py",
            ASSIGNED,
            "'0.2.4'",
        ),
    ],
)
def test_a_version_is_read_and_set_where_it_stands(
    bench: Bench, table: str, path: str, before: str | None, after: str
) -> None:
    committed(bench, table + RELEASE, **({path: before} if before else {}))
    context = bench.context(RELEASE_VERSION="patch")
    assert jobs(context, bench).version == "0.2.4"
    text = set_in(bench, context, path)
    assert after in text
    assert "0.2.3" not in text


def test_a_development_version_becomes_the_release(bench: Bench) -> None:
    table = PYPROJECT.replace('version = "0.2.3"', 'version = "0.3.0.dev"')
    bench.project.commit({"pyproject.toml": table, "CITATION.cff": "version: 0.3.0.dev\n"})
    context = bench.context(RELEASE_VERSION="patch")
    assert jobs(context, bench).version == "0.3.0"
    assert 'version = "0.3.0"' in set_in(bench, context, "pyproject.toml")
    assert set_in(bench, context, "CITATION.cff") == "version: 0.3.0\n"


def test_a_development_version_is_built_in_a_pull_request(bench: Bench) -> None:
    table = PYPROJECT.replace('version = "0.2.3"', 'version = "0.3.0.dev0"')
    bench.project.commit({"pyproject.toml": table})
    ci_dists.run(bench.context())
    built = bench.project.clone / "release" / "out" / "dist"
    assert "sample_thing-0.3.0.dev0.tar.gz" in {path.name for path in built.iterdir()}


def test_a_version_from_the_tags(bench: Bench) -> None:
    committed(bench, BUILD + NAMED + SCM + RELEASE)
    table = bench.project.show("main", "pyproject.toml")
    context = bench.context(RELEASE_VERSION="minor")
    assert jobs(context, bench).version == "0.3.0"
    assert bench.project.show(context.commit, "pyproject.toml") == table
    dists.run(context)
    wheel = context.outputs / "dist" / "sample_thing-0.3.0-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
        assert b"Version: 0.3.0" in archive.read("sample_thing-0.3.0.dist-info/METADATA")


def test_a_version_from_the_tags_is_that_of_the_branch(bench: Bench) -> None:
    """A tag of another line is no version of this branch."""
    committed(bench, NAMED + SCM + RELEASE)
    bench.project.commit({"new.txt": "x"}, branch="next")
    bench.project.git("tag", "v1.0.0")
    bench.project.git("push", "-q", "origin", "v1.0.0")
    context = bench.context(RELEASE_VERSION="patch")
    assert jobs(context, bench).version == "0.2.4"
    assert not context.plan.latest


def test_images_alone_need_no_project_table(bench: Bench) -> None:
    table = """\
[[tool.release.images]]
name = "api"
dockerfile = "Dockerfile"
repository = "mari/api"
platforms = ["linux/amd64"]
"""
    bench.project.commit({"pyproject.toml": table, "CITATION.cff": None})
    start = starting_point.find(bench.context(RELEASE_VERSION="patch"))
    wanted = starting_point.wanted(bench.context(RELEASE_VERSION="patch"), start)
    assert (start.config.project, str(wanted)) == ("sample_thing", "0.2.4")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (NAMED, "project.version is dynamic"),
        ('[project]\nname = "sample_thing"\n', "project.version is missing"),
        (NAMED + HATCH, "sample_thing/__init__.py"),
        (POETRY.replace("0.2.3", "1!2.0"), "has an epoch"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(bench: Bench, table: str, said: str) -> None:
    committed(bench, table + RELEASE)
    with pytest.raises(ReleaseError) as raised:
        plan.run(bench.context(RELEASE_VERSION="patch"))
    assert said in raised.value.cause
    assert raised.value.exit_code == 2
    assert "version" in raised.value.remedy or "release" in raised.value.remedy


def test_a_dynamic_version_says_every_way_out(bench: Bench) -> None:
    committed(bench, NAMED + RELEASE)
    with pytest.raises(ReleaseError) as raised:
        plan.run(bench.context(RELEASE_VERSION="patch"))
    assert all(one in raised.value.remedy for one in ("[project]", "hatch", "setuptools-scm"))
