"""What a person sees, on a terminal and elsewhere."""

import re
from io import StringIO

import pytest

from rehearsal.progress import HEARTBEAT, Progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def screen(text: str) -> list[str]:
    """Show what a terminal shows after this text: lines, and the two movements that are used."""
    lines = [""]
    for part in re.split(r"(\x1b\[\d+F|\x1b\[J|\n)", text):
        if part == "\n":
            lines.append("")
        elif part == "\x1b[J":
            continue
        elif found := re.fullmatch(r"\x1b\[(\d+)F", part):
            del lines[len(lines) - 1 - int(found[1]) :]
            lines.append("")
        else:
            lines[-1] += part
    return [line.rstrip() for line in lines if line]


def test_elsewhere_each_job_has_a_line_at_its_start_and_its_end(clock: Clock) -> None:
    out = StringIO()
    progress = Progress(out, live=False, clock=clock)
    progress.start("plan")
    clock.now += 3.25
    assert progress.finish("plan") == pytest.approx(3.25)
    first, last = out.getvalue().splitlines()
    assert first.split() == ["start", "plan"]
    assert last.split() == ["ok", "plan", "3.2", "s"]


def test_a_long_job_shows_that_it_goes_on(clock: Clock) -> None:
    out = StringIO()
    progress = Progress(out, live=False, clock=clock)
    progress.start("images")
    progress.detail("images", "building\nlayers")
    clock.now += HEARTBEAT - 1
    progress.tick()
    assert len(out.getvalue().splitlines()) == 1
    clock.now += 1
    progress.tick()
    progress.tick()
    assert [line.split() for line in out.getvalue().splitlines()[1:]] == [
        ["...", "images", "30.0", "s", "building", "layers"]
    ]


def test_on_a_terminal_what_is_under_way_stays_below_and_is_updated(clock: Clock) -> None:
    out = StringIO()
    progress = Progress(out, live=True, clock=clock)
    progress.start("api")
    progress.start("web")
    clock.now += 2
    progress.finish("api")
    progress.say("a word")
    clock.now += 1
    progress.tick()
    assert [line.split()[:3] for line in screen(out.getvalue())] == [
        ["ok", "api", "2.0"],
        ["a", "word"],
        [">", "web", "3.0"],
    ]


def test_a_line_is_never_wider_than_the_terminal(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = StringIO()
    progress = Progress(out, live=True, clock=clock)
    progress.start("api", "x" * 200)
    assert max(len(line) for line in out.getvalue().splitlines()) < 60


@pytest.mark.parametrize(
    ("error", "mark"), [(ValueError(), "FAILED"), (KeyboardInterrupt(), "stopped")]
)
def test_a_step_that_does_not_end_well_says_so(error: BaseException, mark: str) -> None:
    out = StringIO()
    progress = Progress(out, live=False)
    with pytest.raises(type(error)), progress.step("services"):
        raise error
    assert out.getvalue().splitlines()[-1].split()[0] == mark


def test_it_ticks_by_itself_and_leaves_a_clean_screen() -> None:
    out = StringIO()
    with Progress(out, live=True) as progress:
        progress.start("api")
    assert screen(out.getvalue()) == []


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_that_looks_like_a_terminal_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """act gives its jobs one: each line would be written twice a second."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for ci, redrawn in (("", True), ("true", False)):
        monkeypatch.setenv("CI", ci)
        with Progress(out := Screen()) as progress:
            progress.start("api")
        assert ("\x1b[" in out.getvalue()) is redrawn
