import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rehearsal.world import processes
from rehearsal.world.processes import Service
from scripts.core.errors import ServiceError

ENV = {"PATH": "/usr/bin:/bin"}
STUBBORN = "trap '' TERM; touch ready; while :; do sleep 0.1; done"
# A descendant that leaves its parent's session and process group, as containers' keepers do.
WANDERING = "setsid sleep 1000 & touch ready; wait"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Service]]:
    started: list[Service] = []

    def begin(program: str, name: str = "one") -> Service:
        service = processes.start(tmp_path / name, ["sh", "-c", program], ENV)
        started.append(service)
        return service

    yield begin
    for service in started:
        processes.stop(service, seconds=0.2)


def until(state: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not state():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ready(service: Service) -> Callable[[], bool]:
    return (service.folder / "ready").exists


def test_a_service_is_awaited_by_its_state_and_stopped(start: Callable[[str], Service]) -> None:
    service = start("touch ready; exec sleep 1000")
    processes.wait_ready(service, ready(service), 10)
    pid = processes.leader(service)
    assert pid is not None
    assert os.getsid(pid) == pid
    processes.stop(service)
    assert not processes.is_alive(pid)
    processes.stop(service)  # nothing is left to do


def test_a_service_that_ends_too_early_shows_its_log(start: Callable[[str], Service]) -> None:
    service = start("echo no such thing; exit 3")
    with pytest.raises(ServiceError, match="one ended: no such thing"):
        processes.wait_ready(service, ready(service), 10)


def test_a_service_that_is_never_ready_is_given_up(start: Callable[[str], Service]) -> None:
    service = start("echo waiting; exec sleep 1000")
    with pytest.raises(ServiceError, match=r"not ready after 0\.3 s"):
        processes.wait_ready(service, ready(service), 0.3)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no-such-program"):
        processes.start(tmp_path / "one", ["no-such-program"], ENV)
    assert not (tmp_path / "one" / "process.json").exists()


@pytest.mark.parametrize("program", [STUBBORN, WANDERING])
def test_stopping_ends_what_does_not_want_to(start: Callable[[str], Service], program: str) -> None:
    service = start(program)
    processes.wait_ready(service, ready(service), 10)
    until(lambda: len(processes.members(service)) > 1)
    members = processes.members(service)
    processes.stop(service, seconds=0.3)
    assert [pid for pid in members if processes.is_alive(pid)] == []


def test_descendants_are_ended_after_their_leader_died(start: Callable[[str], Service]) -> None:
    service = start(WANDERING)
    processes.wait_ready(service, ready(service), 10)
    until(lambda: len(processes.members(service)) > 1)
    leader, *rest = processes.members(service)
    os.kill(leader, signal.SIGKILL)
    until(lambda: processes.leader(service) is None)
    processes.stop(service)
    assert [pid for pid in rest if processes.is_alive(pid)] == []


def test_a_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"]) as other:
        service = Service(tmp_path)
        state = {"mark": "0" * 32, "pid": other.pid, "started": 1}
        service.state.write_text(json.dumps(state))
        processes.stop(service, seconds=0.2)
        assert other.poll() is None
        other.kill()


def test_nothing_is_ended_for_a_start_that_did_not_happen(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.state.write_text(json.dumps({"mark": "0" * 32, "pid": 0, "started": 0}))
    processes.stop(service)
    assert not service.state.exists()


def test_a_service_outlives_the_interrupted_command_that_started_it(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from rehearsal.world import processes; "
        "processes.start(Path(sys.argv[1]), ['sleep', '1000'], {'PATH': '/bin'}); "
        "print('started', flush=True); time.sleep(1000)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "one")]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        os.killpg(parent.pid, signal.SIGINT)  # as the terminal does on Ctrl-C
        try:
            parent.wait(60)
        finally:
            parent.kill()
    service = Service(tmp_path / "one")
    pid = processes.leader(service)
    assert pid is not None
    processes.stop(service)
    assert not processes.is_alive(pid)
