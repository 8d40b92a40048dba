"""Of a group one run runs and one waits; a third takes the place of the one that waits."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from rehearsal.progress import Progress
from rehearsal.runs import concurrency, run, turns
from rehearsal.runs.expressions import evaluated
from rehearsal.runs.turns import CancelledError, Group, Place
from rehearsal.runs.workflow import UnclearError
from rehearsal.world.world import WORKFLOW
from tests.support.workflow_bench import Bench

ONE = Group("Release-main")


class Runs:
    """Runs of one group, each in a thread, each until it is told to end."""

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        self.folder, self.pool, self.began, self.said = folder, pool, list[int](), list[str]()
        self.ends: dict[int, threading.Event] = {}

    def start(self, run: int, group: Group = ONE) -> Future[None]:
        """Start one, and return once it runs, waits or is cancelled."""
        self.ends[run] = threading.Event()
        running = self.pool.submit(self._run, run, group)
        wait_until(lambda: run in self.places() or running.done())
        return running

    def places(self) -> list[int]:
        files = list(self.folder.glob("*.json"))
        texts = [file.read_text() for file in files]
        return [int(part.split(",")[0]) for text in texts for part in text.split('"run": ')[1:]]

    def _run(self, run: int, group: Group) -> None:
        with concurrency.turn(self.folder, group, run, self.said.append):
            self.began.append(run)
            assert self.ends[run].wait(90)


@pytest.fixture
def runs(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        made = Runs(tmp_path / "groups", pool)
        yield made
        for end in made.ends.values():
            end.set()


def wait_until(state: Callable[[], object], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not state():
        assert time.monotonic() < deadline, "the state did not come"
        time.sleep(0.005)


def test_a_third_run_cancels_the_one_that_waits(runs: Runs) -> None:
    first, second = runs.start(1), runs.start(2)
    third = runs.start(3, Group("RELEASE-MAIN"))  # the case of a name does not count
    with pytest.raises(CancelledError, match="Canceling since a higher priority waiting request"):
        second.result(90)
    assert runs.began == [1]
    assert runs.said[0] == "  run 2 waits for run 1, which is in the group Release-main"
    runs.ends[1].set()
    first.result(90)
    wait_until(lambda: runs.began == [1, 3])
    runs.ends[3].set()
    third.result(90)
    assert runs.places() == []


def test_a_queue_keeps_all_in_their_order(runs: Runs) -> None:
    group = Group("g", queue="max")
    running = [runs.start(number, group) for number in (1, 2, 3)]
    for number in (1, 2, 3):
        wait_until(lambda: len(runs.began) == number)  # noqa: B023 -- used at once
        runs.ends[number].set()
    for one in running:
        one.result(90)
    assert runs.began == [1, 2, 3]


def test_other_groups_are_not_waited_for(runs: Runs) -> None:
    runs.start(1)
    runs.start(2, Group("other"))
    wait_until(lambda: sorted(runs.began) == [1, 2])


def test_a_run_whose_process_is_gone_holds_nobody_up(runs: Runs) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    queue = turns.Queue(runs.folder, ONE)
    queue.enter(Place(1, gone.pid))
    runs.start(2)
    wait_until(lambda: runs.began == [2])


def test_what_is_in_progress_is_interrupted_where_the_group_says_so(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from rehearsal.runs import concurrency, turns\n"
        "with concurrency.turn(Path(sys.argv[1]), turns.Group('g'), 1, print):\n"
        "    print('runs', flush=True); time.sleep(100)\n"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "runs\n"
        with concurrency.turn(tmp_path, Group("g", cancels=True), 2, lambda _: None):
            assert other.wait(90) != 0


RELEASE = """
    name: Release
    on: workflow_dispatch
    jobs:
      promote:
        concurrency: {group: "pointers-${{ github.repository }}", queue: max}
        runs-on: ubuntu-24.04
        steps: [{run: 'echo began >> $MARKS; while [ ! -e $GO ]; do sleep 0.01; done; exit $CODE'}]
    """


def test_jobs_of_one_group_wait_for_each_other_and_a_failed_one_gives_its_turn_on(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    marks, go = tmp_path / "marks", tmp_path / "go"
    bench.write(".github/workflows/release.yml", RELEASE)
    sha = bench.commit()

    def perform(number: int, code: str) -> run.Run:
        more = {"MARKS": str(marks), "GO": str(go), "CODE": code}
        setting = bench.setting(number, context=more)
        bench.tree(sha, setting)
        return run.run(setting, bench.event(sha), Progress(bench.screen, live=False))

    def waits() -> bool:
        return "waits for run 1 in the group pointers-owner/project.git" in "".join(
            log.read_text() for log in tmp_path.glob("runs/2/logs/*.log")
        )

    with ThreadPoolExecutor() as pool:
        first = pool.submit(perform, 1, "1")
        wait_until(lambda: marks.exists() or first.done())
        second = pool.submit(perform, 2, "0")
        wait_until(lambda: waits() or second.done())
        assert marks.read_text().split() == ["began"]
        go.touch()
        assert first.result(60).results == {"promote": "failure"}
        assert second.result(60).results == {"promote": "success"}


CONTEXT = {"github": {"event_name": "push", "ref": "refs/heads/main", "run_id": 7}, "inputs": {}}


@pytest.mark.parametrize(
    ("said", "group"),
    [
        ("release-${{ github.ref }}", Group("release-refs/heads/main")),
        ("{group: 'a-${{ github.run_id }}', queue: max}", Group("a-7", queue="max")),
        (
            "{group: \"ci-${{ github.event_name == 'pull_request' && github.ref || "
            'github.run_id }}", cancel-in-progress: "${{ github.event_name == \'push\' }}"}',
            Group("ci-7", cancels=True),
        ),
        ("null", None),
    ],
)
def test_a_group_is_read_from_the_file(tmp_path: Path, said: str, group: Group | None) -> None:
    (tmp_path / WORKFLOW).parent.mkdir(parents=True)
    (tmp_path / WORKFLOW).write_text(f"concurrency: {said}\njobs: {{}}\n")
    assert concurrency.of_run(tmp_path, WORKFLOW, CONTEXT) == group


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'A' == 'a'", True),
        ("true == 'true'", False),
        ("inputs.x", None),
        ("!inputs.x && 'y'", "y"),
        ("('' || 'it''s') != 'x'", True),
        ("inputs.x == 0", True),
    ],
)
def test_expressions_are_worked_out_as_on_github(text: str, value: object) -> None:
    assert evaluated(text, CONTEXT) == value


@pytest.mark.parametrize("text", ["a ==", "contains(a, b)", "a b", "(a", "a[0]", "&& a"])
def test_an_expression_that_is_not_known_is_said(text: str) -> None:
    with pytest.raises(UnclearError):
        evaluated(text, CONTEXT)
