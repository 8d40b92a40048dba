"""StreamPoseML: real-time classification of human movement from pose landmarks."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _installed

try:
    __version__ = _installed("stream_pose_ml")
except PackageNotFoundError:  # imported from a checkout: no version is claimed
    __version__ = "0+uninstalled"
