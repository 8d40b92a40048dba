"""Say how good a model is on recordings it has not seen."""

import argparse

from stream_pose_ml import training
from stream_pose_ml.commands import inputs, matrix


def run(options: argparse.Namespace) -> None:
    """Print the confusion matrix, and draw it where a picture is asked for."""
    if options.png:
        matrix.drawable(options.png)
    model = inputs.model(options.model, options.trust)
    data = training.samples(inputs.labelled(options.recordings), model.window)
    evaluation = training.evaluate(model, data)
    print(matrix.text(evaluation))
    if options.png:
        matrix.draw(evaluation, options.png)
        print(f"drawn: {options.png}")
