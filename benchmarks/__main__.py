"""`python -m benchmarks [NAME...]`: measure all, or what is named; fail if a promise is broken."""

import importlib
import sys

NAMES = ("startup", "changelog", "local_release")


def main(names: list[str]) -> int:
    """Run the benchmarks one after another, and give the worst exit code."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return 2
    codes = []
    for name in names or NAMES:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        codes.append(benchmark.main())
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
