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


MOVES = re.compile(r"(\x1b\[\d*A|\x1b\[2K|\x1b\[\?25[lh]|\r|\n)")


def screen(text: str) -> list[str]:
    """Show what a terminal shows after this text: lines, and the movements that are used."""
    lines, row = [""], 0
    for part in MOVES.split(text):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif up := re.fullmatch(r"\x1b\[(\d*)A", part):
            row -= int(up[1] or 1)
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not MOVES.fullmatch(part):
            lines[row] += part
    return [line.rstrip() for line in lines if line.strip()]


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
    with Progress(out, live=True, clock=clock) as progress:
        progress.start("api")
        progress.start("web")
        clock.now += 2
        progress.finish("api")
        progress.say("a word [bold]")
        clock.now += 1
        progress.tick()
        seen = out.getvalue()
    assert [line.split()[:3] for line in screen(seen)] == [
        ["ok", "api", "2.0"],
        ["a", "word", "[bold]"],
        [">", "web", "3.0"],
    ]


def test_a_line_is_never_wider_than_the_terminal(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = StringIO()
    with Progress(out, live=True, clock=clock) as progress:
        progress.start("api", "x" * 200)
        seen = screen(out.getvalue())
    assert [len(line) for line in seen] == [60]


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
        assert screen(out.getvalue()) != []
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
