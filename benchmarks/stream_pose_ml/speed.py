"""The benchmark of the release's scorecard: it runs with the installed package of each release.

It prints one JSON object of names and numbers; less is better. It needs no extra of the package.
"""

import json
import time

import numpy as np

from stream_pose_ml import features, synthetic

FRAMES = 10_000


def main() -> None:
    """Compute the features of a long recording, and print the milliseconds."""
    frames = synthetic.recording("squat", seed=1, frames=FRAMES).landmarks.astype(np.float64)
    features.frame_features(frames[:20])
    began = time.perf_counter()
    features.frame_features(frames)
    print(json.dumps({f"features of {FRAMES:,} frames, ms": (time.perf_counter() - began) * 1000}))


if __name__ == "__main__":
    main()
