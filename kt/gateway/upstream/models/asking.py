"""Questions of classifiers, put to the models that the operator named."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from kt.gateway.options import ModelSource
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.models.backend import ModelBackend, NoScoreError
from kt.gateway.upstream.models.pieces import Remembered, piece_key, pieces
from kt.policy.decision import Answer, Question

if TYPE_CHECKING:
    from kt.gateway.upstream.models.onnx.process import ModelBounds

_LOG = logging.getLogger("kt.gateway")
# Of one question, some ten million characters. What a model scored of it is remembered though the
# time was over: the next try goes on from there.
MOST_PIECES = 1024
_AT_ONCE = 32
_LOGGED_EVERY_SECONDS = 60.0
# Processes of one name.
_KEPT = 2

Count = Callable[[str, str], None]


class Models:
    """The models that policies may ask. Nothing is begun for one before it is asked.

    `count` is told of each question's model and outcome. `reasons` are the last ones, by model, why
    there was no answer.
    """

    def __init__(
        self,
        sources: Iterable[ModelSource],
        upstream: Upstream,
        count: Count,
        bounds: ModelBounds | None = None,
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._upstream = upstream
        self._count = count
        self._bounds = bounds
        self._backends: dict[tuple[str, str], ModelBackend] = {}
        self._remembered = Remembered()
        self._logged: dict[str, float] = {}
        self.reasons: dict[str, str] = {}
        self._beginning: set[asyncio.Task[None]] = set()

    async def answer(self, question: Question) -> Answer:
        """The score of each text of a question, within its time; None when there is no answer."""
        try:
            async with asyncio.timeout(question.timeout_seconds):
                scores, outcome = await self._scores(question)
        except TimeoutError:
            reason = f"it did not answer within {question.timeout_seconds:g} s"
            self._note_failure(question.model, reason, "timeout")
            return None
        except NoScoreError as exc:
            self._note_failure(question.model, str(exc), exc.outcome)
            return None
        self._count(question.model, outcome)
        return scores

    def prepare(self, model: str, sha256: str) -> None:
        """Begin to load a model of a file, so that no question need wait for that."""
        source = self._sources.get(model)
        if source is not None and source.file and sha256:
            task = asyncio.get_running_loop().create_task(self._begin(source, sha256))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    def problems(self) -> list[str]:
        """The models that cannot answer, and why."""
        found = {key[0]: backend.problem for key, backend in self._backends.items()}
        return [f"model {name}: {problem}" for name, problem in found.items() if problem]

    async def close(self) -> None:
        """End what was begun for models."""
        for task in self._beginning:
            task.cancel()
        await asyncio.gather(*self._beginning, return_exceptions=True)
        for backend in self._backends.values():
            await backend.close()

    async def _begin(self, source: ModelSource, sha256: str) -> None:
        backend = await self._made(source, sha256)
        await backend.begin()

    async def _scores(self, question: Question) -> tuple[tuple[float, ...], str]:
        cut = {text: pieces(text) for text in question.texts}
        distinct = list(dict.fromkeys(piece for parts in cut.values() for piece in parts))
        if len(distinct) > MOST_PIECES:
            raise NoScoreError("the texts are too long for it", "too_long")
        backend = await self._backend(question)
        now = time.monotonic()
        name = f"{question.model}\0{question.sha256}"
        found = {
            piece: scores
            for piece in distinct
            if (scores := self._remembered.find(piece_key(name, piece), now)) is not None
        }
        new = [piece for piece in distinct if piece not in found]
        for at in range(0, len(new), _AT_ONCE):
            asked = new[at : at + _AT_ONCE]
            for piece, scores in zip(asked, await backend.scores(asked), strict=True):
                found[piece] = scores
                self._remembered.keep(piece_key(name, piece), scores, now)
        labels = question.labels
        highest = tuple(
            max(found[piece].score(labels) for piece in cut[text]) for text in question.texts
        )
        return highest, "answered" if new else "remembered"

    async def _backend(self, question: Question) -> ModelBackend:
        """The model that is asked.

        Raises:
            NoScoreError: the operator named none, or another sort than the policy does.
        """
        source = self._sources.get(question.model)
        if source is None:
            raise NoScoreError("the operator names no such model", "unknown")
        if bool(source.file) != bool(question.sha256):
            raise NoScoreError("the policy names a sha256 of an endpoint, or none of a file")
        return await self._made(source, question.sha256)

    async def _made(self, source: ModelSource, sha256: str) -> ModelBackend:
        key = (source.name, sha256)
        backend = self._backends.pop(key, None) or self._new(source, sha256)
        self._backends[key] = backend
        # A reload may bring another sha256 of a model; calls that began before have the last.
        for older in [one for one in self._backends if one[0] == source.name][:-_KEPT]:
            await self._backends.pop(older).close()
        return backend

    def _new(self, source: ModelSource, sha256: str) -> ModelBackend:
        # Imported here: a gateway whose policy asks no model starts without them.
        if source.file:
            from kt.gateway.upstream.models.onnx.process import ModelBounds, ModelProcess

            return ModelProcess(source.file, sha256, self._bounds or ModelBounds())
        from kt.gateway.upstream.models.moderation import ModerationEndpoint

        return ModerationEndpoint(source, self._upstream)

    def _note_failure(self, model: str, reason: str, outcome: str) -> None:
        """Count a question without an answer, and log the reason once a minute."""
        self._count(model, outcome)
        self.reasons[model] = reason
        now = time.monotonic()
        if now - self._logged.get(model, -_LOGGED_EVERY_SECONDS) >= _LOGGED_EVERY_SECONDS:
            self._logged[model] = now
            _LOG.warning("the model %s gave no answer: %s", model, reason)
