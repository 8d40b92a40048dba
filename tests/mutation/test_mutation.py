"""The runner finds a planted fault that no test notices, and one that a test does."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutation.__main__ import EQUIVALENT, ROOT, equivalent, judged, paths, sample, scores
from tests.mutation.mutants import Mutant, mutants, source
from tests.mutation.running import (
    KILLED,
    LATE,
    OWN,
    SLACK,
    SURVIVED,
    TIMES,
    BaselineError,
    Copy,
    steps,
)

MODULE = '''\
"""Ages."""


def grown(age: int) -> bool:
    """Say whether somebody is grown up."""
    # From the birthday on.
    return age >= 18


def countdown(left: int) -> int:
    """Count to nothing."""
    while left > 0:
        left -= 1
    return left
'''
TESTS = """\
from scripts.core.ages import countdown, grown

def test_ages():
    assert grown(30)
    assert not grown(3)

def test_countdown():
    assert countdown(2) == 0
"""
PATH = "scripts/core/ages.py"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A checkout with one module whose tests do not look at the edge."""
    root = tmp_path / "checkout"
    files = {
        PATH: MODULE,
        "tests/core/test_ages.py": TESTS,
        "scripts/core/__init__.py": "",
        "scripts/__init__.py": "",
        "pyproject.toml": "[tool.pytest.ini_options]\n"
        'markers = ["world: x", "rehearsal: x", "service: x"]\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def chosen(root: Path, *now: str) -> Iterator[Mutant]:
    found = list(mutants(root, PATH))
    for text in now:
        yield next(mutant for mutant in found if mutant.now == text)


def test_it_tells_what_was_noticed_from_what_was_not(small: Path, tmp_path: Path) -> None:
    drawn = list(chosen(small, "return age > 18", "return None", "return age >= 19"))
    found = judged(drawn, small, tmp_path / "copies", workers=2, seed=1)
    results = list(found)
    assert [(one.now, end) for one, end in results] == [
        ("return age > 18", SURVIVED),
        ("return None", KILLED),
        ("return age >= 19", SURVIVED),
    ]
    assert (small / PATH).read_text("utf-8") == MODULE
    assert "1 of    3   33.3 %  scripts/core/ages.py" in scores(results)
    assert "- return age >= 18\n+ return age > 18" in str(drawn[0])


def test_a_loop_without_end_is_ended(small: Path, tmp_path: Path) -> None:
    (endless,) = chosen(small, "left += 1")
    copy = Copy.made(small, tmp_path / "copy")
    tests = ("tests/core",)
    once = (copy.check([tests])[tests] - SLACK) / TIMES
    assert copy.judge(endless, {tests: 3 * once}) == LATE
    assert (copy.root / PATH).read_text("utf-8") == MODULE


def test_tests_that_fail_without_a_fault_can_tell_none(small: Path, tmp_path: Path) -> None:
    (small / "tests/core/test_ages.py").write_text("def test_it():\n    assert 0\n", "utf-8")
    drawn = list(chosen(small, "return None"))
    with pytest.raises(BaselineError, match="fails without a fault"):
        list(judged(drawn, small, tmp_path / "copies", workers=1, seed=1))


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("a = b == 1", {"a = b != 1", "a = b == 2", "a = b == 0"}),
        ("if a and (not b):\n    c()", {"if a or not b:", "if not (a and (not b)):", "pass"}),
        ("a = [b for b in c if b]\na = d[a]", {"a = [b for b in c if not b]", "pass"}),
        ("a: Literal[1] = True", {"a: Literal[1] = False"}),
        ("@d(frozen=True)\ndef f() -> 1:\n    '''Say.'''\n    return g(-1)",
         {"return None", "return g(-2)", "return g(-0)"}),
        ("if TYPE_CHECKING:\n    a(1)\nimport b", set()),
        ("def f():\n    return None", set()),
        ("a = f'{b + 1}'", {"a = f'{b - 1}'", "a = f'{b + 2}'", "a = f'{b + 0}'"}),
    ],
)  # fmt: skip
def test_which_faults_there_are(tmp_path: Path, code: str, faults: set[str]) -> None:
    (tmp_path / "a.py").write_text(code, "utf-8")
    found = list(mutants(tmp_path, "a.py"))
    assert {one.now for one in found} == faults
    assert len({source(code, one.number) for one in found}) == len(found)
    assert source(code, None) not in {source(code, one.number) for one in found}


def test_a_seed_draws_the_same_and_what_is_equivalent_is_not_drawn(small: Path) -> None:
    found = list(mutants(small, PATH))
    known = {(PATH, "return age >= 18", "return age > 18")}
    assert sample(found, set(), 4, 7) == sample(found, set(), 4, 7) != sample(found, set(), 4, 8)
    assert len(sample(found, known, 99, 7)) == len(found) - 1


@pytest.mark.parametrize("path", paths(ROOT))
def test_every_file_has_tests_to_judge_it(path: str) -> None:
    assert steps(ROOT, path)


def test_the_tests_that_are_named_are_there() -> None:
    for path, tests in OWN.items():
        assert (ROOT / path).exists()
        assert (ROOT / tests).exists()


def test_what_is_called_equivalent_is_a_fault_that_there_is_with_a_reason() -> None:
    known = equivalent(EQUIVALENT.read_text("utf-8"))
    found = {(m.path, m.was, m.now) for path in {one[0] for one in known}
             for m in mutants(ROOT, path)}  # fmt: skip
    assert known <= found
    assert EQUIVALENT.read_text("utf-8").count("\nreason = ") == len(known)
