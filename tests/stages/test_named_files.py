"""What the table names is found missing, or outside of the clone, before anything is built."""

import pytest
from packaging.version import Version

from scripts.core.errors import ReleaseError
from scripts.release import starting_point
from scripts.stages import changelog
from scripts.stages.plan import run
from tests.conftest import Bench
from tests.support.project import CHANGELOG, PYPROJECT
from tests.support.releases import CONFIGURED

IMAGED = CONFIGURED.replace('compose = "compose.yaml"\n', "")


def refused(bench: Bench) -> str:
    before = bench.world()
    context = bench.context()
    with pytest.raises(ReleaseError) as raised:
        run(context)
    assert bench.world() == before
    assert not context.outputs.exists()
    assert raised.value.remedy
    return str(raised.value)


def checked(bench: Bench) -> str:
    """Ask what the plan asks, without the registry that it would ask before."""
    context = bench.context()
    start = starting_point.find(context)
    try:
        starting_point.check(context, start, Version("0.2.4"))
    except ReleaseError as error:
        return str(error)
    return ""


def with_key(line: str) -> str:
    return PYPROJECT.replace("[tool.release]", f"[tool.release]\n{line}")


MISSING = {
    "notes.md.j2": with_key('notes-template = "notes.md.j2"'),
    "compose.yaml": with_key('compose = "compose.yaml"'),
    "try.py": with_key('acceptance = "try.py"'),
    "Dockerfile.api": IMAGED,
    "other_thing": PYPROJECT.replace('["sample_thing"]', '["sample_thing", "other_thing"]'),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_named_and_not_there_is_found_by_the_plan(bench: Bench, name: str) -> None:
    bench.project.commit({"pyproject.toml": MISSING[name]})
    assert f"{name} is not in commit" in checked(bench)


def test_every_absent_file_is_named_at_once(bench: Bench) -> None:
    lines = 'compose = "compose.yaml"\nacceptance = "try.py"'
    bench.project.commit({"pyproject.toml": with_key(lines)})
    said = refused(bench)
    assert "compose.yaml is not in" in said
    assert "try.py is not in" in said


def link(bench: Bench, name: str, to: str) -> None:
    (bench.project.clone / name).unlink(missing_ok=True)
    (bench.project.clone / name).symlink_to(to)
    bench.project.git("add", "--all")
    bench.project.git("commit", "-qm", "Link")
    bench.project.git("push", "-q", "origin", "HEAD:main")


@pytest.mark.parametrize("to", ["/etc/passwd", "../outside", "sub/../../outside"])
def test_a_link_out_of_the_repository_is_found_by_the_plan(bench: Bench, to: str) -> None:
    bench.project.commit({"pyproject.toml": IMAGED})
    link(bench, "Dockerfile.api", to)
    assert "Dockerfile.api leads out of the repository" in checked(bench)


def test_a_link_within_the_repository_is_followed(bench: Bench) -> None:
    bench.project.commit({"pyproject.toml": IMAGED, "docker/api": "FROM x\n"})
    link(bench, "Dockerfile.api", "docker/api")
    assert checked(bench) == ""


def test_a_changelog_that_is_a_link_is_refused(bench: Bench) -> None:
    bench.project.commit({"docs/log.md": CHANGELOG})
    link(bench, "CHANGELOG.md", "docs/log.md")
    assert "CHANGELOG.md is a link" in refused(bench)


WORD = {"CHANGELOG.md": "A thing", "pyproject.toml": "A comment"}


@pytest.mark.parametrize("name", WORD)
def test_what_is_not_utf_8_is_refused_with_its_place(bench: Bench, name: str) -> None:
    text = {"CHANGELOG.md": CHANGELOG, "pyproject.toml": PYPROJECT + "# A comment.\n"}[name]
    bench.project.commit({name: text.replace(WORD[name], f"Ä{WORD[name]}", 1).encode("latin-1")})
    said = refused(bench)
    assert f"{name}:" in said
    assert "byte 0xc4 is not UTF-8" in said


@pytest.mark.parametrize("name", ["", "../../x", "\\u001b[31mx", "--help", "x\\ny", "-x", "x-"])
def test_a_projects_name_that_is_none_is_refused(bench: Bench, name: str) -> None:
    bench.project.commit({"pyproject.toml": PYPROJECT.replace('"sample_thing"  #', f'"{name}"  #')})
    said = refused(bench)
    assert "project.name is" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("write", ["write", "print"])
@pytest.mark.parametrize("outside", ["../outside.md", "link", "folder/outside.md"])
def test_a_changelog_outside_of_the_clone_is_not_touched(
    bench: Bench, outside: str, write: str
) -> None:
    target = bench.project.clone.parent / "outside.md"
    target.write_text(CHANGELOG)
    (bench.project.clone / "link").symlink_to(target)
    (bench.project.clone / "folder").symlink_to("..")
    path = bench.project.clone / "pyproject.toml"
    path.write_text(with_key(f'changelog = "{outside}"'))
    bench.project.commit({"more.txt": "x"})
    with pytest.raises(ReleaseError) as raised:
        changelog.draft(bench.context(), None, write)
    assert "outside of" in str(raised.value) or "changelog is" in str(raised.value)
    assert target.read_text() == CHANGELOG


@pytest.mark.parametrize("name", ["CHANGELOG.md", "pyproject.toml"])
def test_a_folder_in_a_files_place_is_said(bench: Bench, name: str) -> None:
    (bench.project.clone / name).unlink()
    (bench.project.clone / name).mkdir()
    with pytest.raises(ReleaseError, match=f"{name} cannot be read: Is a directory"):
        changelog.check(bench.context(), None)


def test_a_configuration_nested_without_end_is_said(bench: Bench) -> None:
    bench.project.commit({"pyproject.toml": PYPROJECT + "\nx = " + "[" * 5000 + "]" * 5000})
    assert "nested too deep" in refused(bench)


def test_without_a_remote_and_its_name_the_plan_says_so(bench: Bench) -> None:
    bench.project.git("remote", "remove", "origin")
    with pytest.raises(
        ReleaseError, match="cannot determine the repository: neither GITHUB_REPOSITORY"
    ) as raised:
        run(bench.context(GITHUB_REPOSITORY=""))
    assert raised.value.exit_code == 2
