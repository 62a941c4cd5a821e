"""The process in which sealed files are made, so that the desk is not disturbed: `python -m …child`, task on stdin."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

import msgspec

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.model.tables import SegmentRow
from papertape.store.child_process import describe_end, give_way
from papertape.store.segments.work import Task, carry_out

_encode = msgspec.json.encode
_decode_task = msgspec.json.Decoder(Task).decode


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    segment: SegmentRow | None = None
    failure: str | None = None
    code: str = ""
    is_passing: bool = False


_decode_outcome = msgspec.json.Decoder(_Outcome).decode


class SealingProcess:
    """Carries out tasks in a child process of low priority, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._is_closed = False

    def __call__(self, task: Task) -> SegmentRow | None:
        """Return what `work.carry_out` returns.

        Raises:
            Broken: as `carry_out`, or the process ended without an answer.
            Unavailable: the journal or the disk cannot be used now, or this was closed.
        """
        command = [sys.executable, "-m", "papertape.store.segments.child"]
        with self._lock:
            if self._is_closed:
                raise Unavailable("The sealer is closed.", code="store.closed")
            child = self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        with child:
            answer, said = child.communicate(_encode(task))
        try:
            outcome = _decode_outcome(answer)
        except msgspec.DecodeError as error:
            raise Broken(
                f"The process that seals the tape {describe_end(child.returncode, said)}. It is tried again later; "
                "the journal keeps everything.",
                code="store.sealing_ended",
            ) from error
        if outcome.failure is not None:
            kind = Unavailable if outcome.is_passing else Broken
            raise kind(outcome.failure, code=outcome.code)
        return outcome.segment

    def close(self) -> None:
        """End the process if one runs and take no more tasks; what it left is removed at the next start."""
        with self._lock:
            self._is_closed = True
            if self._child is not None and self._child.poll() is None:
                self._child.kill()


def _outcome(task: Task) -> _Outcome:
    try:
        return _Outcome(segment=carry_out(task))
    except PapertapeError as error:
        return _Outcome(failure=error.message, code=error.code, is_passing=not isinstance(error, Broken))
    except OSError as error:
        return _Outcome(
            failure=f"A sealed file could not be written ({error}); the journal keeps these batches, and it is tried "
            "again later. Look at the disk.",
            code="store.segment_unwritable",
            is_passing=True,
        )


def main() -> None:
    """Carry out the task that stands on the standard input and answer on the standard output."""
    gc.disable()  # entries make no circles, and looking for some among so many takes half the time
    give_way()
    sys.stdout.buffer.write(_encode(_outcome(_decode_task(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()
