"""The body for an incoming webhook of Slack.

Source: Slack's documentation, "Formatting message text" and "Block Kit".
"""

import orjson

from notifications.forms.told import Told, heading, lines

_MOST_BLOCK = 2900  # Of 3,000 characters.


def body(told: Told) -> bytes:
    """A message whose texts are plain: nothing in them mentions, links or formats."""
    facts = "\n".join(lines(told))[:_MOST_BLOCK]
    return orjson.dumps(
        {
            # What notifications show, the one text that Slack reads for its own marks.
            "text": _escaped(f"{heading(told)}: {lines(told)[0]}"),
            "mrkdwn": False,
            "unfurl_links": False,
            "unfurl_media": False,
            "blocks": [
                {"type": "header", "text": _plain(heading(told))},
                {"type": "section", "text": _plain(facts)},
            ],
        }
    )


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
