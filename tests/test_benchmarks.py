"""The benchmark of a local release makes a release; the other tools are not needed to show it."""

import sys
from pathlib import Path

from benchmarks import history
from benchmarks.local_release import environment, git, prove, releasing


def test_our_local_release_is_a_release(tmp_path: Path) -> None:
    origin = tmp_path / "owner" / "name"
    origin.parent.mkdir()
    wanted = history.following(history.make(origin, 30))
    (tmp_path / "home").mkdir()
    assert environment(tmp_path, ours=True)["GITHUB_REPOSITORY"] == "owner/name"
    command = [sys.executable, "-m", "benchmarks.our_release", wanted]
    releasing(tmp_path, command, wanted)()()
    clone = tmp_path / Path(sys.executable).name
    prove(clone, wanted)
    assert git("-C", str(clone), "describe", "--exact-match").strip() == f"v{wanted}"
