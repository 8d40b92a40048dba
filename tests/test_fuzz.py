"""Odd surroundings of every verb: each ends with its exit code, no traceback, and no secret shown.

`make fuzz` tries many more of them.
"""

import base64
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, fields
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scripts.__main__ import main
from scripts.core import codec
from scripts.release.configuration import Config
from tests.conftest import Bench
from tests.core.values import a_plan
from tests.support.odd_service import ODD, OddService, odd_service
from tests.support.project import CHANGELOG, PYPROJECT, Project

LINES = (
    *("plan 0.2.4", "plan 0.2.4 --dry-run --json", "plan minor", "plan x", "plan"),
    *("prepare", "checks", "dists", "stage --json", "gate", "publish-tags", "publish-package"),
    *("promote", "report", "image --name x --platform linux/amd64"),
    *("verify --moment staged --platform linux/amd64", "doctor", "doctor 0.2.4 --json"),
    *(
        "audit",
        "audit 0.2.3 --json",
        "rollback 0.2.3 --dry-run",
        "rollback",
        "notes",
        "notes 0.2.4",
    ),
    *("changelog check", "changelog check --base=-x", "changelog draft", "changelog draft --write"),
    *("changelog draft --since=--all", "ci-plan", "ci-plan --base x", "ci-verdict --json"),
    *("check", "check --json", "announce", "upgrade", "upgrade --json", "init --check"),
)
TOKENS = ("GITHUB_TOKEN", "REGISTRY_TOKEN", "PACKAGE_INDEX_TOKEN")
ADDRESSES = ("GITHUB_SERVER_URL", "GITHUB_API_URL", "PACKAGE_INDEX_URL", "HTTPS_PROXY")
FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH")
OTHERS = (
    *("RELEASE_SILENCE", "RELEASE_DEADLINE", "RELEASE_VERSION", "RELEASE_GOOD", "RELEASE_DRY_RUN"),
    *("CI_NEEDS", "GITHUB_REPOSITORY", "GITHUB_REF_NAME", "GITHUB_REF_TYPE", "IMAGE_REGISTRY"),
    *("REGISTRY_USERNAME", "GITHUB_ACTIONS", "GITHUB_SHA", "GITHUB_RUN_ID", "NO_COLOR"),
)
WORDS = (
    *("", " ", "-5", "0", "nan", "inf", "1e400", "true", "null", "[1]", '{"a": 1}', "{", "x/y"),
    *(
        "--upload-pack=x",
        "localhost",
        "ftp://x",
        "http://localhost:9",
        "http://[",
        "../..",
        "\x1b[31m",
    ),
    *("/", "/dev/full", "/nonexistent/x", "tag", "v0.2.4", "main", "[" * 9000, "\u20ac", "a\nb"),
)
KEYS = tuple(one.name.replace("_", "-") for one in fields(Config))
VALUES = (
    *('""', '"../x"', '"-x"', '"x"', '"a.md"', '"{version}"', '"v{version}"', '"\\u0000"', '"/"'),
    *("1", "-1", "nan", "1e999", "true", "1979-05-27", "[]", '["x"]', "[1]", "[[]]", "{}", "[{}]"),
    *("{ x = 1 }", '{ modules = ["x"] }', '{ modules = "x" }', '[{ name = "x" }]', "x", "[" * 999),
    *('{ webhooks = [{ name = "x", kind = "slack" }] }', '"CHANGELOG.md"', '"sample_thing"'),
)
PLANS = (b"", b"\xff\xfe", b"{}", b"[" * 9000, b"null", codec.encode(a_plan()).encode())


@dataclass
class Surroundings:
    """A clone with its services, of which one answers whatever it is told to."""

    bench: Bench
    odd: OddService

    def environment(self, secret: str) -> dict[str, str]:
        folder = self.bench.folder
        return self.bench.environment() | {
            **dict.fromkeys(TOKENS, secret),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "RELEASE_DEADLINE": "0.01",
            "RELEASE_SILENCE": "2",
        }

    def clean(self, changelog: bytes, plan: bytes, table: list[tuple[str, str]]) -> None:
        """Begin anew, as far as a run could have changed anything here."""
        clone = self.bench.project.clone
        shutil.rmtree(clone / "release", ignore_errors=True)
        (clone / "CHANGELOG.md").write_bytes(changelog)
        self.configure(table)
        if plan:
            (clone / "release" / "in").mkdir(parents=True)
            (clone / "release" / "in" / "plan.json").write_bytes(plan)
        for name in ("output", "summary"):
            (self.bench.folder / name).unlink(missing_ok=True)

    def configure(self, table: list[tuple[str, str]]) -> None:
        """Commit the configuration with more in its table."""
        head, mark, rest = PYPROJECT.partition("[tool.release]\n")
        text = "".join([head, mark, *(f"{key} = {value}\n" for key, value in table), rest])
        file = self.bench.project.clone / "pyproject.toml"
        if file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
            self.bench.project.git("commit", "-q", "--allow-empty", "-m", "x", "pyproject.toml")
            self.bench.project.git("push", "-q", "origin", "main")

    def run(self, line: str, environment: dict[str, str]) -> tuple[int, str]:
        """Run one verb; give its exit code, and every text that it let out."""
        out, err = io.StringIO(), io.StringIO()
        clone = self.bench.project.clone
        with (
            patch.dict(os.environ, environment, clear=True),
            chdir(clone),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main(line.split())
        written = [one for one in (clone / "release" / "out").rglob("*") if one.is_file()]
        written += (self.bench.folder / "output", self.bench.folder / "summary")
        texts = [one.read_bytes().decode("utf-8", "replace") for one in written if one.exists()]
        assert "Traceback" not in err.getvalue(), err.getvalue()
        if "--json" in line:
            assert json.loads(out.getvalue())["exit_code"] == code
        return code, "\n".join([out.getvalue(), err.getvalue(), *texts])


@pytest.fixture(scope="module")
def around(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(template, folder, dirs_exist_ok=True)
    (folder / "home").mkdir()
    project = Project(folder)
    project.git("remote", "set-url", "origin", str(project.bare))
    with ExitStack() as stack:
        odd = stack.enter_context(odd_service(folder / "odd"))
        yield Surroundings(Bench(folder, project, stack), odd)


def spellings(secret: str) -> set[str]:
    """Spell a secret as whoever looks for it would."""
    bare = secret.strip()
    basic = base64.b64encode(f"x-access-token:{bare}".encode()).decode()
    forms = {secret, bare, quote(bare, safe=""), json.dumps(bare)[1:-1], repr(bare)[1:-1], basic}
    return {form for form in forms if form.strip()}


variables = st.one_of(
    st.tuples(st.sampled_from((*ADDRESSES, *FILES, *OTHERS)), st.sampled_from(WORDS)),
    st.tuples(st.sampled_from(OTHERS), st.text(st.characters(codec="utf-8"), max_size=20)),
    st.tuples(
        st.sampled_from(ADDRESSES), st.sampled_from(["http://u:{}@localhost:9", "{}", "ODD"])
    ),
    st.tuples(
        st.sampled_from(TOKENS), st.sampled_from(["{}\n", " {}", "", "{}\u20ac", "a\r\nb{}"])
    ),
)
secrets = st.text(st.characters(codec="utf-8"), min_size=8, max_size=40).filter(
    lambda text: "\0" not in text and len(text.strip()) >= 8
)


def seen(line: str, *odd: tuple[str, str]) -> example:
    """Give what once ended in a traceback, or showed the token."""
    more = {"answer": ODD[0], "changelog": CHANGELOG.encode(), "plan": b"\xff\xfe", "table": []}
    return example(line=line, odd=list(odd), secret="ghp_Secret0123", **more)


@settings(
    deadline=None,
    max_examples=max(10, settings.default.max_examples // 3),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    line=st.sampled_from(LINES),
    odd=st.lists(variables, max_size=4),
    secret=st.one_of(secrets, st.from_regex(r"gh[pos]_[A-Za-z0-9]{20,36}", fullmatch=True)),
    answer=st.sampled_from(ODD),
    changelog=st.sampled_from([CHANGELOG.encode(), b"", b"\xff\xfe", b"# x\n", b"\x1b[31m\n"]),
    plan=st.sampled_from(PLANS),
    table=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=2),
)
@seen("plan 0.2.4 --dry-run --json", ("GITHUB_TOKEN", "{}\n"))
@seen("plan 0.2.4", ("GITHUB_TOKEN", "{}\u20ac"))
@seen("plan 0.2.4", ("GITHUB_API_URL", "ODD"))
@seen("audit", ("PACKAGE_INDEX_URL", "ODD"))
@seen("doctor", ("GITHUB_API_URL", "http://u:{}@localhost:9"))
@seen("ci-plan", ("GITHUB_EVENT_PATH", "/"))
@seen("ci-plan", ("GITHUB_OUTPUT", "/"))
@seen("ci-verdict --json", ("CI_NEEDS", "[1]"))
@seen("notes 0.2.4", ("RELEASE_SILENCE", "1e400"))
@seen("report")
@seen("gate", ("GITHUB_STEP_SUMMARY", "/dev/full"))
def test_whatever_stands_around(
    around: Surroundings,
    *,
    line: str,
    odd: list[tuple[str, str]],
    secret: str,
    answer: tuple[str, bytes],
    changelog: bytes,
    plan: bytes,
    table: list[tuple[str, str]],
) -> None:
    around.odd.kind, around.odd.body = answer
    around.clean(changelog, plan, table)
    environment = around.environment(secret)
    for name, value in odd:
        full = around.odd.url if value == "ODD" else value.replace("{}", secret)
        environment[name] = full.replace("\0", "")
    code, text = around.run(line, environment)
    assert code in range(5)
    shown = {form for form in spellings(secret) if form in text}
    assert not shown
