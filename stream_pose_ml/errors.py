"""Errors of the package's inputs."""


class StreamPoseError(Exception):
    """Any problem with a recording, a model or a command; its text says cause, place and remedy."""


class FrameError(StreamPoseError):
    """A frame or a sequence of frames that is not a set of 33 finite landmarks."""


class RecordingError(StreamPoseError):
    """A recording that can't be read; the text names the file and the line."""


class ModelError(StreamPoseError):
    """A model that cannot be loaded, or that does not fit its frames."""


class ServiceError(StreamPoseError):
    """An API that can't be reached, or that ended the stream; the text has its reason."""
