"""A repository's own tags are its history, however they are spelt."""

import pytest

from scripts.core import planning
from scripts.core.errors import ConflictError, UsageError
from scripts.core.planning import Plan
from scripts.release.context import Context
from scripts.stages.plan import run
from tests.conftest import Bench
from tests.support.project import CHANGELOG, FILES, PYPROJECT


def retagged(bench: Bench, *names: str, at: str = "v0.2.3^{commit}") -> None:
    """Take the tag v0.2.3 away, and give its commit other tags."""
    for name in names:
        bench.project.git("tag", name, at)
    bench.project.git("tag", "-d", "v0.2.3")
    bench.project.git("push", "-q", "origin", ":refs/tags/v0.2.3", *names)


def planned(context: Context) -> Plan:
    run(context)
    return planning.read((context.outputs / "plan.json").read_text("utf-8"))


def test_tags_without_v_are_the_history(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    retagged(bench, *(f"0.{minor}.{patch}" for minor in (1, 2) for patch in range(4)))
    plan = planned(bench.context())
    assert (plan.tag, plan.previous_tag, plan.latest) == ("0.2.4", "0.2.3", True)
    assert plan.release_branch == "release/0.2.4"
    assert plan.title == "0.2.4"
    assert "this is the first release" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "tag", ["sample_thing-0.2.3", "sample_thing/v0.2.3", "sample_thing@0.2.3", "v.0.2.3"]
)
def test_tags_with_the_projects_name_are_its_history(bench: Bench, tag: str) -> None:
    retagged(bench, tag, "other-9.0.0")
    plan = planned(bench.context())
    assert (plan.tag, plan.previous_tag) == (tag.replace("0.2.3", "0.2.4"), tag)


def test_tags_of_two_numbers_are_the_history(bench: Bench) -> None:
    retagged(bench, "0.1", "0.2", "0.2.3")
    plan = planned(bench.context(RELEASE_VERSION="minor"))
    assert (plan.tag, plan.version, plan.previous_tag) == ("0.3", "0.3.0", "0.2.3")


def test_a_hotfix_of_an_old_line_does_not_take_latest(bench: Bench) -> None:
    retagged(bench, "0.2.3", "1.0.0")
    plan = planned(bench.context(RELEASE_VERSION="0.2.4"))
    assert (plan.tag, plan.previous_tag, plan.latest) == ("0.2.4", "0.2.3", False)


def test_a_tag_is_taken_however_it_is_spelt(bench: Bench) -> None:
    retagged(bench, "0.2.3", "0.2.4")
    with pytest.raises(ConflictError, match=r"0\.2\.4 is taken"):
        run(bench.context(RELEASE_VERSION="0.2.4"))


def test_a_tag_from_before_the_table_is_named(bench: Bench) -> None:
    before = bench.project.commit({"pyproject.toml": PYPROJECT.partition("[tool.release]")[0]})
    bench.project.git("tag", "v0.2.4", before)
    bench.project.git("push", "-q", "origin", "v0.2.4")
    bench.project.commit({"pyproject.toml": PYPROJECT})
    with pytest.raises(ConflictError, match=r"0\.2\.4 is taken \(git tag v0\.2\.4\)") as raised:
        planned(bench.context(RELEASE_VERSION="0.2.4"))
    assert "was made without this system" in str(raised.value)
    assert "the highest is 0.2.4" in raised.value.remedy


def test_the_table_may_name_the_style(bench: Bench) -> None:
    table = PYPROJECT.replace("[tool.release]\n", '[tool.release]\ntag = "rel-{version}"\n')
    retagged(bench, "rel-0.2.3", "9.0.0")
    bench.project.commit({"pyproject.toml": table})
    plan = planned(bench.context())
    assert (plan.tag, plan.previous_tag, plan.latest) == ("rel-0.2.4", "rel-0.2.3", True)


def test_a_mixed_repository_is_warned(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    retagged(bench, "0.2.3", "v0.2.2")
    assert planned(bench.context()).tag == "0.2.4"
    said = capsys.readouterr().out
    assert "tags of more than one style are recent" in said
    assert 'tag = "{version}"' in said


def test_a_pushed_tag_of_another_style(bench: Bench) -> None:
    table = PYPROJECT.replace("[tool.release]\n", '[tool.release]\ntag = "{version}"\n')
    bench.project.commit({"pyproject.toml": table})
    bench.project.git("tag", "v0.2.4")
    bench.project.git("push", "-q", "origin", "v0.2.4")
    with pytest.raises(UsageError) as raised:
        run(bench.pushed("v0.2.4"))
    assert "v0.2.4" in raised.value.cause
    assert "{version}" in raised.value.cause


def test_a_pushed_tag_without_v(bench: Bench) -> None:
    retagged(bench, "0.2.3")
    texts = {path: FILES[path].replace("0.2.3", "0.2.4") for path in FILES if path[0] in "pC"}
    texts["CHANGELOG.md"] = CHANGELOG.replace(
        "## [Unreleased]", "## [Unreleased]\n\n## [0.2.4] - 2026-01-02"
    )
    bench.project.commit(texts)
    bench.project.git("tag", "0.2.4")
    bench.project.git("push", "-q", "origin", "0.2.4")
    plan = planned(bench.pushed("0.2.4"))
    assert (plan.tag, plan.previous_tag, plan.branch) == ("0.2.4", "0.2.3", None)


def test_a_branch_that_is_named_as_a_tag(bench: Bench) -> None:
    """git calls it heads/0.2 then."""
    retagged(bench, "0.2.3", "0.2")
    bench.project.git("switch", "-qc", "0.2")
    bench.project.git("push", "-q", "origin", "refs/heads/0.2")
    bench.project.git("remote", "set-url", "origin", "git@github.com:mari/sample_thing.git")
    context = bench.context(GITHUB_REF_NAME="", GITHUB_REF_TYPE="")
    assert planned(context).branch == "0.2"
