"""Find the job that sends a request under act: from the system, not from the sender.

act has one GITHUB_TOKEN for all jobs of a run, so the token does not distinguish them. A process
could give a wrong name, since a step may set any variable for its programs. So this follows the
connection to its process (socket, then descriptor), and the process up to the one that act itself
started; the environment of that one was written by act, and nobody can change it later. Who does
not stand below the run's act has no job: a process that outlived its step among them.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
RUN = "REHEARSAL_RUN"
"""The variable with a run's folder, which only jobs of a rehearsal have."""
Address = tuple[str, int]
TRIES = 5
"""A read of the system's lists is not atomic, so they may lack recent changes."""


def job_of(client: Address, server: Address, runner: int) -> str:
    """Return `WORKFLOW/JOB` of the process at the other end, or "" if no job of that runner has it.

    `client` is the source address, `server` the target address, `runner` the process id of the
    run's act.
    """
    for _ in range(TRIES):
        for pid in _holders(_inode(client, server)):
            names = _environment(_below(pid, runner))
            if "GITHUB_JOB" in names:
                return f"{names.get('GITHUB_WORKFLOW', '')}/{names['GITHUB_JOB']}"
    return ""


def claimed_job(client: Address, server: Address) -> str:
    """Return `RUN/JOB` as the process at the other end or its ancestors say, or "" without one.

    Use it only to count: a process can say anything of itself. A job that rehearses something
    itself, in a run outside, does not count.
    """
    for pid in _holders(_inode(client, server)):
        for one in (pid, *_ancestors(pid)):
            names = _environment(one)
            if "GITHUB_JOB" in names and RUN in names:
                return f"{names[RUN]}/{names['GITHUB_JOB']}"
    return ""


def _inode(client: Address, server: Address) -> str:
    """Return the inode of the client's end of a connection, "" if it is not of here."""
    wanted = [_spelled(client), _spelled(server)]
    for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == wanted:
            return fields[9]
    return ""


def _spelled(address: Address) -> str:
    """Return an address as the system's list has it."""
    host, port = address
    return f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"


def _holders(inode: str) -> Iterator[int]:
    """Yield the processes that have the socket open."""
    for folder in PROC.glob("[0-9]*/fd") if inode else ():
        if f"socket:[{inode}]" in _links(folder):
            yield int(folder.parent.name)


def _links(folder: Path) -> Iterator[str]:
    """Yield the open files of a process, which may open and close files at the same time."""
    try:
        entries = list(folder.iterdir())
    except OSError:  # it has ended, or belongs to somebody else
        return
    for entry in entries:
        with suppress(OSError):
            yield str(entry.readlink())


def _below(pid: int, runner: int) -> int:
    """Return the ancestor that the runner started, or the process itself; 0 if there is none."""
    line = [pid, *_ancestors(pid)]
    return line[line.index(runner) - 1] if runner in line[1:] else 0


def _ancestors(pid: int) -> Iterator[int]:
    """Yield the parent of a process, its parent, and so on."""
    while pid > 1:
        pid = _parent(pid)
        yield pid


def _parent(pid: int) -> int:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return 0
    # The program's name is in parentheses and may contain any text.
    return int(text.rpartition(")")[2].split()[1])


def _environment(pid: int) -> Mapping[str, str]:
    try:
        text = (PROC / str(pid) / "environ").read_bytes().decode(errors="replace") if pid else ""
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)
