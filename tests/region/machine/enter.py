"""`python -IS enter.py PID FOLDER COMMAND...`: run a command on the host with this PID 1.

Ends as the command ends. Unlike nsenter(1) it stays until the command is reaped, also after Ctrl-C, which the whole
process group gets; SIGTERM and SIGHUP are passed on. If it is killed itself, the command goes too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from types import FrameType

SPACES = ("cgroup", "ipc", "uts", "net", "pid", "mnt")
PR_SET_PDEATHSIG = 1
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def main(pid: str, folder: str, command: list[str]) -> int:
    """The command's exit code; a signal that ended it ends this too."""
    libc = ctypes.CDLL(None, use_errno=True)
    handles = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in SPACES]
    for handle in handles:
        if libc.setns(handle, 0):
            raise OSError(ctypes.get_errno(), "setns")
        os.close(handle)
    child = os.fork()
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _execute(folder, command)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) != signal.SIGKILL:
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    return os.waitstatus_to_exitcode(status)


def _execute(folder: str, command: list[str]) -> None:
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.chdir(folder)
        os.execvp(command[0], command)
    except OSError as error:
        print(f"tests.region: {error.filename or command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
