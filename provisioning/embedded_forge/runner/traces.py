"""What jobs print: one file a job, capped, secrets masked before they reach the disk."""

from collections.abc import Iterable
from pathlib import Path

from provisioning.embedded_forge import configuration
from provisioning.embedded_forge.runner.masking import Masker


def path_of(job_id: int) -> Path:
    return configuration.home() / "traces" / f"{job_id}.log"


def read(job_id: int) -> bytes:
    """Empty where the job has printed nothing yet."""
    try:
        return path_of(job_id).read_bytes()
    except FileNotFoundError:
        return b""


def remove(job_ids: Iterable[int]) -> None:
    for job_id in job_ids:
        path_of(job_id).unlink(missing_ok=True)


def append_notice(job_id: int, text: str) -> None:
    """A line of the runner's own, after the job's run is over."""
    path_of(job_id).parent.mkdir(parents=True, exist_ok=True)
    with path_of(job_id).open("ab") as file:
        file.write(f"{text}\n".encode())


class Trace:
    """Takes a job's output chunk by chunk. What goes beyond the cap is dropped, and the trace says so once."""

    def __init__(self, job_id: int, secrets: Iterable[str]) -> None:
        path = path_of(job_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb", buffering=0)
        self._masker = Masker(secrets)
        self._room = configuration.max_trace_bytes()
        self._is_full = False

    def output(self, chunk: bytes) -> None:
        self._write(self._masker.feed(chunk))

    def line(self, text: str) -> None:
        """A line of the runner's own."""
        self._write(self._masker.flush())
        self._file.write(self._masker.whole(f"{text}\n".encode()))

    def close(self) -> None:
        self._write(self._masker.flush())
        self._file.close()

    def _write(self, data: bytes) -> None:
        if self._is_full or not data:
            return
        self._file.write(data[: self._room])
        self._room -= len(data)
        if self._room < 0:
            self._is_full = True
            text = (
                f"\nJob's log exceeded limit of {configuration.max_trace_bytes()} bytes.\n"
                "Job execution will continue but no more output will be collected.\n"
            )
            self._file.write(text.encode())
