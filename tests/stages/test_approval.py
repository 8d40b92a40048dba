"""What a person reads before the gate, and what happens to a release while it waits there."""

import shutil
from pathlib import Path

import pytest

from scripts.core.errors import ConflictError
from scripts.core.sbom import changes
from scripts.release.dependencies import pins
from scripts.stages import verify
from tests.support.releases import Releases

pytestmark = pytest.mark.service
LOCKED = "numpy==2.1.0 \\\n    --hash=sha256:00\nuvloop==1.0; sys_platform != 'win32'\n# a==1\n"


def test_what_becomes_public_is_written_before_anybody_is_asked(
    released: Releases, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    released.begin()
    files = {"requirements/api.txt": LOCKED.replace("2.1.0", "2.2.0"), "notes.txt": "a==1\n"}
    released.project.commit(files)
    released.release("0.3.1", until="stage")
    context = released.step("stage", GITHUB_STEP_SUMMARY=str(summary))
    text, made = summary.read_text(), context.lock
    draft = context.forge.release("v0.3.1")
    assert draft
    assert f"[draft]({draft.html_url})" in text
    for said in (made.commit, made.image("api").digest, *(one.sha256 for one in made.dists)):
        assert said in text
    assert "| `requirements/api.txt` | numpy | - | 2.2.0 |" in text
    assert "notes.txt" not in text
    assert "- More." in text, "the notes"
    assert released.project.refs().keys().isdisjoint({"refs/tags/v0.3.1"})


def test_what_was_verified_is_written_before_anybody_is_asked(
    released: Releases, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    released.begin()
    log = (released.project.clone / "CHANGELOG.md").read_text()
    log = log.replace("## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- More.\n", 1)
    released.project.commit({"CHANGELOG.md": log})
    typed = {"RELEASE_VERSION": "0.3.1", "RELEASE_DRY_RUN": "true"}  # so that it needs no engine
    for verb in ("plan", "prepare", "dists"):
        released.step(verb, **typed)
    context = released.context(GITHUB_STEP_SUMMARY=str(summary), **typed)
    (outcome,) = verify.run(context, moment="staged", platform="linux/amd64").outcomes
    text = summary.read_text()
    assert "Verified on linux/amd64, staged" in text
    assert f"- ✅ {outcome.title}: ok" in text


def test_pins_are_read_from_both_kinds_of_locks() -> None:
    assert pins("requirements/a.txt", LOCKED) == {"numpy": "2.1.0", "uvloop": "1.0"}
    text = '[[package]]\nname = "numpy"\nversion = "2.1.0"\n[[package]]\nname = "local"\n'
    assert pins("uv.lock", text) == {"numpy": "2.1.0"}


def test_changes_are_what_came_went_and_moved() -> None:
    before, after = {"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}
    assert list(changes(before, after)) == [("b", "1", "2"), ("c", "1", "-"), ("d", "-", "1")]


def test_a_release_that_was_withdrawn_while_it_waited_gets_no_name(released: Releases) -> None:
    """A rollback waits for no gate: so what follows the gate looks whether there was one."""
    released.release("0.3.1", until="stage")
    waiting = released.context()
    waiting.inputs.parent.rename(released.folder / "kept")
    released.begin()
    released.step("rollback", RELEASE_VERSION="0.3.1")
    shutil.rmtree(waiting.inputs.parent, ignore_errors=True)
    (released.folder / "kept").rename(waiting.inputs.parent)
    with pytest.raises(ConflictError, match=r"draft of v0\.3\.1 is gone") as raised:
        released.step("publish-tags", RELEASE_VERSION="0.3.1")
    assert "again" in raised.value.remedy
    assert "refs/tags/v0.3.1" not in released.project.refs()
    assert released.tag("v0.3.1") is None
