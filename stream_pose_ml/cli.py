"""The command line: `stream-pose-ml`.

Nothing but the standard library is imported before it is known which command runs: help and version
come at once, and scikit-learn is loaded only by what needs it.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from stream_pose_ml import __version__
from stream_pose_ml.errors import StreamPoseError

COMMANDS = {
    "synthesize": "make labelled recordings from a seed",
    "train": "make a model from labelled recordings",
    "evaluate": "say how good a model is on recordings it has not seen",
    "classify": "say what is done in a recording, or live",
}
EXAMPLES = """examples:
  stream-pose-ml synthesize --seed 1 --count 40 --output training
  stream-pose-ml train training --output my.skops
  stream-pose-ml synthesize --seed 2 --count 20 --output unseen
  stream-pose-ml evaluate unseen --model my.skops --png confusion.png
  stream-pose-ml classify unseen/squat-000.jsonl --model my.skops
  camera | stream-pose-ml classify - --api ws://localhost:5001/stream

exit codes: 0 done, 1 the input was no good, 2 wrong usage
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    command = import_module(f"stream_pose_ml.commands.{options.command}")
    try:
        command.run(options)
    except StreamPoseError as error:
        print(f"stream-pose-ml {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head`: nobody reads on, which is no error
        sys.stderr.close()
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="stream-pose-ml",
        description="Real-time classification of human movement from pose landmarks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"stream-pose-ml {__version__}")
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
    command.add_argument("--count", type=_count, default=1, help="recordings of each (default 1)")
    command.add_argument("--seed", type=_count, default=1, help="same seed, same recordings")
    command.add_argument("--frames", type=_count, default=90, help="of each (default 90: 3 s)")
    command.add_argument("--noise", type=float, default=0.004, help="as a share of the picture")
    command.add_argument(
        "--output", type=Path, required=True, help="a folder, or - for one to stdout"
    )


def _train(command: argparse.ArgumentParser) -> None:
    _recordings(command)
    command.add_argument("--output", type=Path, required=True, help="the model's file (.skops)")
    command.add_argument("--window", type=_count, default=30, help="frames a label is made from")
    command.add_argument("--folds", type=_count, default=5, help="of the cross-validation")


def _evaluate(command: argparse.ArgumentParser) -> None:
    _recordings(command)
    _model(command)
    command.add_argument("--png", type=Path, help="draw the confusion matrix into this file")


def _classify(command: argparse.ArgumentParser) -> None:
    command.add_argument("recording", help="a file of JSON Lines, or - for standard input, live")
    _model(command)
    command.add_argument("--api", metavar="URL", help="ask a running API instead of a model")
    command.add_argument("--json", action="store_true", help="a line of JSON for every frame")


def _recordings(command: argparse.ArgumentParser) -> None:
    text = "files of JSON Lines with a label, or folders of them"
    command.add_argument("recordings", type=Path, nargs="+", help=text)


def _model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", type=Path, help="a model's file (default: the bundled one)")
    text = "a type in it that only your own models hold, such as sklearn.tree._tree.Tree"
    command.add_argument("--trust", metavar="TYPE", action="append", default=[], help=text)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, found {number}")
    return number
