"""The body for a workflow of Microsoft Teams: a message with an Adaptive Card.

Source: Microsoft's documentation, "Create incoming webhooks with Workflows", and the schema of
Adaptive Cards 1.4.
"""

import orjson

from notifications.forms.told import Told, heading, lines


def body(told: Told) -> bytes:
    """A card of runs of text: unlike in a text block, no Markdown is read in these."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [_line(heading(told), weight="Bolder"), *map(_line, lines(told))],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return orjson.dumps({"type": "message", "attachments": [attachment]})


def _line(text: str, **form: str) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **form}]}
