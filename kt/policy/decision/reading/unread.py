"""Content that no kind reads: tokens in place of text, images, sound, video and files.

They pass as a policy's `unjudged` says, and never under the name of what was judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

# The blocks that hold such things, or say where they are, by the `type` that they name.
_BLOCKS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("image", "image_url", "input_image", "computer_screenshot", "image_generation_call"),
        "image",
    )
    | dict.fromkeys(("audio", "input_audio", "output_audio"), "audio")
    | dict.fromkeys(("video", "video_url", "input_video"), "video")
    | dict.fromkeys(("file", "input_file", "container_upload"), "file")
)
_FAMILIES = ("image", "audio", "video")
_READ_SOURCES = ("text", "content")
_TOKEN_KEYS = ("input", "prompt")
# `input` is a list of tokens, or of such lists.
_TOKEN_DEPTH = 2


def block(value: Mapping[str, Any]) -> str:
    """What a block holds that no kind reads, "" when it can be read."""
    kind = value.get("type")
    if type(kind) is not str:
        return ""
    if kind == "document":
        source = value.get("source")
        named = source.get("type") if isinstance(source, Mapping) else None
        return "" if named in _READ_SOURCES else "file"
    return _BLOCKS.get(kind, "")


def binary(value: Mapping[str, Any], key: str, item: str) -> str:
    """What a string is that is no text: base64 with a label beside it, or a `data:` URL."""
    if key == "data":
        return _labelled(value)
    if item[:5].lower() != "data:":
        return ""
    head = item[:100].lower()
    if ";base64," not in head or head.startswith("data:text/"):
        return ""
    return _family(head.removeprefix("data:"))


def tokens(path: Sequence[str | int], value: Sequence[Any]) -> bool:
    """True for a list of tokens, which stands where a text could."""
    if not 0 < len(path) <= _TOKEN_DEPTH or path[0] not in _TOKEN_KEYS:
        return False
    return any(type(item) is int for item in value)


def _labelled(value: Mapping[str, Any]) -> str:
    if value.get("type") == "text":
        return ""
    named = value.get("media_type") or value.get("mime_type")
    if isinstance(named, str):
        return _family(named)
    if "format" in value or "transcript" in value:
        return "audio"
    return "file" if value.get("type") == "base64" else ""


def _family(media_type: str) -> str:
    family = media_type.partition("/")[0].lower()
    return family if family in _FAMILIES else "file"
