"""Run the command line: `python -m stream_pose_ml`."""

import sys

from stream_pose_ml.cli import main

if __name__ == "__main__":
    sys.exit(main())
