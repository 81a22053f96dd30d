"""Words for what somebody asks a second person for."""

from collections.abc import Mapping
from typing import Any

# Ids of links and bindings tell nobody anything, so these kinds name no target.
_WORDS = {
    "configuration.edit": "Change {target}",
    "configuration.archive": "Archive {target}",
    "configuration.rollback": "Roll back {target}",
    "configuration.pin": "Pin {target}",
    "configuration.unpin": "Release the pin of {target}",
    "git_repo.confirm": "Let a held commit pass",
    "git_repo.edit": "Edit the link of a repository",
    "git_repo.remove": "Remove the link of a repository",
    "gateway.bind": "Bind the gateway {target}",
    "gateway.edit": "Edit the gateway {target}",
    "gateway_binding.create": "Bind labels to {target}",
    "gateway_binding.delete": "Remove a binding of labels",
}


def asked(row: Mapping[str, Any]) -> str:
    """What a request asks for, as a sentence without its end."""
    kind, target = str(row["kind"]), str(row["target"])
    if kind in _WORDS:
        return _WORDS[kind].replace("{target}", target)
    return f"{kind.replace('_', ' ').replace('.', ' ')} of {target}"


def why(row: Mapping[str, Any]) -> str:
    """Who asks, and the reason that they gave; a held commit gives none."""
    asker, reason = row["asker"]["name"], row["reason"]
    return f"{asker} asks: {reason}" if reason else f"By a commit of {asker}"
