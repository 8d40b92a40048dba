"""The runner finds a planted fault that no test notices, and one that a test does."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutation import running
from tests.mutation.__main__ import (
    EQUIVALENT,
    ROOT,
    equivalent,
    judged,
    known_by,
    recorded,
    sample,
    scores,
)
from tests.mutation.mutants import Mutant, mutants, source
from tests.mutation.reach import Reached
from tests.mutation.running import (
    FAST,
    KILLED,
    LATE,
    SURVIVED,
    BaselineError,
    Copy,
    chosen,
    files,
)

MODULE = '''\
"""Ages."""

LIMIT = 18


def grown(age: int) -> bool:
    """Say whether somebody is grown up."""
    # From the birthday on.
    return age >= LIMIT


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
AGES, COUNT = "tests/core/test_ages.py::test_ages", "tests/core/test_ages.py::test_countdown"
REACH = (ROOT / "tests/mutation/reach.py").read_text("utf-8")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A checkout with one module whose tests do not look at the edge."""
    root = tmp_path / "checkout"
    files = {
        PATH: MODULE,
        "tests/core/test_ages.py": TESTS,
        "scripts/core/__init__.py": "",
        "scripts/__init__.py": "",
        "tests/mutation/reach.py": REACH,
        "pyproject.toml": "[tool.pytest.ini_options]\n"
        'markers = ["world: x", "rehearsal: x", "service: x"]\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def faults(root: Path, *now: str) -> Iterator[Mutant]:
    found = list(mutants(root, PATH))
    for text in now:
        yield next(mutant for mutant in found if mutant.now == text)


def test_it_tells_what_was_noticed_from_what_was_not(small: Path, tmp_path: Path) -> None:
    drawn = list(faults(small, "return age > LIMIT", "return None", "LIMIT = 19"))
    copies = [Copy.made(small, tmp_path / "copies" / str(n)) for n in range(2)]
    reached = recorded(copies, files(small), FAST)
    assert {name: one["functions"] for name, one in reached.items()} == {
        AGES: [f"{PATH}:grown"],
        COUNT: [f"{PATH}:countdown"],
    }
    results = list(judged(drawn, copies, reached))
    assert [(one.now, end) for one, end in results] == [
        ("return age > LIMIT", SURVIVED),
        ("return None", KILLED),
        ("LIMIT = 19", SURVIVED),
    ]
    assert (small / PATH).read_text("utf-8") == MODULE
    assert "1 of    3   33.3 %  scripts/core/ages.py" in scores(results)
    assert "- return age >= LIMIT\n+ return age > LIMIT" in str(drawn[0])


def test_a_fault_is_judged_by_the_tests_that_reach_it(small: Path) -> None:
    inside, outside = faults(small, "return age > LIMIT", "LIMIT = 19")
    assert (inside.function, outside.function) == ("grown", "")
    reached = {
        "tests/core/test_b.py::slow": Reached(seconds=2, functions=[f"{PATH}:grown"]),
        "tests/core/test_b.py::quick": Reached(seconds=1, functions=[f"{PATH}:grown"]),
        "tests/core/test_a.py::slower": Reached(seconds=4, functions=[f"{PATH}:grown"]),
        "tests/core/test_a.py::other": Reached(seconds=0, functions=["scripts/core/b.py:grown"]),
        COUNT: Reached(seconds=3, functions=[f"{PATH}:countdown"]),
        AGES: Reached(seconds=9, functions=[f"{PATH}:grown"]),
    }
    reaching = [AGES, *(f"tests/core/test_{one}" for one in
                        ("b.py::quick", "b.py::slow", "a.py::slower"))]  # fmt: skip
    assert chosen(reached, inside) == reaching
    assert chosen(reached, outside) == [COUNT, *reaching]


def test_a_loop_without_end_is_ended(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SLACK", 5)
    (endless,) = faults(small, "left += 1")
    copy = Copy.made(small, tmp_path / "copy")
    assert copy.judge(endless, copy.record(files(small), FAST)) == LATE
    assert (copy.root / PATH).read_text("utf-8") == MODULE


def test_a_test_that_fails_without_a_fault_can_tell_none(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = TESTS.replace("not grown(3)", "grown(3)")
    (small / "tests/core/test_ages.py").write_text(failing, "utf-8")
    copy = Copy.made(small, tmp_path / "copy")
    reached = copy.record(files(small), FAST)
    assert set(reached) == {COUNT}
    assert "test_ages" in capsys.readouterr().err
    (none,) = faults(small, "return None")
    assert copy.judge(none, reached) == SURVIVED


def test_tests_that_cannot_be_run_are_an_error(small: Path, tmp_path: Path) -> None:
    (small / "tests/core/test_ages.py").write_text("import nothing_like_it", "utf-8")
    with pytest.raises(BaselineError, match="cannot be run without a fault"):
        Copy.made(small, tmp_path / "copy").record(files(small), FAST)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a = b == 1", {"a = b != 1", "a = b == 2", "a = b == 0"}),
        ("if a and (not b):\n    c()", {"if a or not b:", "if not (a and (not b)):", "pass"}),
        ("a = [b for b in c if b]\na = d[a]", {"a = [b for b in c if not b]", "pass"}),
        ("a: Literal[1] = True", {"a: Literal[1] = False"}),
        ("@d(frozen=True)\ndef f() -> 1:\n    '''Say.'''\n    return g(-1)",
         {"return None", "return g(-2)", "return g(-0)"}),
        ("if TYPE_CHECKING:\n    a(1)\nimport b", set()),
        ("def f():\n    return None", set()),
        ("def f():\n    return False", {"return True"}),
        ("a = zip(b, c, strict=True)", set()),
        ("a = f'{b + 1}'", {"a = f'{b - 1}'", "a = f'{b + 2}'", "a = f'{b + 0}'"}),
    ],
)  # fmt: skip
def test_which_faults_there_are(tmp_path: Path, code: str, expected: set[str]) -> None:
    (tmp_path / "a.py").write_text(code, "utf-8")
    found = list(mutants(tmp_path, "a.py"))
    assert {one.now for one in found} == expected
    assert len({source(code, one.number) for one in found}) == len(found)
    assert source(code, None) not in {source(code, one.number) for one in found}


def test_a_seed_draws_the_same_and_what_is_equivalent_is_not_drawn(small: Path) -> None:
    found = list(mutants(small, PATH))
    known = {(PATH, "grown", "return age >= LIMIT", "return age > LIMIT")}
    assert sample(found, set(), 4, 7) == sample(found, set(), 4, 7) != sample(found, set(), 4, 8)
    assert len(sample(found, known, 99, 7)) == len(found) - 1


def test_there_are_tests_to_judge_by() -> None:
    assert {one.split("/")[1] for one in files(ROOT)} == set(running.FOLDERS)
    assert set(running.UNFIT) <= {p.relative_to(ROOT).as_posix() for p in ROOT.glob("tests/*/*")}


def test_what_is_called_equivalent_is_a_fault_that_there_is_with_a_reason() -> None:
    known = equivalent(EQUIVALENT.read_text("utf-8"))
    found = {known_by(m) for path in {one[0] for one in known}
             for m in mutants(ROOT, path)}  # fmt: skip
    assert known <= found
    assert EQUIVALENT.read_text("utf-8").count("\nreason = ") == len(known)
