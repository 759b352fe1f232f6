"""Commands on this machine."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from provisioning.exceptions import OperatorError, RetryableError
from provisioning.inventory.transport.protocol import MAX_OUTPUT_BYTES, Result, TargetSpec, checked_tree

CLEAN_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/",
    "LC_ALL": "C",
}


def run_process(argv: Sequence[str], *, name: str, stdin: str | None, timeout_s: float) -> Result:
    """Runs a process in a group and an environment of its own; on a timeout the whole group goes."""
    try:
        process = subprocess.Popen(
            list(argv), env=dict(CLEAN_ENVIRONMENT), start_new_session=True, text=True, errors="replace",
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as exc:
        raise OperatorError(f"{argv[0]} is not installed on {name}: install it") from exc
    except OSError as exc:
        raise RetryableError(f"{argv[0]} could not be run on {name}: {exc}") from exc
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired as exc:
        raise RetryableError(f"{argv[0]} on {name} took longer than {timeout_s:g} s and was ended") from exc
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return Result(stdout=stdout[:MAX_OUTPUT_BYTES], stderr=stderr[-MAX_OUTPUT_BYTES:], returncode=process.returncode)


class LocalTransport:
    def __init__(self, target: TargetSpec) -> None:
        self._name = target.name

    def run(self, argv: Sequence[str], *, input: str | None = None, timeout_s: float) -> Result:  # noqa: A002
        return run_process(argv, name=self._name, stdin=input, timeout_s=timeout_s)

    def remove_tree(self, path: str | PurePosixPath) -> None:
        tree = checked_tree(path)
        try:
            shutil.rmtree(tree)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise OperatorError(f"{tree} on {self._name} can't be removed: {exc}") from exc
