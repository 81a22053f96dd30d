"""A model of a file: loaded from the very bytes that were hashed, and asked about texts.

Its tokenizer is the `tokenizer.json` beside it, which is what exported classifiers have.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from kt.gateway.upstream.models.onnx.classes import Classes, read_classes
from kt.gateway.upstream.models.onnx.external import BadModelError, check_self_contained

# What one message of protocol buffers may hold.
LARGEST_MODEL_BYTES = (2 << 30) - 1
_LARGEST_TOKENIZER_BYTES = 64 << 20
_LARGEST_CONFIG_BYTES = 1 << 20
# Tokens that stand in two windows of a text.
_OVERLAP_TOKENS = 64
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_ERRORS_ONLY = 3


class FileModel:
    """A model that is loaded.

    Raises:
        BadModelError: its files are none that can be asked, or not those of the sha256.
    """

    def __init__(self, file: Path, expected_sha256: str, threads: int) -> None:
        data = _bytes(file, LARGEST_MODEL_BYTES)
        found = sha256(data).hexdigest()
        if found != expected_sha256:
            raise BadModelError(f"its sha256 is {found}, and not the policy's")
        check_self_contained(data)
        beside = file.parent / "config.json"
        config = _bytes(beside, _LARGEST_CONFIG_BYTES) if beside.exists() else None
        self._classes: Classes = read_classes(config)
        self._tokenizer = self._loaded_tokenizer(file.parent / "tokenizer.json")
        self._session = _session(data, threads)
        self._inputs = {one.name: one.type for one in self._session.get_inputs()}
        if "input_ids" not in self._inputs or not self._inputs.keys() <= _INPUTS:
            raise BadModelError(f"it has the inputs {', '.join(self._inputs)}, not input_ids …")

    def scores(self, text: str) -> tuple[dict[str, float], str | None]:
        """The highest score of each label in any window of a text, and the default label.

        Raises:
            BadModelError: the model fails at it.
        """
        highest: dict[str, float] = {}
        for window in self._windows(text):
            for label, score in self._classes.scores(self._run(window)).items():
                highest[label] = max(score, highest.get(label, 0.0))
        return highest, self._classes.default(len(highest))

    def _loaded_tokenizer(self, file: Path) -> Any:
        from tokenizers import Tokenizer

        data = _bytes(file, _LARGEST_TOKENIZER_BYTES)
        try:
            tokenizer = Tokenizer.from_buffer(data)
            tokenizer.no_padding()
            window = self._classes.window_tokens
            tokenizer.enable_truncation(window, stride=min(_OVERLAP_TOKENS, window // 4))
        except Exception as exc:  # The library raises nothing narrower.
            raise BadModelError("tokenizer.json beside it cannot be read") from exc
        return tokenizer

    def _windows(self, text: str) -> Iterator[Any]:
        # Half of a surrogate pair is no text to the library.
        plain = text.encode("utf-8", "replace").decode()
        first = self._tokenizer.encode(plain)
        yield first
        yield from first.overflowing

    def _run(self, window: Any) -> list[float]:
        import numpy

        given = {
            "input_ids": window.ids,
            "attention_mask": window.attention_mask,
            "token_type_ids": window.type_ids,
        }
        feed = {
            name: numpy.array([given[name]], numpy.int32 if "int32" in kind else numpy.int64)
            for name, kind in self._inputs.items()
        }
        try:
            output = self._session.run(None, feed)[0]
            return [float(one) for one in numpy.asarray(output).reshape(-1)]
        except Exception as exc:  # The library raises nothing narrower.
            raise BadModelError(f"it fails: {str(exc)[:200]}") from exc


def _bytes(file: Path, most: int) -> bytes:
    """The bytes of a regular file of at most `most`."""
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadModelError(f"{file.name} is no regular file")
            if status.st_size > most:
                raise BadModelError(f"{file.name} is larger than {most:,} bytes")
            data = opened.read(most + 1)
    except OSError as exc:
        raise BadModelError(f"{file.name}: {exc.strerror}") from exc
    if len(data) > most:
        raise BadModelError(f"{file.name} is larger than {most:,} bytes")
    return data


def _session(data: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # Memory that one long text took is not kept for all that follow.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # The library raises nothing narrower.
        raise BadModelError(f"it cannot be loaded: {str(exc)[:200]}") from exc
