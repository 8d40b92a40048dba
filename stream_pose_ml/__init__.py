"""StreamPoseML: real-time classification of human movement from pose landmarks."""

__version__: str


def __getattr__(name: str) -> str:
    """Return `__version__` on first use, since its lookup takes longer than `--help`."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow

    try:
        return version("stream_pose_ml")
    except PackageNotFoundError:  # imported from a checkout, which has no version
        return "0+uninstalled"
