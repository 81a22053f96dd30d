"""The process of one model: it takes limits on itself, loads the model, and answers.

Its first message says which file, its sha256 and the limits; it answers `{}` or a `problem`. Each
later one has `texts`, and is answered by `scores` and the `default` label, or by a `problem`. It
has no variables of the gateway, and ends with it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from kt.gateway.upstream.models.onnx.external import BadModelError
from kt.gateway.upstream.models.onnx.model import FileModel
from kt.gateway.upstream.models.onnx.wire import packed, read

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 64


def main() -> None:
    """Serve until there is nothing more to read."""
    asked, answers = _streams()
    told = read(asked)
    _limit(told["memory_bytes"])
    _allow_seconds(told["cpu_seconds"])
    try:
        model = FileModel(Path(told["file"]), told["sha256"], told["threads"])
    except (BadModelError, ImportError, MemoryError) as exc:
        _send(answers, {"problem": str(exc) or "it takes too much memory"})
        return
    _send(answers, {})
    while True:
        try:
            texts = read(asked)["texts"]
        except EOFError:
            return
        _allow_seconds(told["cpu_seconds"])
        _send(answers, _answer(model, texts))


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """What is read and written; whatever else a library prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, answers


def _send(answers: BinaryIO, message: Any) -> None:
    answers.write(packed(message))
    answers.flush()


def _answer(model: FileModel, texts: list[str]) -> dict[str, Any]:
    try:
        found = [model.scores(text) for text in texts]
    except BadModelError as exc:
        return {"problem": str(exc)}
    except MemoryError:
        return {"problem": "it takes too much memory"}
    return {"scores": [scores for scores, _ in found], "default": found[0][1]}


def _limit(memory_bytes: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for bound, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        # It writes no file, and leaves no dump with texts in it.
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(bound, (most, most))


def _allow_seconds(seconds: int) -> None:
    """Let the system end this process when it works for so much longer, of all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
