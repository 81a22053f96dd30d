"""Models of files that a command asks in place of a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kt.cli.errors import CommandError
from kt.cli.models.named import read_files
from kt.policy.testing.suites import NoModelError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from types import TracebackType

    from kt.policy.decision import Answer, Question

# Whether a case passes must not hang on how fast a machine is.
_LEAST_SECONDS = 60.0


class AskedFiles:
    """The models that `--model NAME=FILE` names; their processes end with the block.

    Raises:
        CommandError: a name or a file cannot be used.
    """

    def __init__(self, given: Sequence[str] | None) -> None:
        self._sources = {source.name: source for source in read_files(given or ())}
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> AskedFiles:
        if self._sources:
            self._begin()
        return self

    def _begin(self) -> None:
        # Imported here: without a model none of it is needed.
        import asyncio

        from kt.gateway.options import Timeouts
        from kt.gateway.upstream.connections import Upstream
        from kt.gateway.upstream.models.asking import Models

        self._runner = asyncio.Runner()
        upstream = Upstream(Timeouts())
        self._models = Models(self._sources.values(), upstream, lambda *_: None)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._runner is not None:
            self._runner.run(self._models.close())
            self._runner.close()

    def ask(self, question: Question) -> Answer:
        """The answer to a question; a model that is there and gives none ends the command.

        Raises:
            NoModelError: no option names the model.
            CommandError: the model gave no answer.
        """
        if self._runner is None or question.model not in self._sources:
            raise NoModelError(question.model)
        waited = max(question.timeout_seconds, _LEAST_SECONDS)
        answer = self._runner.run(self._models.answer(question._replace(timeout_seconds=waited)))
        if answer is None:
            reason = self._models.reasons[question.model]
            raise CommandError(f"--model {question.model}: no answer: {reason}")
        return answer
