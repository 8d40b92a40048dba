"""The files of the package: the same bytes wherever they are built, and nothing else in them."""

import hashlib
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.core import lockfile
from scripts.core.errors import CheckError, UsageError
from scripts.core.lockfile import Lock
from scripts.release.context import Context
from scripts.stages import dists, plan, prepare
from tests.conftest import Bench
from tests.support.project import PYPROJECT, git

WHEEL, SDIST = "sample_thing-0.2.4-py3-none-any.whl", "sample_thing-0.2.4.tar.gz"
INFO = "sample_thing-0.2.4.dist-info"


def prepared(bench: Bench, clone: Path | None = None) -> Context:
    """Run the jobs that come before it, in this clone or another."""
    context = bench.context(clone)
    return bench.run_jobs(context, plan=plan.run, prepare=prepare.run)


def handed_on(context: Context, bench: Bench, clone: Path) -> Context:
    """Give a later job of the same run, in another clone."""
    later = bench.context(clone)
    shutil.copytree(context.inputs, later.inputs)
    return later


def built(context: Context) -> dict[str, bytes]:
    dists.run(context)
    return {path.name: path.read_bytes() for path in (context.outputs / "dist").iterdir()}


def test_two_builds_in_two_places_are_the_same_bytes(bench: Bench) -> None:
    """Both are of one plan: another day's plan gives the files another time."""
    folder = bench.folder / "elsewhere" / "with a long name"
    folder.parent.mkdir()
    git("clone", "-q", f"file://{bench.project.bare}", str(folder), cwd=bench.folder)
    one = prepared(bench)
    other = handed_on(one, bench, folder)
    first, second = built(one), built(other)
    assert set(first) == {WHEEL, SDIST}
    assert {n: hashlib.sha256(c).hexdigest() for n, c in first.items()} == {
        n: hashlib.sha256(c).hexdigest() for n, c in second.items()
    }
    with zipfile.ZipFile(io.BytesIO(first[WHEEL])) as archive:
        assert b"Version: 0.2.4" in archive.read(f"{INFO}/METADATA")
    assert bench.project.git("status", "--porcelain", "--untracked-files=no") == ""


def test_an_earlier_trys_files_are_taken_as_they_are(bench: Bench) -> None:
    context = prepared(bench)
    folder = context.inputs / "earlier"
    folder.mkdir()
    for name in (WHEEL, SDIST):
        (folder / name).write_bytes(name.encode())
    described = tuple(lockfile.locked_dist(name, name.encode()) for name in context.plan.dists)
    lock = Lock(context.plan, context.commit, described, ())
    (folder / lockfile.NAME).write_text(lockfile.write(lock))
    assert built(context) == {name: name.encode() for name in (WHEEL, SDIST)}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"other-version": ""}, "says sample-thing 9.9.9, the plan sample_thing 0.2.4"),
        ({"left-out": "sample_thing/data.txt"}, "lacks sample_thing/data.txt"),
        ({"backend.py": "raise SystemExit('no way')\n"}, "no way"),
    ],
)
def test_a_build_that_comes_out_wrong_is_found(
    bench: Bench, files: dict[str, str], said: str
) -> None:
    files = dict(files)
    if "backend.py" not in files:
        # The wheel is built from the sdist, so what misleads the backend must be in it.
        backend = (bench.project.clone / "backend.py").read_text()
        extra = "".join(f"\n    contents[{name!r}] = {t.encode()!r}" for name, t in files.items())
        mark = '    contents["backend.py"] = Path("backend.py").read_bytes()'
        files["backend.py"] = backend.replace(mark, mark + extra)
    bench.project.commit(files)
    context = prepared(bench)
    with pytest.raises(CheckError) as raised:
        dists.run(context)
    assert said in raised.value.cause
    assert raised.value.remedy


@pytest.fixture
def folder(bench: Bench) -> Path:
    made = bench.folder / "made"
    made.mkdir()
    return made


def wheel_with(folder: Path, *names: str) -> Path:
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        for name in (*names, f"{INFO}/METADATA", f"{INFO}/RECORD"):
            archive.writestr(name, "Name: sample_thing\nVersion: 0.2.4\n")
    return path


EXPECTED = {"sample_thing/__init__.py", "sample_thing/data.txt"}


def test_the_expected_files_are_those_that_git_tracks(bench: Bench) -> None:
    context = prepared(bench)
    (bench.project.clone / "sample_thing" / "untracked.py").write_text("")
    assert dists.expected_files(context, bench.project.clone) == EXPECTED


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((*EXPECTED, "sample_thing/secret.pem"), "unexpected content: sample_thing/secret.pem;"),
        ((*EXPECTED, "tests/test_thing.py"), "unexpected content: tests/test_thing.py;"),
        ((*EXPECTED, "sample_thing-0.2.4.data/scripts/x"), "sample_thing-0.2.4.data/scripts/x"),
        (("sample_thing/__init__.py",), "lacks sample_thing/data.txt"),
    ],
)
def test_a_wheel_with_other_files_is_refused(
    bench: Bench, folder: Path, names: tuple[str, ...], said: str
) -> None:
    plan = prepared(bench).plan
    with pytest.raises(CheckError) as raised:
        dists.check_wheel(plan, wheel_with(folder, *names), EXPECTED)
    assert said in raised.value.cause
    dists.check_wheel(plan, wheel_with(folder, *EXPECTED), EXPECTED)


def test_other_files_beside_the_planned_ones_are_refused(bench: Bench, folder: Path) -> None:
    plan = prepared(bench).plan
    (folder / WHEEL).touch()
    with pytest.raises(CheckError, match=f"lacks {SDIST}"):
        dists.check_names(plan, folder)
    (folder / SDIST).touch()
    dists.check_names(plan, folder)
    (folder / "sample_thing-0.2.4-cp311-cp311-linux_x86_64.whl").touch()
    with pytest.raises(CheckError, match="unexpected content"):
        dists.check_names(plan, folder)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Name: Sample.Thing\nVersion: 0.2.4\n", True),
        ("Name: sample_thing\nVersion: 0.2.3\n", False),
        ("Name: other\nVersion: 0.2.4\n", False),
        ("", False),
    ],
)
def test_both_files_must_say_name_and_version(
    bench: Bench, folder: Path, text: str, right: bool
) -> None:
    plan = prepared(bench).plan
    wheel_with(folder)
    content = f"Metadata-Version: 2.1\n{text}".encode()
    with tarfile.open(folder / SDIST, "w:gz") as tar:
        member = tarfile.TarInfo("sample_thing-0.2.4/PKG-INFO")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    if right:
        dists.check_metadata(plan, folder)
        return
    with pytest.raises(CheckError, match=r"says |metadata"):
        dists.check_metadata(plan, folder)


def test_a_description_that_the_index_cannot_show_is_refused(bench: Bench) -> None:
    """By twine check; it only warns of a package without a description."""
    backend = (bench.project.clone / "backend.py").read_text()
    broken = backend.replace("text/markdown", "text/x-rst").replace(
        '"A thing.",\n    ]', '"Title\\n=\\n\\n.. nothing::\\n",\n    ]'
    )
    assert broken.count("nothing::") == 1
    bench.project.commit({"backend.py": broken})
    with pytest.raises(CheckError, match="twine"):
        dists.run(prepared(bench))
    assert shutil.which("git")


def constrained(bench: Bench, pin: str) -> Context:
    """Make a project whose build needs a package, and a lock that pins it."""
    text = PYPROJECT.replace("requires = []", 'requires = ["packaging>=20"]')
    table = "[tool.release.package]\n"
    text = text.replace(table, f'{table}build-constraints = "requirements/build.txt"\n')
    assert "build-constraints" in text
    bench.project.commit({"pyproject.toml": text, "requirements/build.txt": f"{pin}\n"})
    return prepared(bench)


@pytest.mark.parametrize("name", ["clone", "a folder of the user"])
def test_what_builds_the_package_is_what_the_lock_says(bench: Bench, name: str) -> None:
    """Or the newest that satisfies the project is taken at every build."""
    first, folder = constrained(bench, "packaging==19.0"), bench.folder / "of" / name
    folder.parent.mkdir()
    git("clone", "-q", f"file://{bench.project.bare}", str(folder), cwd=bench.folder)
    with pytest.raises(CheckError, match=r"packaging==19\.0"):
        built(handed_on(first, bench, folder))


def test_a_lock_of_the_build_that_is_not_there_is_named(bench: Bench) -> None:
    text = PYPROJECT.replace(
        "[tool.release.package]\n",
        '[tool.release.package]\nbuild-constraints = "requirements/other.txt"\n',
    )
    bench.project.commit({"pyproject.toml": text})
    with pytest.raises(UsageError, match=r"requirements/other\.txt"):
        built(prepared(bench))
