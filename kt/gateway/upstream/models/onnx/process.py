"""The gateway's side of a model's process: begun, asked, given up on, and begun anew."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kt.gateway.upstream.models.backend import Labelled, NoScoreError
from kt.gateway.upstream.models.onnx.wire import packed, received

_MODULE = "kt.gateway.upstream.models.onnx.child"
# Pauses after failures, which double: a model that dies at each text is not begun for each.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class ModelBounds:
    """The bounds of a model's process.

    `base_memory_bytes` is address space for libraries and a text, to which five times the
    model's file comes. Seconds are those of loading, and of one question.
    """

    base_memory_bytes: int = 4 << 30
    load_seconds: float = 120.0
    wall_seconds: float = 60.0
    cpu_seconds: int = 120
    threads: int = min(4, os.cpu_count() or 1)


class ModelProcess:
    """A model of a file, asked in a process of its own, one question at a time."""

    def __init__(self, file: str, sha256: str, bounds: ModelBounds) -> None:
        self.problem = ""
        self._file = file
        self._sha256 = sha256
        self._bounds = bounds
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._rests_until = 0.0
        self._pause_seconds = 0.0

    async def scores(self, texts: Sequence[str]) -> list[Labelled]:
        """The scores of each text.

        Whoever does not wait any longer leaves the process to end its work: it is not begun anew
        for each text that takes a little longer than a policy waits.

        Raises:
            NoScoreError: it cannot be loaded, fails, dies, or takes too long.
        """
        await self._turn.acquire()
        asked = asyncio.create_task(self._asked(texts))
        asked.add_done_callback(self._done)
        return await asyncio.shield(asked)

    def _done(self, asked: asyncio.Task[list[Labelled]]) -> None:
        self._turn.release()
        if not asked.cancelled():
            asked.exception()

    async def begin(self) -> None:
        """Load the model, so that no question need wait for that; a failure is its `problem`."""
        with contextlib.suppress(NoScoreError):
            async with self._turn:
                await self._running()

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _asked(self, texts: Sequence[str]) -> list[Labelled]:
        process = await self._running()
        answer = await self._exchanged(process, {"texts": list(texts)}, self._bounds.wall_seconds)
        if "problem" in answer:
            raise NoScoreError(str(answer["problem"]))
        self._pause_seconds = 0.0
        try:
            default = answer["default"]
            return [Labelled(one, one[default] if default else None) for one in answer["scores"]]
        except (KeyError, TypeError) as exc:
            raise await self._failed("it answers something else") from exc

    async def _running(self) -> Process:
        """The process with its model loaded."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        if time.monotonic() < self._rests_until:
            raise NoScoreError(self.problem or "it is begun anew")
        bounds = self._bounds
        try:
            size = os.stat(self._file).st_size
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", _MODULE, stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
                env=_environment(),
            )  # fmt: skip
        except OSError as exc:
            raise await self._failed(f"it cannot be begun: {exc.strerror}") from exc
        told = {
            "file": self._file,
            "sha256": self._sha256,
            "threads": bounds.threads,
            "memory_bytes": bounds.base_memory_bytes + 5 * size,
            "cpu_seconds": bounds.cpu_seconds,
        }
        answer = await self._exchanged(process, told, bounds.load_seconds)
        if "problem" in answer:
            raise await self._failed(str(answer["problem"]))
        self.problem = ""
        return process

    async def _exchanged(self, process: Process, message: Any, seconds: float) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(packed(message))
                await process.stdin.drain()
                answer = await received(process.stdout)
        except TimeoutError as exc:
            raise await self._failed(f"it took longer than {seconds:g} s, and was ended") from exc
        except (EOFError, OSError) as exc:
            raise await self._failed("its process died") from exc
        except ValueError as exc:
            raise await self._failed("it answers something else") from exc
        if not isinstance(answer, dict):
            raise await self._failed("it answers something else")
        return answer

    async def _failed(self, problem: str) -> NoScoreError:
        """End the process; it is begun anew after a pause."""
        await self.close()
        doubled = max(_FIRST_PAUSE_SECONDS, 2 * self._pause_seconds)
        self._pause_seconds = min(doubled, _LONGEST_PAUSE_SECONDS)
        self._rests_until = time.monotonic() + self._pause_seconds
        self.problem = problem
        return NoScoreError(problem)


def _environment() -> dict[str, str]:
    """What the process needs of the gateway's variables, which hold credentials."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
