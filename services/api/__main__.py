"""Run the API: `python -m services.api`."""

import logging
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from services.api.app import create
from services.api.settings import Settings, from_environment
from services.bounds import bounded
from stream_pose_ml import __version__


class Server(uvicorn.Server):
    """Uvicorn, which first tells the open streams that it stops."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End with exit code 0 on a signal; uvicorn would raise it once more at its end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain the streams, then do what uvicorn does."""
        await self.config.app.state.streams.drain()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def configuration(settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the API."""
    logging.getLogger("uvicorn.error").addFilter(_worth_a_line)
    return uvicorn.Config(
        create(settings),
        host=settings.host,
        port=settings.port,
        ws_max_size=settings.message_bytes,
        ws_per_message_deflate=False,  # costs more than it saves on frames of two kilobytes
        timeout_graceful_shutdown=5,
        server_header=False,
        access_log=False,
        log_level="warning",  # else two lines for every stream
        **bounded(settings.head_seconds),
    )


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Omit the traceback of a text frame that is not UTF-8: its stream gets the code 1007."""
    return not (record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError))


def main() -> None:
    """Serve until a signal."""
    _allow_files()
    settings = from_environment()
    print(f"StreamPoseML API {__version__} on port {settings.port}", flush=True)
    Server(configuration(settings)).run()


def _allow_files() -> None:
    """A stream is an open file: raise the usual limit of 1024 to the system's maximum."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
