"""A plugin of pytest: record which tests reach a function, or run a list of tests in its order.

pytest --record=FILE writes for each test its seconds and the functions of `scripts` that it called.
pytest --listed=FILE runs the tests whose names FILE has, one a line, in that order.
"""

import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import TypedDict

import pytest
from hypothesis import Phase, settings

# A failure is enough: the smallest input that shows it is not looked for.
settings.register_profile(
    "mutants", phases=[Phase.explicit, Phase.generate], max_examples=50, deadline=None
)


class Reached(TypedDict):
    """What one test took, in seconds, and reached: `scripts/core/lockfile.py:Lock.names`."""

    seconds: float
    functions: list[str]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add both options."""
    parser.addoption("--record", type=Path)
    parser.addoption("--listed", type=Path)


def pytest_configure(config: pytest.Config) -> None:
    """Start to record, where a file is given for it."""
    if file := config.getoption("--record"):
        config.pluginmanager.register(Recorder(config.rootpath, file))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the listed tests, in their order."""
    if file := config.getoption("--listed"):
        order = {name: at for at, name in enumerate(file.read_text("utf-8").splitlines())}
        chosen = [item for item in items if item.nodeid in order]
        items[:] = sorted(chosen, key=lambda item: order[item.nodeid])


class Recorder:
    """Notes the functions that each test calls.

    What a fixture calls counts for every test of the file: other tests may share the fixture.
    """

    def __init__(self, root: Path, file: Path) -> None:
        """Record for a checkout into a file."""
        self.root, self.file = root / "scripts", file
        self.codes: dict[int, CodeType] = {}
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, set[str]] = {}
        self.fixtures: dict[str, set[str]] = defaultdict(set)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Note what the fixtures call."""
        began = time.monotonic()
        with self._traced():
            yield
        self.fixtures[str(item.path)] |= set(self._names())
        self.seconds[item.nodeid] = time.monotonic() - began

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Note what the test calls."""
        began = time.monotonic()
        with self._traced():
            yield
        self.calls[item.nodeid] = set(self._names())
        self.seconds[item.nodeid] += time.monotonic() - began

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the record."""
        found = {
            item.nodeid: Reached(
                seconds=self.seconds[item.nodeid],
                functions=sorted(self.calls[item.nodeid] | self.fixtures[str(item.path)]),
            )
            for item in session.items
            if item.nodeid in self.calls
        }
        self.file.write_text(json.dumps(found), "utf-8")

    @contextmanager
    def _traced(self) -> Iterator[None]:
        self.codes.clear()
        threading.settrace(self._note)
        sys.settrace(self._note)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)

    def _note(self, frame: FrameType, _event: str, _argument: object) -> None:
        self.codes[id(frame.f_code)] = frame.f_code

    def _names(self) -> Iterable[str]:
        for code in list(self.codes.values()):
            file = Path(code.co_filename)
            if file.is_relative_to(self.root):
                outer = code.co_qualname.split(".<", 1)[0]
                yield f"{file.relative_to(self.root.parent).as_posix()}:{outer}"
