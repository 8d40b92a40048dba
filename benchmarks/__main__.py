"""`python -m benchmarks [NAME...]`: measure all, or what is named; fail if a promise is broken."""

import importlib
import sys
from collections.abc import Callable

NAMES = (
    *("startup", "changelog", "worst", "cut", "draft", "local_release", "scorecard"),
    *("stream_pose_ml.package", "stream_pose_ml.load", "stream_pose_ml.page"),
)


def run(names: list[str]) -> int:
    """Run the benchmarks one after another, and give the worst exit code."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return 2
    codes: list[int] = []
    for name in names or NAMES:
        main: Callable[[], int] = importlib.import_module(f"benchmarks.{name}").main
        codes.append(main())
    return max(codes)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
