"""The command line: `stream-pose-ml`.

Before a command runs, only the standard library is imported. So help and version are fast, and only
the commands that need scikit-learn load it.
"""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from stream_pose_ml.errors import StreamPoseError

COMMANDS = {
    "synthesize": "make labelled recordings from a seed",
    "train": "make a model from labelled recordings",
    "evaluate": "say how good a model is on recordings it has not seen",
    "classify": "classify the movement in a recording, or live",
}
EXAMPLES = """examples:
  stream-pose-ml synthesize --seed 1 --count 40 --output training
  stream-pose-ml train training --output my.skops
  stream-pose-ml synthesize --seed 2 --count 20 --output unseen
  stream-pose-ml evaluate unseen --model my.skops --png confusion.png
  stream-pose-ml classify unseen/squat-000.jsonl --model my.skops
  camera | stream-pose-ml classify - --api ws://localhost:5001/stream

exit codes: 0 done, 1 the input can't be used, 2 wrong usage, 130 interrupted
"""
LEARN = ("sklearn", "scipy", "skops", "matplotlib")
"""The packages of the extra `learn`."""
MOST_FRAMES = 100_000
"""Of one recording that is made: almost an hour of 30 frames per second."""
MOST_RECORDINGS = 100_000
LONGEST_WINDOW = 10_000
"""A number of frames that a model may have, as `stream_pose_ml.models` checks."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells say it."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        _command(options.command).run(options)
    except StreamPoseError as error:
        print(f"stream-pose-ml {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head`: the reader has gone, which is not an error
        sys.stderr.close()
    except KeyboardInterrupt:  # how a live stream is ended
        return INTERRUPTED
    return 0


def _command(name: str) -> Any:
    """Import the command. Raises StreamPoseError where it needs the extra that is not installed."""
    try:
        return import_module(f"stream_pose_ml.commands.{name}")
    except ModuleNotFoundError as error:
        if error.name not in LEARN:
            raise
        raise StreamPoseError(
            f'needs {error.name}, which is not installed: pip install "stream_pose_ml[learn]"'
        ) from error


class _Version(argparse.Action):
    """`--version`; it looks the version up only when it is used."""

    def __call__(self, *_: object) -> None:
        from stream_pose_ml import __version__  # noqa: PLC0415 - slow

        print(f"stream-pose-ml {__version__}")
        sys.exit(0)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="stream-pose-ml",
        description="Real-time classification of human movement from pose landmarks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    text = "show the program's version and exit"
    top.add_argument("--version", action=_Version, nargs=0, help=text)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    each = {name: commands.add_parser(name, help=text) for name, text in COMMANDS.items()}
    _synthesize(each["synthesize"])
    _train(each["train"])
    _evaluate(each["evaluate"])
    _classify(each["classify"])
    return top


def _synthesize(command: argparse.ArgumentParser) -> None:
    command.add_argument("--label", action="append", help="a movement (default: each)")
    text = "all movements by one body, one after the other, as one recording"
    command.add_argument("--routine", action="store_true", help=text)
    count, frames = _whole(1, MOST_RECORDINGS), _whole(1, MOST_FRAMES)
    command.add_argument("--count", type=count, default=1, help="recordings of each (default 1)")
    command.add_argument("--seed", type=_whole(1), default=1, help="same seed, same recordings")
    command.add_argument("--frames", type=frames, default=90, help="of each (default 90: 3 s)")
    text = "as a share of the picture, from 0 to 1 (default 0.004)"
    command.add_argument("--noise", type=_share, default=0.004, help=text)
    command.add_argument(
        "--output", type=Path, required=True, help="a folder, or - for one to stdout"
    )


def _train(command: argparse.ArgumentParser) -> None:
    _recordings(command)
    command.add_argument("--output", type=Path, required=True, help="the model's file (.skops)")
    window = _whole(2, LONGEST_WINDOW)
    command.add_argument("--window", type=window, default=30, help="frames a label is made from")
    command.add_argument("--folds", type=_whole(2), default=5, help="of the cross-validation")


def _evaluate(command: argparse.ArgumentParser) -> None:
    _recordings(command)
    _model(command)
    command.add_argument("--png", type=Path, help="draw the confusion matrix into this .png")


def _classify(command: argparse.ArgumentParser) -> None:
    command.add_argument("recording", help="a file of JSON Lines, or - for standard input, live")
    models = _model(command)
    models.add_argument("--api", metavar="URL", help="ask a running API instead of a model")
    command.add_argument("--json", action="store_true", help="a line of JSON for every frame")


def _recordings(command: argparse.ArgumentParser) -> None:
    text = "files of JSON Lines with a label, or folders of them"
    command.add_argument("recordings", type=Path, nargs="+", help=text)


def _model(command: argparse.ArgumentParser) -> Any:
    """Add the options that name a model; return their group, which excludes others."""
    models = command.add_mutually_exclusive_group()
    models.add_argument("--model", type=Path, help="a model's file (default: the bundled one)")
    text = "a type in it that only your own models hold, such as sklearn.tree._tree.Tree"
    command.add_argument("--trust", metavar="TYPE", action="append", default=[], help=text)
    return models


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Read a whole number within bounds."""
    bounds = f"must be a whole number, at least {least}"
    bounds += "" if most is None else f" and at most {most}"

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{bounds}: found {_short(text)}") from error
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{bounds}: found {_short(text)}")
        return number

    return read


def _share(text: str) -> float:
    """Read a number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:  # also false for NaN
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1: found {_short(text)}")
    return number


def _short(text: str) -> str:
    """Return the typed text, shortened to one line."""
    return repr(text if len(text) <= 40 else f"{text[:40]}...")  # noqa: PLR2004 - a part of a line
