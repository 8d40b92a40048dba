"""Make a model from labelled recordings."""

import argparse

from stream_pose_ml import training
from stream_pose_ml.commands import inputs, matrix
from stream_pose_ml.errors import ModelError
from stream_pose_ml.models import save_model


def run(options: argparse.Namespace) -> None:
    """Print the cross-validation's report, and write the model trained on everything."""
    inputs.writable(options.output)
    data = training.samples(inputs.labelled(options.recordings), options.window)
    report = training.cross_validate(data, options.folds)
    print(f"cross-validation, {options.folds} folds, no recording in two of them:")
    print(matrix.text(report))
    try:
        save_model(training.train(data, options.window), options.output)
    except OSError as error:
        raise ModelError(f"{options.output}: can't be written: {error}") from error
    print(f"trained on {len(data.labels)} windows of {options.window} frames: {options.output}")
