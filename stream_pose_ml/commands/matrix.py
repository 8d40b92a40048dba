"""A confusion matrix, as text and as a picture."""

from importlib.util import find_spec
from pathlib import Path

from stream_pose_ml.commands import inputs
from stream_pose_ml.errors import ModelError, StreamPoseError
from stream_pose_ml.training import Evaluation


def text(evaluation: Evaluation) -> str:
    """Return a table: actual labels in rows, predicted ones in columns, recall and accuracy."""
    labels, confusion = evaluation.labels, evaluation.confusion
    widths = [max(len(label), len(str(confusion.max()))) for label in labels]
    first = max(len(label) for label in [*labels, "was / said"])
    head = "  ".join(label.rjust(width) for label, width in zip(labels, widths, strict=True))
    lines = [f"{'was / said':<{first}}  {head}  recall"]
    for label, row in zip(labels, confusion, strict=True):
        cells = "  ".join(str(n).rjust(width) for n, width in zip(row, widths, strict=True))
        known = row.sum()
        recall = f"{row[labels.index(label)] / known:6.1%}" if known else "     -"
        lines.append(f"{label:<{first}}  {cells}  {recall}")
    return "\n".join([*lines, f"accuracy {evaluation.accuracy:.2%} of {confusion.sum()} windows"])


def drawable(path: Path) -> None:
    """Raise StreamPoseError where no picture can be drawn there."""
    if path.suffix.lower() != ".png":
        raise StreamPoseError(f"{path}: expected a name that ends in .png")
    inputs.writable(path)
    if find_spec("matplotlib") is None:
        raise StreamPoseError('drawing needs matplotlib: pip install "stream_pose_ml[learn]"')


def draw(evaluation: Evaluation, path: Path) -> None:
    """Write the same as PNG. Raises ModelError where it can't be written."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow, and optional

    labels, confusion = evaluation.labels, evaluation.confusion
    figure = Figure(figsize=(1.5 + len(labels), 1 + len(labels)), dpi=120, layout="constrained")
    axes = figure.add_subplot(
        title=f"accuracy {evaluation.accuracy:.1%}", xlabel="said", ylabel="was"
    )
    axes.imshow(confusion, cmap="Blues")
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    for row, column in ((r, c) for r in range(len(labels)) for c in range(len(labels))):
        count = int(confusion[row, column])
        shade = "white" if count > confusion.max() / 2 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=shade)
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise ModelError(f"{path}: can't be written: {error}") from error
