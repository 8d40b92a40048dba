"""Unix sockets for a world's services: unlike a port, nobody else can take one in between."""

import socket
from pathlib import Path

import requests
from docker.transport import UnixHTTPAdapter

ORIGIN = "http+docker://localhost"


def accepts(where: Path) -> bool:
    """Tell whether something accepts connections on a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(where))
        except OSError:
            return False
        return True


def session(where: Path) -> requests.Session:
    """Return an HTTP session whose addresses below ORIGIN go to a socket."""
    made = requests.Session()
    made.trust_env = False
    made.mount(ORIGIN, UnixHTTPAdapter(f"http+unix://{where}"))
    return made
