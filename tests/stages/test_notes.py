"""The notes of any version: released, drafted, older than this system, to come, and none at all."""

import re
from collections.abc import Callable

import pytest

from scripts.core.errors import UsageError
from scripts.release import notes_template
from scripts.stages.notes import run
from tests.conftest import Bench
from tests.support.project import CHANGELOG, PYPROJECT
from tests.support.releases import Releases

TEMPLATE = "notes.md.j2"
TEMPLATED = PYPROJECT.replace("[tool.release]", f'[tool.release]\nnotes-template = "{TEMPLATE}"')
Say = Callable[[Bench, str], str]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the stage for a version; give what it prints. It may change nothing."""

    def printed(bench: Bench, version: str) -> str:
        before = (bench.project.refs(), bench.github.writes(), dict(bench.index.files))
        capsys.readouterr()
        try:
            run(bench.context(RELEASE_VERSION=version))
        finally:
            assert (bench.project.refs(), bench.github.writes(), bench.index.files) == before
        return capsys.readouterr().out

    return printed


def published(bench: Releases, version: str) -> str:
    """Give the notes that a release shows, as if it had been made where this project stands."""
    release = bench.context().forge.release(f"v{version}")
    assert release
    text = re.sub(r"file://[^\s)]+?/mari/", f"file://{bench.folder}/mari/", str(release.body))
    text = re.sub(r"--index \S+", f"--index {bench.index_served.url}/simple/", text)
    return re.sub(r"<!--.*?-->\s*$", "", text).strip()


@pytest.mark.service
def test_a_release_says_what_it_said_when_it_was_made(released: Releases, say: Say) -> None:
    for version in ("0.2.4", "0.2.5", "0.3.0"):
        text = say(released, version)
        assert text.strip() == published(released, version)
        assert f"sample_thing-{version}-py3-none-any.whl" in text
        assert released.digest(version) in text
    assert say(released, "") == say(released, "v0.3.0")


@pytest.mark.service
def test_a_draft_says_what_it_will_say(released: Releases, say: Say) -> None:
    released.release("0.4.0", until="stage", entry="- For the gate.")
    released.begin()
    text = say(released, "0.4.0")
    assert text.strip() == published(released, "0.4.0")
    assert "For the gate." in text


def test_a_release_from_before_this_system_has_its_changes(bench: Bench, say: Say) -> None:
    bench.project.commit({"CHANGELOG.md": CHANGELOG.replace("Another", "An edited")})
    text = say(bench, "0.2.3")
    assert text.startswith("## 🔧 Bug Fixes\n\n- Another thing.")
    assert "A thing." not in text
    assert "/commits/v0.2.3" in text
    assert "sha256" not in text.lower()


def test_a_tag_that_is_spelt_in_another_way(bench: Bench, say: Say) -> None:
    bench.project.git("tag", "-am", "x", "v0.2.4-rc1")
    bench.project.commit({"CHANGELOG.md": CHANGELOG.replace("[0.2.3]", "[0.2.4rc1]")})
    bench.project.git("tag", "-fam", "x", "v0.2.4-rc1")
    bench.project.git("push", "-q", "origin", "v0.2.4-rc1")
    text = say(bench, "0.2.4rc1")
    assert "- Another thing." in text
    assert "compare/v0.2.3...v0.2.4-rc1" in text
    assert "compare/v0.2.4-rc1...v0.3.0rc1" in say(bench, "0.3.0rc1")


def test_a_version_to_come_has_what_stands_under_unreleased(bench: Bench, say: Say) -> None:
    text = say(bench, "0.2.4")
    assert text.startswith("## 🚀 New Features\n\n- A thing.")
    assert "Another thing." not in text
    assert "compare/v0.2.3...v0.2.4" in text
    assert "candidate" in say(bench, "0.3.0rc1")
    assert (bench.project.clone / "CHANGELOG.md").read_text() == CHANGELOG


@pytest.mark.parametrize(
    ("version", "cause", "remedy"),
    [
        ("0.1.7", r"0\.1\.7 was never released.*tag v0\.1\.7 does not exist", "has a tag"),
        ("1.2.3.4", "more than three numbers|1.2.3.4", "three"),
        ("next", "'?next'? is not a version", "three numbers"),
        ("", "no release yet", "give a version"),
    ],
)
def test_a_version_that_nobody_knows(
    bench: Bench, say: Say, version: str, cause: str, remedy: str
) -> None:
    with pytest.raises(UsageError, match=cause) as raised:
        say(bench, version)
    assert remedy in raised.value.remedy


def test_a_version_to_come_with_nothing_under_unreleased(bench: Bench, say: Say) -> None:
    bench.project.commit({"CHANGELOG.md": CHANGELOG.replace("### Added\n\n- A thing.\n\n", "")})
    with pytest.raises(UsageError, match="Unreleased") as raised:
        say(bench, "0.2.4")
    assert raised.value.place
    assert raised.value.place.path == "CHANGELOG.md"


def templated(bench: Bench, template: str) -> None:
    """Give the project a template of its own."""
    bench.project.commit({"pyproject.toml": TEMPLATED, TEMPLATE: template})


def test_a_project_has_its_own_layout(bench: Bench, say: Say) -> None:
    people = "{{ contributors | join(', ') }}"
    templated(bench, f"# {{{{ project }}}} {{{{ version }}}}\n\n{{{{ body }}}}\n\n{people}")
    assert say(bench, "0.2.4") == "# sample_thing 0.2.4\n\n### Added\n\n- A thing.\n\nMari\n\n"


@pytest.mark.service
def test_a_release_keeps_its_own_layout(released: Releases, say: Say) -> None:
    released.begin()
    text = (released.project.clone / "pyproject.toml").read_text()
    line = f'[tool.release]\nnotes-template = "{TEMPLATE}"'
    template = "{{ tag }} of {{ images[0].digest }}\n{{ parts.changes }}"
    released.project.commit(
        {"pyproject.toml": text.replace("[tool.release]", line), TEMPLATE: template}
    )
    released.release("0.4.0")
    shown = published(released, "0.4.0")
    assert shown.startswith(f"v0.4.0 of {released.digest('0.4.0')}\n## 🚀")
    # What is done to the template later changes no release that is out.
    released.begin()
    released.project.commit({TEMPLATE: "{{ nonesuch }}"})
    assert say(released, "0.4.0").strip() == shown
    assert "🔧 Bug Fixes" not in say(released, "0.3.0")


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("fine\n{% if %}", 2, "TemplateSyntaxError"),
        ("{{ nonesuch.body }}", 1, "'nonesuch' is undefined"),
        ("{{ 1 // (body | length - body | length) }}", 1, "ZeroDivisionError"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", 1, "Range too big"),
        ("{{ 'x' * 10 ** 10 }}", 1, "more than 512 MB"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 1, "without end"),
        # Ways out of a sandbox: to Python's insides, to a file, to the environment.
        ("\n{{ ''.__class__.__mro__[1].__subclasses__() }}", 2, "unsafe|undefined"),
        ("{{ cycler.__init__.__globals__.os.environ }}", 1, "unsafe|undefined"),
        ("{{ body.format.__globals__ }}", 1, "unsafe|undefined"),
        ("{{ '{0.__class__.__init__.__globals__}'.format(body) }}", 1, "unsafe|undefined"),
        ("{% include '/etc/passwd' %}", 1, "no loader"),
        ("{% import 'os' as os %}", 1, "no loader"),
        ("{{ contributors.append('x') }}", 1, "unsafe|undefined|not safely callable"),
    ],
)
def test_a_template_that_fails_or_tries_to_escape(
    bench: Bench, say: Say, text: str, line: int, cause: str
) -> None:
    templated(bench, text)
    with pytest.raises(UsageError, match=cause) as raised:
        say(bench, "0.2.4")
    assert (str(raised.value.place), raised.value.exit_code) == (f"{TEMPLATE}:{line}", 2)
    assert "docs/changelog.md" in raised.value.remedy


def test_a_template_that_loops_is_ended(
    bench: Bench, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes_template, "SECONDS", 1)
    turn = "{% for i in range(99999) %}"
    templated(bench, turn * 3 + "{% endfor %}" * 3)
    with pytest.raises(UsageError, match=r"did not end|was ended") as raised:
        say(bench, "0.2.4")
    assert re.match(TEMPLATE, str(raised.value.place))


def test_a_template_that_is_not_there(bench: Bench, say: Say) -> None:
    bench.project.commit({"pyproject.toml": TEMPLATED})
    with pytest.raises(UsageError, match=f"{TEMPLATE} is not in commit") as raised:
        say(bench, "0.2.4")
    assert "tool.release" in raised.value.remedy
