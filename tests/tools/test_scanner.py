"""The scanner: the pinned version or none, and an answer or an error, whatever its exit code."""

import os
from pathlib import Path

import pytest

from rehearsal.world import provision
from rehearsal.world.advisories import Advisory, write
from scripts.core import scan_policy
from scripts.core.errors import ServiceError
from scripts.tools.scanner import PACKAGE, PROGRAM, Scanner, pinned

pytestmark = pytest.mark.service
ASKED = scan_policy.question([("PyPI", "jinja2", "3.1.2")])
ONE = Advisory("PYSEC-1", "PyPI", "jinja2", fixed="3.1.6", aliases=("CVE-1",))


@pytest.fixture
def program() -> Path:
    return Path(provision.ensure([PROGRAM], lambda _line: None).path(PROGRAM))


def scanner(program: Path, folder: Path) -> Scanner:
    folder.mkdir(exist_ok=True)
    return Scanner({"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(folder)}, folder)


def test_the_pinned_version_finds_what_the_database_has(program: Path, tmp_path: Path) -> None:
    made = scanner(program, tmp_path / "own")
    assert made.version == pinned() != ""
    write(tmp_path / "osv-scanner", {"PyPI": [ONE]})
    (found,) = scan_policy.matches(made.scan(ASKED, tmp_path))
    assert (found.id, found.fixed, found.level) == ("CVE-1", "3.1.6", "high")
    write(tmp_path / "osv-scanner", {"PyPI": [Advisory("PYSEC-2", "PyPI", "other")]})
    assert list(scan_policy.matches(made.scan(ASKED, tmp_path))) == []


def test_without_a_database_there_is_no_answer(program: Path, tmp_path: Path) -> None:
    """Its exit code is 127 then, and its output a document without findings."""
    with pytest.raises(ServiceError, match="no offline version of the OSV database"):
        scanner(program, tmp_path / "own").scan(ASKED, tmp_path)


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_another_version_on_the_path_is_not_used(program: Path, tmp_path: Path) -> None:
    """Go is replaced, since a build from nothing takes minutes; `provision` builds it really."""
    there = tmp_path / "bin"
    script(there / PROGRAM, "echo 'osv-scanner version: 0.0.1'")
    script(there / "go", f'echo "$PWD $*" > {tmp_path}/said; mkdir -p "$(dirname "$4")"; '
                         f'cp {program} "$4"')  # fmt: skip
    made = scanner(there / PROGRAM, tmp_path / "own")
    write(tmp_path / "osv-scanner", {"PyPI": [ONE]})
    assert made.scan(ASKED, tmp_path)["results"]
    said = (tmp_path / "said").read_text()
    assert said.split()[0].endswith("scripts/tools/osv_scanner")
    assert said.split()[-1] == PACKAGE


@pytest.mark.parametrize("said", ["", "[]", "no JSON"])
def test_another_answer_is_refused(tmp_path: Path, said: str) -> None:
    there = tmp_path / "bin" / PROGRAM
    version = f"osv-scanner version: {pinned()}"
    script(there, f'test "$1" = --version && echo "{version}" && exit 0\nprintf "{said}"')
    with pytest.raises(ServiceError, match="not a JSON object"):
        scanner(there, tmp_path / "own").scan(ASKED, tmp_path)
