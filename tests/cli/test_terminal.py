"""A person at a terminal sees colour, tables and what is under way; a pipe and a log see text."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.cli import terminal
from scripts.release import starting_point
from scripts.release.released import find
from scripts.stages import audit, doctor
from tests.conftest import Bench

ROOT = Path(__file__).parents[2]
DEADLINE = 90.0
REPORT = "## Doctor\n\n| what | found |\n| --- | --- |\n| clock | off ([page](https://x.y/z)) |"
SHOW = f"context.console.show({REPORT!r})"
FAIL = """
from scripts.core.errors import Place, UsageError
cause = "[bold]no[/bold] such thing " + "x" * 200
context.errors.fail(UsageError(cause, "type this", Place("a.py", 3)))
"""
WORK = """
from scripts.cli import terminal
from scripts.stages import audit, doctor
from tests.conftest import Bench
terminal.DELAY = 0.05
with context.console.progress("audit"):
    context.console.step("[bold]the index")
    input()
    context.console.step("the registry")
    print("what a library says")
    input()
    context.console.show("found it")
    input()
"""
START = """import os, sys
from pathlib import Path
from scripts.release.context import Context
from scripts.tools.environment import Environment
context = Context(Environment(dict(os.environ)), Path.cwd())
"""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SIGNS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
PLAIN = [{"NO_COLOR": "1"}, {"CI": "true"}, {"GITHUB_ACTIONS": "true"}, {"TERM": "dumb"}]


class Program:
    """A program whose streams are a terminal, or a pipe where one is asked for."""

    def __init__(self, code: str, *, piped: str = "", **environment: str) -> None:
        self._keyboard, screen = pty.openpty()
        ends = {name: screen for name in ("stdin", "stdout", "stderr") if name != piped}
        self._process = subprocess.Popen(
            [sys.executable, "-c", START + code],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", **environment},
            **ends,  # type: ignore[arg-type] # the streams by name
            **({piped: subprocess.PIPE} if piped else {}),  # type: ignore[arg-type]
        )
        os.close(screen)
        self.screen = ""

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._keyboard)
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def see(self, text: str) -> None:
        """Wait until it stands on the screen."""
        end = time.monotonic() + DEADLINE
        while text not in SIGNS.sub("", self.screen):
            assert time.monotonic() < end, f"{text} is not in {self.screen!r}"
            self._read()

    def enter(self) -> None:
        self.screen = ""
        os.write(self._keyboard, b"\n")

    def rest(self) -> str:
        """Read until it ends; give all of the screen."""
        while self._read():
            pass
        assert self._process.wait(DEADLINE) == 0
        return self.screen

    def pipe(self) -> str:
        """Give what came through the pipe."""
        stream = self._process.stdout or self._process.stderr
        assert stream
        return stream.read().decode()

    def _read(self) -> bool:
        if not select.select([self._keyboard], [], [], 0.2)[0]:
            return True
        try:
            more = os.read(self._keyboard, 4096)
        except OSError:  # Linux says so when the other side is closed
            return False
        self.screen += more.decode("utf-8", "replace")
        return bool(more)


def shown(code: str, **environment: str) -> str:
    with Program(code, **environment) as program:
        return program.rest().replace("\r\n", "\n")


def test_a_report_is_drawn_on_a_terminal() -> None:
    text = shown(SHOW)
    assert COLOUR.search(text)
    assert "| ---" not in text
    assert "https://x.y/z" in SIGNS.sub("", text)
    assert "\x1b]8" not in text
    assert "━" in text or "─" in text


@pytest.mark.parametrize("environment", PLAIN, ids=str)
def test_a_report_is_plain_where_colour_is_not_wanted(environment: dict[str, str]) -> None:
    assert shown(SHOW, **environment) == f"{REPORT}\n"


def test_a_report_in_a_pipe_is_markdown() -> None:
    with Program(SHOW, piped="stdout") as program:
        assert program.pipe() == f"{REPORT}\n"
        assert program.rest() == ""


def test_what_is_for_other_programs_is_never_drawn() -> None:
    assert shown(f"context.console.say({REPORT!r})") == f"{REPORT}\n"


def test_an_error_stands_out_and_is_not_broken() -> None:
    text = shown(FAIL)
    assert len(COLOUR.findall(text)) >= 2
    plain = SIGNS.sub("", text)
    assert plain == f"a.py:3: [bold]no[/bold] such thing {'x' * 200}\n  remedy: type this\n"


@pytest.mark.parametrize("environment", PLAIN[:2] + PLAIN[3:], ids=str)
def test_an_error_is_plain_where_colour_is_not_wanted(environment: dict[str, str]) -> None:
    assert not COLOUR.search(shown(FAIL, **environment))


def test_an_error_in_a_pipe_is_plain() -> None:
    with Program(FAIL, piped="stderr") as program:
        assert "\x1b" not in program.pipe()


def test_what_takes_long_is_said_a_step_at_a_time() -> None:
    with Program(WORK) as program:
        program.see("audit: [bold]the index")
        program.enter()
        program.see("audit: the registry")
        program.see("what a library says")
        program.enter()
        program.see("found it")
        # The line is gone before the result comes.
        assert "registry" not in program.screen.rpartition("\x1b[2K")[2]
        program.enter()
        assert "registry" not in program.rest()


def test_progress_is_not_in_the_output_of_a_pipe() -> None:
    with Program(WORK, piped="stdout") as program:
        program.see("audit: [bold]the index")
        for _ in range(3):
            program.enter()
        assert program.pipe() == "what a library says\nfound it\n"


@pytest.mark.parametrize("environment", PLAIN[1:], ids=str)
def test_a_log_has_no_progress(environment: dict[str, str]) -> None:
    assert "audit" not in shown(
        f"import io; sys.stdin = io.StringIO('\\n' * 3)\n{WORK}", **environment
    )


def test_progress_in_a_pipe_is_none() -> None:
    with Program(WORK, piped="stderr") as program:
        for _ in range(3):
            program.enter()
        assert program.pipe() == ""


def test_what_is_quick_says_nothing() -> None:
    text = shown(
        "c = context.console\nwith c.progress('audit'):\n  c.step('index')\n  c.say('done')"
    )
    assert text == "done\n"
    assert terminal.DELAY == 2


def test_what_looks_at_many_things_names_each(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    context = bench.context(RELEASE_VERSION="0.2.3")
    monkeypatch.setattr(context.console, "step", steps.append)
    doctor.examine(context, starting_point.find(context))
    assert steps == [check.__name__ for check in doctor.CHECKS]
    del steps[:]
    audit.examine(context, find(context))
    assert steps == [f"v0.2.3: {audit.title(check)}" for check in audit.CHECKS]
