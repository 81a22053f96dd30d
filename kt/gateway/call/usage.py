"""The tokens of a call: as the answer reports them, else estimated by its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class Usage:
    """Token counts; `reported` when the target counted, else they are estimates."""

    prompt: int = 0
    completion: int = 0
    reported: bool = False

    @property
    def total(self) -> int:
        return self.prompt + self.completion

    def note(self, body: Any) -> None:
        """Take the counts from an answer or an event, if it has any."""
        usage = _find(body)
        if usage is None:
            return
        prompt = _count(usage, "prompt_tokens", "input_tokens")
        completion = _count(usage, "completion_tokens", "output_tokens")
        # Anthropic counts the prompt when the message starts and the answer when it ends.
        self.prompt = prompt or self.prompt
        self.completion = max(completion, self.completion)
        self.reported = True

    def note_size(self, size_bytes: int) -> None:
        """Estimate the answer's tokens, unless the target has reported them."""
        if not self.reported:
            self.completion += estimate(size_bytes)


def estimate(size_bytes: int) -> int:
    """The estimated number of tokens in a text of `size_bytes`, at least 1."""
    return max(1, size_bytes // _CHARACTERS_PER_TOKEN)


def _find(body: Any) -> dict[str, Any] | None:
    if not isinstance(body, dict):
        return None
    for holder in (body, body.get("response"), body.get("message")):
        usage = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(usage, dict):
            return usage
    return None


def _count(usage: dict[str, Any], *names: str) -> int:
    for name in names:
        if isinstance(usage.get(name), int):
            return max(0, int(usage[name]))
    return 0
