"""What a person is asked at a terminal, counted at a real one."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.adopt.test_init import BOTH, GENERATED, PACKAGE, ROOT, SERVER, SYSTEM, Clone, both

LIMIT = 60.0  # seconds
MOST = 3
PROMPT = re.compile(r"^[^\n]+: $", re.MULTILINE)


class Terminal:
    """`release init` at a terminal."""

    def __init__(self, here: Clone) -> None:
        self.mine, theirs = pty.openpty()
        self.done = subprocess.Popen(
            [sys.executable, "-P", "-m", "scripts", "init", "--system", SYSTEM],
            cwd=here.folder, stdin=theirs, stdout=theirs, stderr=theirs,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        os.close(theirs)
        self.shown, self.asked = "", list[str]()

    def answer(self, replies: dict[str, str], last: str) -> int:
        """Reply to each question by a word of it, and to the last one; return the exit code."""
        seen = 0
        while (text := self._read()) is not None:
            self.shown += text.replace("\r\n", "\n")
            if "Write this? [y/N] " in self.shown[seen:]:
                seen = len(self.shown)
                self._type(last)
            elif found := PROMPT.search(self.shown, seen):
                seen = len(self.shown)
                self.asked.append(found[0])
                self._type(next((to for word, to in replies.items() if word in found[0]), ""))
        os.close(self.mine)
        return self.done.wait(LIMIT)

    def _type(self, text: str) -> None:
        os.write(self.mine, f"{text}\n".encode())

    def _read(self) -> str | None:
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            if select.select([self.mine], [], [], 0.2)[0]:
                try:
                    return os.read(self.mine, 1 << 16).decode()
                except OSError:  # EIO: nobody holds the other end any more
                    return None
        raise AssertionError(self.shown)


def test_a_repository_with_three_folders_asks_at_most_three_questions(tmp_path: Path) -> None:
    here = both(tmp_path)
    terminal = Terminal(here)
    assert terminal.answer({}, "y") == 0, terminal.shown
    assert len(terminal.asked) <= MOST
    assert "docker-compose.yml" in here.text("pyproject.toml")


def test_whatever_no_file_says_three_questions_are_asked(tmp_path: Path) -> None:
    gone = {"Makefile", "CHANGELOG.md", "docker-compose.yml", "stream_pose/__init__.py"}
    here = Clone(tmp_path / "asks", {k: v for k, v in BOTH.items() if k not in gone}, "main", "")
    terminal = Terminal(here)
    replies = {"namespace": "wide", "top-level": "api", "checks": "sh test"}
    assert terminal.answer(replies, "y") == 0, terminal.shown
    assert len(terminal.asked) == MOST
    assert here.config.images[0].repository == "wide/stream_pose-api"
    assert here.config.package
    assert here.config.package.modules == ("api",)
    assert here.config.checks == ("sh", "test")


def test_an_empty_line_takes_the_default(tmp_path: Path) -> None:
    here = Clone(tmp_path / "server", SERVER, "main", "v0.9.0")
    terminal = Terminal(here)
    assert terminal.answer({}, "yes") == 0, terminal.shown
    assert "[mari]: " in terminal.asked[0]
    assert here.config.images[0].repository == "mari/sample"


def test_no_writes_nothing(tmp_path: Path) -> None:
    here = Clone(tmp_path / "package", PACKAGE, "main", "v1.2.0")
    terminal = Terminal(here)
    assert terminal.answer({}, "n") == 2
    assert "nothing was written" in terminal.shown
    assert here.changed() == set()
    again = Terminal(here)
    assert again.answer({}, "y") == 0
    assert here.changed() == {"pyproject.toml", *GENERATED}
