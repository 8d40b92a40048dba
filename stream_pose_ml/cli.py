"""The command line: `stream-pose-ml`."""

import argparse

from stream_pose_ml import __version__


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 the input was no good, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="stream-pose-ml", description="Movement from landmarks.")
    parser.add_argument("--version", action="version", version=f"stream-pose-ml {__version__}")
    parser.parse_args(arguments)
    parser.print_help()
    return 0
