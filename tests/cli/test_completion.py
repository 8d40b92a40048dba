"""Completion, in real shells: sourced, typed into, and asked with the tab key."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.__main__ import main
from scripts.cli.command_line import VERBS

ROOT = Path(__file__).parents[2]
DEADLINE = 90.0
START = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
PREPARE = {
    "bash": "bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'",
    "zsh": "autoload -Uz compinit; compinit -D -u",
}
SIGNS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x07\r]")


class Shell:
    """An interactive shell with a keyboard."""

    def __init__(self, name: str, folder: Path) -> None:
        self.keyboard, terminal = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm"}
        self._process = subprocess.Popen(
            START[name],
            cwd=ROOT,
            env=environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self.seen = ""

    def type(self, keys: str) -> None:
        """Press keys; what was seen before is forgotten."""
        self.seen = ""
        os.write(self.keyboard, keys.encode())

    def wait(self, done: Callable[[str], bool]) -> str:
        """Read until something is seen."""
        end = time.monotonic() + DEADLINE
        while not done(text := SIGNS.sub("", self.seen)):
            assert time.monotonic() < end, f"not seen: {text!r}"
            if select.select([self.keyboard], [], [], 0.2)[0]:
                self.seen += os.read(self.keyboard, 4096).decode("utf-8", "replace")
        return text

    def run(self, line: str) -> None:
        """Type a line, and wait for the next prompt."""
        self.type(f"{line}; echo over-$((20 + 22))\n")
        self.wait(lambda text: "over-42" in text)

    def complete(self, line: str, expected: str) -> str:
        """Type, press tab, wait for what is expected, and drop the line."""
        self.type(f"{line}\t\t")
        seen = self.wait(lambda text: expected in text)
        self.type("\x15")
        return seen

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self.keyboard)


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.fixture(params=["bash", "zsh"])
def shell(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    path = tmp_path / "completion"
    path.write_text(script(name, capsys))
    opened = Shell(name, tmp_path)
    try:
        opened.run(PREPARE[name])
        opened.run(f"source {path}")
        yield opened
    finally:
        opened.end()


def test_verbs_options_and_choices_are_completed(shell: Shell) -> None:
    shell.complete("bin/release chang", "changelog")
    shell.complete("./bin/release changelog d", "changelog draft")
    shell.complete(f"{ROOT}/bin/release rollback --dr", "--dry-run")
    shell.complete("bin/release verify --moment pub", "published")
    listed = shell.complete("bin/release publish-", "publish-tags")
    assert "publish-package" in listed


def test_every_verb_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in START:
        text = script(shell, capsys)
        assert all(verb in text for verb in VERBS)


def test_nothing_but_the_verb_imports_the_library() -> None:
    code = "import sys, scripts.__main__ as m; m.parser().format_help(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"shtab", "rich"}.isdisjoint(done.stdout.split())


def test_the_short_command_runs_this_checkout_from_anywhere(tmp_path: Path) -> None:
    """Not the package of that name in the folder that it is called from."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__main__.py").write_text("raise SystemExit('another')")
    command = [ROOT / "bin" / "release", "ci-verdict", "--json"]
    environment = {"PATH": os.environ["PATH"], "CI_NEEDS": "no"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, json.loads(done.stdout)["verb"]) == (2, "ci-verdict")


def test_the_short_command_says_what_it_lacks(tmp_path: Path) -> None:
    copy = tmp_path / "bin" / "release"
    copy.parent.mkdir()
    shutil.copy(ROOT / "bin" / "release", copy)
    done = subprocess.run([copy, "plan"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"release: {tmp_path} has no .venv: run `make setup` there\n"
