"""`--json`: one document on standard output, and nothing else there, however a verb ends."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.__main__ import main
from scripts.cli import json_document
from scripts.cli.command_line import VERBS, WITHOUT_STAGE, parser
from scripts.core.converge import Outcome
from scripts.core.errors import CheckError, ConflictError, Place, ProblemsError, UsageError
from scripts.core.results import Done
from tests.conftest import Bench
from tests.support.project import CHANGELOG
from tests.support.releases import Releases

ROOT = Path(__file__).parents[2]
FIXED = {"verb", "exit_code", "errors", "outcomes", "facts"}
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(emptied: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Run a verb in a bench's clone, as text and with `--json`; give the document."""

    def run(bench: Bench, *words: str, **more: str) -> dict[str, Any]:
        emptied.chdir(bench.project.clone)
        for key, value in bench.environment(**{"RELEASE_VERSION": "", **more}).items():
            emptied.setenv(key, value)
        before = (bench.project.refs(), bench.github.writes())
        code = main(words)
        shown = capfd.readouterr()
        assert main([*words, "--json"]) == code
        said = capfd.readouterr()
        assert (bench.project.refs(), bench.github.writes()) == before
        found: dict[str, Any] = json.loads(said.out)
        assert found["exit_code"] == code
        assert bool(found["errors"]) == bool(code)
        assert said.err == shown.err
        # The text is for people: none of it is beside the document.
        assert shown.out.strip() not in said.out or code
        assert set(found) >= FIXED
        return found

    return run


def test_the_plan(bench: Bench, ask: Ask) -> None:
    found = ask(bench, "plan", "0.2.4", "--dry-run")
    assert (found["plan"]["version"], found["plan"]["mode"]) == ("0.2.4", "dry-run")
    assert found["public"] == []
    assert {one["status"] for one in found["findings"]} <= {"ok", "advice", "not checked"}


def test_the_doctor(bench: Bench, ask: Ask) -> None:
    found = ask(bench, "doctor")
    keys = {"what", "status", "found", "why", "remedy", "page", "foreign"}
    assert found["findings"][0].keys() == keys
    bench.github = bench.serve_github(environments={})
    ill = ask(bench, "doctor")
    assert ill["exit_code"] == 1
    assert ill["errors"][0]["kind"] == "CheckError"
    assert "create the environment release" in ill["errors"][0]["remedy"]
    assert [one["what"] for one in ill["findings"] if one["status"] == "problem"]


def test_the_changelog(bench: Bench, ask: Ask) -> None:
    assert ask(bench, "changelog", "check")["changelog"] == "CHANGELOG.md"
    bench.project.git("commit", "-qm", "feat: this (#7)", "--allow-empty")
    found = ask(bench, "changelog", "draft")
    assert [(one["group"], one["number"]) for one in found["entries"]] == [("Added", "7")]
    assert found["draft"].startswith("### Added\n\n- This (")
    text = CHANGELOG.replace("## [0.2.3]", "## [0.2.3] - 2025-01-01\n\n## [0.2.3]")
    text = text.replace("### Added", "## Added")
    (bench.project.clone / "CHANGELOG.md").write_text(f"{text}\n## [0.2.2] - 2025-13-45\n")
    wrong = ask(bench, "changelog", "check")
    assert wrong["exit_code"] == 2
    assert len(wrong["errors"]) > 1
    for one in wrong["errors"]:
        assert one["place"]["path"] == "CHANGELOG.md"
        assert one["place"]["line"] > 0
        assert one["cause"]
        assert one["remedy"]


def test_the_notes(bench: Bench, ask: Ask) -> None:
    found = ask(bench, "notes", "0.2.4")
    assert found["version"] == "0.2.4"
    assert found["notes"].startswith("## 🚀 New Features")
    assert ask(bench, "notes", "0.1.0")["errors"][0]["cause"].startswith("0.1.0 was never")


def test_the_plan_of_checks(bench: Bench, ask: Ask) -> None:
    base = bench.project.git("rev-parse", "HEAD")
    bench.project.commit({"docs/a.md": "x"})
    found = ask(bench, "ci-plan", "--base", base)
    assert found["changed"] == ["docs/a.md"]
    assert found["checks"]["dists"] is False
    assert ask(bench, "ci-plan")["changed"] is None


def test_the_report(bench: Bench, ask: Ask) -> None:
    found = ask(bench, "report")
    assert (found["plan"], found["results"]) == (None, [])


def test_the_sum_of_checks(bench: Bench, ask: Ask) -> None:
    given = {"plan": {"result": "failure", "outputs": {}}}
    found = ask(bench, "ci-verdict", CI_NEEDS=json.dumps(given))
    assert (found["needs"], found["exit_code"]) == (given, 1)


@pytest.mark.service
def test_the_audit_and_the_rollback(released: Releases, ask: Ask) -> None:
    found = ask(released, "audit", "0.3.0")
    assert {one["status"] for one in found["releases"]["v0.3.0"]} == {"ok"}
    moved = ask(released, "rollback", "0.3.0", "--dry-run")
    assert (moved["bad"], moved["good"], moved["latest"]) == ("0.3.0", "0.2.5", True)
    assert {one["tag"]: one["version"] for one in moved["moves"]} == {
        "latest": "0.2.5",
        "0": "0.2.5",
    }
    assert moved["staying"]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in WITHOUT_STAGE])
def test_every_verb_takes_it(verb: str) -> None:
    more = {"image": ["--name", "a", "--platform", "b"], "changelog": ["check"]}
    more["rebuild"] = ["0.2.4"]
    more["verify"] = ["--moment", "staged", "--platform", "linux/amd64"]
    assert parser().parse_args([verb, *more.get(verb, []), "--json"]).as_json


Stage = Callable[..., Done]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Stage], None]:
    monkeypatch.chdir(tmp_path)
    return lambda act: monkeypatch.setattr("scripts.stages.gate.run", act)


def raising(error: Exception) -> Stage:
    def act(*_: object) -> Done:
        print("something that a library prints")
        raise error

    return act


def test_what_else_is_printed_goes_elsewhere(
    gate: Callable[[Stage], None], capsys: pytest.CaptureFixture[str]
) -> None:
    gate(raising(ConflictError("taken", "another", Place("a.toml", 3, 7))))
    assert main(["gate", "--json"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out)["errors"] == [
        {
            "kind": "ConflictError",
            "cause": "taken",
            "remedy": "another",
            "place": {"path": "a.toml", "line": 3, "column": 7},
        }
    ]
    assert err == "something that a library prints\na.toml:3:7: taken\n  remedy: another\n"


def test_annotations_are_beside_the_document(
    gate: Callable[[Stage], None], capsys: pytest.CaptureFixture[str], emptied: pytest.MonkeyPatch
) -> None:
    emptied.setenv("GITHUB_ACTIONS", "true")
    gate(raising(CheckError("c", "r")))
    assert main(["gate", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["exit_code"] == 1
    assert "::error title=CheckError::c" in err


def test_outcomes_are_told_also_of_what_failed_later(
    gate: Callable[[Stage], None], capsys: pytest.CaptureFixture[str]
) -> None:
    error = ConflictError("c", "r")
    error.outcomes = (Outcome("git tag v1", "made", written=True),)
    gate(raising(error))
    main(["gate", "--json"])
    (outcome,) = json.loads(capsys.readouterr().out)["outcomes"]
    told = {"title": "git tag v1", "detail": "made", "written": True, "skipped": False}
    assert outcome == {**told, "kind": "internal", "planned": "", "link": ""}
    gate(lambda *_: Done(error.outcomes, (("digest", "d"),)))
    main(["gate", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["outcomes"], found["facts"]) == ([outcome], {"digest": "d"})


def test_a_defect_has_its_document_and_its_traceback(
    gate: Callable[[Stage], None], capsys: pytest.CaptureFixture[str]
) -> None:
    gate(raising(KeyError("lost")))
    assert main(["gate", "--json"]) == 1
    out, err = capsys.readouterr()
    assert "Traceback" in err
    found = json.loads(out)
    assert (found["exit_code"], found["errors"][0]["kind"]) == (1, "KeyError")
    assert found["errors"][0]["remedy"]


@pytest.mark.parametrize(
    ("words", "verb", "cause"),
    [
        (["gate", "--json", "--nonsense"], "gate", "unrecognized arguments: --nonsense"),
        (["--json"], None, "the following arguments are required: VERB"),
        (["publish", "--json"], None, "invalid choice: 'publish'"),
        (["image", "--json"], "image", "required: --name, --platform"),
    ],
)
def test_wrong_usage_is_a_document_too(words: list[str], verb: str | None, cause: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    assert (done.returncode, found["exit_code"], found["verb"]) == (2, 2, verb)
    assert cause in found["errors"][0]["cause"]
    assert found["errors"][0]["remedy"].startswith("usage: bin/release")
    assert set(found) == FIXED
    assert "usage:" in done.stderr


def test_without_it_nothing_is_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts", "publish"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")


def test_problems_in_problems_are_all_told() -> None:
    inner = ProblemsError([UsageError("a", "x"), UsageError("b", "y", Place("f", 2))])
    found = json_document.errors(ProblemsError([inner, CheckError("c", "z")]))
    assert [(one["kind"], one["cause"]) for one in found] == [
        ("UsageError", "a"),
        ("UsageError", "b"),
        ("CheckError", "c"),
    ]
