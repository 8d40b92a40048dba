"""The environment of a step: read once, empty means unset, and what is secret stays so."""

import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.core.errors import Place, ProblemsError, UsageError
from scripts.tools.environment import CREDENTIALS, Environment
from scripts.tools.error_output import ErrorOutput, annotation
from scripts.tools.pause import Pause
from scripts.tools.workflow_files import WorkflowFiles

SECRETS = {
    "GITHUB_TOKEN": "s3cret-github",
    "PACKAGE_INDEX_TOKEN": "s3cret-index",
    "REGISTRY_USERNAME": "mari",
    "REGISTRY_TOKEN": "s3cret-registry",
}


@pytest.mark.parametrize(
    ("origin", "repository"),
    [
        ("https://github.com/mari/thing", "mari/thing"),
        ("https://github.com/mari/thing.git", "mari/thing"),
        ("https://github.com/mari/thing.git/", "mari/thing"),
        ("https://user:secret@github.com/mari/thing.git", "mari/thing"),
        ("git@github.com:mari/thing.git", "mari/thing"),
        ("ssh://git@github.com:22/mari/thing.git", "mari/thing"),
        ("http://127.0.0.1:4711/mari/thing.git", "mari/thing"),
    ],
)
def test_the_repository_is_read_out_of_the_remotes_address(origin: str, repository: str) -> None:
    assert Environment({}).endpoints(origin).repository == repository


@pytest.mark.parametrize("origin", [None, "", "thing", "https://github.com/thing", "https://[x"])
def test_an_unknown_repository_is_said(origin: str | None) -> None:
    with pytest.raises(UsageError, match="cannot determine the repository") as raised:
        Environment({}).endpoints(origin)
    assert "GITHUB_REPOSITORY" in raised.value.remedy


def test_what_is_not_set_or_empty_is_the_public_default() -> None:
    names = ("GITHUB_SERVER_URL", "GITHUB_API_URL", "PACKAGE_INDEX_URL", "IMAGE_REGISTRY")
    for environ in ({}, dict.fromkeys((*names, "PACKAGE_INDEX_UPLOAD_URL"), "")):
        found = Environment({"GITHUB_REPOSITORY": "mari/thing", **environ}).endpoints()
        assert found.page_url == "https://github.com/mari/thing"
        assert found.api_url == "https://api.github.com"
        assert found.registry == "docker.io"
        assert (found.index_simple, found.index_upload) == (None, None)


def test_the_environment_says_where_everything_is() -> None:
    found = Environment(
        {
            "GITHUB_REPOSITORY": "mari/thing",
            "GITHUB_SERVER_URL": "http://localhost:1",
            "GITHUB_API_URL": "http://localhost:1/api/v3",
            "IMAGE_REGISTRY": "localhost:2",
            "PACKAGE_INDEX_URL": "http://localhost:3/simple/",
            "PACKAGE_INDEX_UPLOAD_URL": "http://localhost:3/",
        }
    ).endpoints("https://github.com/other/name")
    assert found.page_url == "http://localhost:1/mari/thing"
    assert (found.registry, found.index_simple) == ("localhost:2", "http://localhost:3/simple/")


def test_secrets_are_shown_by_nothing() -> None:
    environment = Environment(SECRETS)
    found = environment.secrets()
    shown = f"{found} {found!r} {environment!r} {environment}"
    assert "s3cret" not in shown
    assert found.github == "s3cret-github"
    assert found.registry_token == "s3cret-registry"


def test_programs_inherit_no_secret_and_no_token() -> None:
    environment = Environment({**SECRETS, "PATH": "/bin", "GITHUB_SHA": "1", "PIP_INDEX_URL": "x"})
    assert environment.inherited(ONE="1") == {"PATH": "/bin", "ONE": "1"}


def test_a_button_starts_with_what_was_typed() -> None:
    trigger = Environment(
        {
            "RELEASE_VERSION": "minor",
            "RELEASE_DRY_RUN": "true",
            "GITHUB_REF_NAME": "main",
            "GITHUB_REF_TYPE": "branch",
            "GITHUB_SHA": "abc",
            "GITHUB_RUN_ID": "7",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "mari/thing",
        }
    ).trigger()
    assert (trigger.version, trigger.dry_run, trigger.tag, trigger.branch) == (
        *("minor", True, None, "main"),
    )
    assert trigger.run_url == "https://github.com/mari/thing/actions/runs/7"


def test_a_pushed_tag_starts_without_inputs() -> None:
    """GitHub gives every input as an empty text then, `dry-run` too."""
    environ = {"RELEASE_VERSION": "", "RELEASE_DRY_RUN": "", "GITHUB_REF_NAME": "v1.0.0"}
    trigger = Environment({**environ, "GITHUB_REF_TYPE": "tag"}).trigger()
    assert (trigger.version, trigger.dry_run, trigger.tag, trigger.branch) == (
        *(None, False, "v1.0.0", None),
    )


def test_what_is_typed_comes_before_the_environment(emptied: pytest.MonkeyPatch) -> None:
    emptied.setenv("RELEASE_VERSION", "minor")
    assert Environment.current().trigger().version == "minor"
    typed = Environment.current(version="0.2.4", dry_run=True).trigger()
    assert (typed.version, typed.dry_run) == ("0.2.4", True)


def outputs(environ: dict[str, str]) -> WorkflowFiles:
    return WorkflowFiles(Environment(environ))


def read_outputs(text: str) -> dict[str, str]:
    """Read an output file by the rules of GitHub's runner (file commands)."""
    lines = iter(text.split("\n"))
    found = {}
    for line in lines:
        if line:
            key, _, mark = line.partition("<<")
            value = []
            for inner in lines:
                if inner == mark:
                    break
                value.append(inner)
            found[key] = "\n".join(value)
    return found


values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=40)


@given(values, values)
def test_outputs_hold_any_text(one: str, two: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "output"
        outputs({"GITHUB_OUTPUT": str(path)}).output(one=one, two=f"{two}\nEOF\n::error::x")
        assert read_outputs(path.read_text("utf-8")) == {
            "one": one,
            "two": f"{two}\nEOF\n::error::x",
        }


def test_outputs_are_added_and_none_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "output"
    outputs({}).output(one="1")
    outputs({"GITHUB_OUTPUT": str(path)}).output(one="1")
    outputs({"GITHUB_OUTPUT": str(path)}).output(two="2")
    assert read_outputs(path.read_text()) == {"one": "1", "two": "2"}


def test_an_annotation_is_one_line_whatever_is_in_it() -> None:
    place = Place("a,b:c\r.md", 3)
    text = annotation(UsageError("100% of\r\nlines ::error::", "do: this, now", place))
    assert "\n" not in text
    assert text == (
        "::error title=UsageError,file=a%2Cb%3Ac%0D.md,line=3::"
        "100%25 of%0Alines ::error::%0Ado: this, now"
    )


def test_a_failure_annotates_every_problem_and_tells_all_in_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary"
    environment = Environment({"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)})
    errors = [UsageError(f"problem {i}", f"mend {i}", Place("a.toml", i)) for i in (1, 2, 3)]
    ErrorOutput(environment, WorkflowFiles(environment), as_json=False).fail(ProblemsError(errors))
    out, err = capsys.readouterr()
    assert [line.split("::")[1] for line in out.splitlines()] == [
        f"error title=UsageError,file=a.toml,line={i}" for i in (1, 2, 3)
    ]
    for i in (1, 2, 3):
        assert f"a.toml:{i}: problem {i}\n  remedy: mend {i}" in err
        assert f"problem {i}" in summary.read_text()


def test_on_a_laptop_nothing_is_annotated(capsys: pytest.CaptureFixture[str]) -> None:
    environment = Environment({})
    files = WorkflowFiles(environment)
    ErrorOutput(environment, files, as_json=False).fail(UsageError("cause", "remedy"))
    assert capsys.readouterr() == ("", "cause\n  remedy: remedy\n")


def test_a_deadline_that_is_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match="RELEASE_DEADLINE"):
        Environment({"RELEASE_DEADLINE": "soon"}).patience()


def test_a_pause_longer_than_the_deadline_is_not_begun() -> None:
    assert not Pause(60).wait(61)
    assert not Pause(0.1).wait()
    assert Pause(5).wait()


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize(
    "value", ["ghp_X\n", " ghp_X", "ghp_X\r\n", "gh\np", "ghp_\u20ac", " ", "\0x"]
)
def test_a_credential_that_no_request_can_carry_is_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"{name} has white space around it, or") as raised:
        Environment({name: value}).secrets()
    assert "gh" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("RELEASE_SILENCE", one)
            for one in ("-5", "0", "nan", "inf", "1e400", "soon", "99999999")
        ),
        *(("GITHUB_API_URL", one) for one in ("localhost", "ftp://x", "http://", "http:///x")),
        *(("GITHUB_SERVER_URL", one) for one in ("--upload-pack=x", "ssh://x", "localhost")),
        *(("GITHUB_REPOSITORY", one) for one in ("-x/y", "x", "a/b/c", "a/..", "a b/c")),
        *(("IMAGE_REGISTRY", one) for one in ("--x", "http://x", "x/y", "x y")),
        *(("CI_NEEDS", one) for one in ("[1]", '{"a": 1}', "null", "", "[" * 20_000)),
    ],
)
def test_an_odd_variable_is_named(name: str, value: str) -> None:
    job = {"GITHUB_REPOSITORY": "mari/thing", "GITHUB_ACTIONS": "true"}
    environment = Environment(job | {name: value})
    with pytest.raises(UsageError, match=name) as raised:
        {"RELEASE_SILENCE": environment.silence, "CI_NEEDS": environment.needs}.get(
            name, environment.endpoints
        )()
    assert raised.value.remedy


EVENTS = (b"not JSON", b"[]", b"null", b'{"pull_request": {"base": {"sha": "--all"}}}', b"\xff")


@pytest.mark.parametrize("content", [None, *EVENTS, b"[" * 20_000])
def test_an_event_that_is_none_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="event") as raised:
        Environment({"GITHUB_EVENT_PATH": str(path)}).event()
    assert raised.value.remedy


NULLS = (
    b"{}",
    b'{"pull_request": null}',
    b'{"pull_request": []}',
    b'{"pull_request": {"base": null, "labels": null}}',
    b'{"pull_request": {"base": {"sha": null}, "labels": [null, 1, {}]}}',
)


@pytest.mark.parametrize("content", NULLS)
def test_an_event_without_a_pull_request_has_no_base(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(content)
    event = Environment({"GITHUB_EVENT_PATH": str(path)}).event()
    assert event.base is None
    assert set(event.labels) <= {"None"}


@pytest.mark.parametrize("name", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
def test_a_file_of_the_step_that_cannot_be_written_is_named(name: str, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "such"):
        files = outputs({name: str(path)})
        write = {"GITHUB_OUTPUT": partial(files.output, a="b")}.get(
            name, partial(files.summary, "text")
        )
        with pytest.raises(UsageError, match=f"{name} names"):
            write()
