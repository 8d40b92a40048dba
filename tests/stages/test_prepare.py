"""The release commit: made once, pushed on its branch, and found again."""

import pytest

from scripts.core import codec
from scripts.core.errors import CheckError, ConflictError, UsageError
from scripts.core.results import Done, Result
from scripts.release import checkout, release_commit, second_reader
from scripts.release.context import Context
from scripts.stages import plan, prepare
from tests.conftest import READER, Bench
from tests.support.project import CHANGELOG


def keep(bench: Bench, context: Context, job: str, done: Done) -> None:
    result = Result(job, "", 1.0, 2.0, done.outcomes, dict(done.facts), None)
    context.write(f"results/{job}.json", codec.encode(result))
    bench.hand_over(context)


def planned(bench: Bench, **environ: str) -> Context:
    context = bench.context(**environ)
    keep(bench, context, "plan", plan.run(context))
    return context


def test_the_commit_is_pushed_once(bench: Bench) -> None:
    context = planned(bench)
    done = prepare.run(context)
    commit = dict(done.facts)["commit"]
    assert [outcome.written for outcome in done.outcomes] == [True]
    assert bench.project.refs()["refs/heads/release/v0.2.4"] == commit
    assert bench.project.sha("main") == context.plan.base
    again = prepare.run(context)
    assert (dict(again.facts)["commit"], again.outcomes[0].written) == (commit, False)


def test_a_dry_run_makes_the_same_commit_and_pushes_nothing(bench: Bench) -> None:
    dry = planned(bench, RELEASE_DRY_RUN="true", GITHUB_TOKEN=READER)
    before = bench.world()
    done = prepare.run(dry)
    assert bench.world() == before
    keep(bench, dry, "prepare", done)
    assert release_commit.ensure(dry) == dict(done.facts)["commit"]
    wet = planned(bench)
    assert dict(prepare.run(wet).facts) == dict(done.facts)


def test_what_the_second_reader_cannot_read_is_said(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.project.commit({"CHANGELOG.md": CHANGELOG.replace("## [0.2.3]", "## Version 0.2.3")})
    prepare.run(planned(bench))
    assert capsys.readouterr().out.count("keepachangelog cannot read 2 of 2 versions") == 1


def test_what_the_second_reader_reads_otherwise_is_not_pushed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, before = planned(bench), bench.world()
    parse = second_reader.parse
    monkeypatch.setattr(
        second_reader, "parse", lambda text, path: parse(text.replace("A thing", "None"), path)
    )
    with pytest.raises(CheckError, match=r"finds other text under 0\.2\.4"):
        prepare.run(context)
    assert bench.world() == before


def test_a_commit_that_comes_out_otherwise_is_a_conflict(bench: Bench) -> None:
    dry = planned(bench, RELEASE_DRY_RUN="true")
    keep(bench, dry, "prepare", Done(facts=(("commit", "f" * 40),)))
    with pytest.raises(ConflictError, match="the release commit is"):
        release_commit.ensure(dry)


def test_the_commit_of_an_earlier_try_is_taken(bench: Bench) -> None:
    context = planned(bench)
    commit = dict(prepare.run(context).facts)["commit"]
    keep(bench, context, "plan", Done(facts=(("commit", commit),)))
    bench.project.git("push", "-q", "origin", ":release/v0.2.4", f"{commit}:refs/tags/v0.2.4")
    before = bench.world()
    done = prepare.run(context)
    assert dict(done.facts)["commit"] == commit
    assert not done.outcomes[0].written
    assert bench.world() == before


def test_its_sources_are_checked_out_beside_the_clone(bench: Bench) -> None:
    context = planned(bench)
    done = prepare.run(context)
    keep(bench, context, "prepare", done)
    for _ in range(2):
        tree = checkout.checkout(context)
        assert 'version = "0.2.4"' in (tree / "pyproject.toml").read_text()
        assert (tree / "run.sh").stat().st_mode & 0o111
        (tree / "left-behind").touch()
    assert 'version = "0.2.3"' in (bench.project.clone / "pyproject.toml").read_text()


def test_a_job_without_the_one_before_it_says_so(bench: Bench) -> None:
    for actions, remedy in (("", "bin/release plan"), ("true", "run the release again")):
        context = bench.context(GITHUB_ACTIONS=actions)
        with pytest.raises(UsageError, match=r"this step needs the output of `plan`") as raised:
            prepare.run(context)
        assert remedy in raised.value.remedy
