"""Webhooks as forges send them: their verification, and the pushes in them. Pure.

Sources: the webhook pages of GitHub ("Validating webhook deliveries"), GitLab, Gitea and
Bitbucket ("Event payloads", Cloud and Data Center); the Standard Webhooks specification.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson

from gitrepos import refs

MAX_AGE_SECONDS = 300

_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_STANDARD = "whsec_"

Headers = Mapping[str, str]


class UnverifiedError(Exception):
    """The delivery is not signed with the link's secret, or its signature is too old."""


class UnreadableError(Exception):
    """The delivery is genuine, but its body is not in the documented form of its forge."""


@dataclass(frozen=True, slots=True)
class Push:
    """A branch that now points at `commit`; empty when it was deleted or the forge does not say."""

    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event of a forge; `pushes` is empty unless branches were pushed.

    `repository` (such as `org/name`) and `default_branch` are empty where the forge does not say.
    """

    event: str
    pushes: tuple[Push, ...] = ()
    repository: str = ""
    default_branch: str = ""


def verify(headers: Headers, body: bytes, *, secret: str, now: float) -> str:
    """Check that the sender of `body` knows `secret`. Names of headers are in lower case.

    GitHub, Gitea, Forgejo and Bitbucket sign the body with HMAC-SHA256. GitLab sends the secret
    itself or, for one that begins with `whsec_`, signs as Standard Webhooks say. The generic
    form, `X-Keeptrusts-Signature: t=UNIXTIME,v1=HEX`, signs `UNIXTIME.BODY`. The last two are
    valid for five minutes. Every comparison takes constant time.

    Returns a digest of the signed content, which a replay has as well.

    Raises:
        UnverifiedError: the signature is missing, wrong or too old.
    """
    if "x-keeptrusts-signature" in headers:
        signed = _timed(headers["x-keeptrusts-signature"], body, secret, now)
    elif secret.startswith(_STANDARD):
        signed = _standard(headers, body, secret, now)
    elif "x-gitlab-token" in headers:
        _compare(headers["x-gitlab-token"], secret)
        # Only who knows the secret can forge this header; without it, the same push made twice,
        # with another between, would look like a replay.
        signed = headers.get("x-gitlab-event-uuid", "").encode() + b"." + body
    else:
        _compare(_signature(headers), _hmac(secret.encode(), body).hex())
        signed = body
    return hashlib.sha256(signed).hexdigest()


def read(headers: Headers, body: bytes) -> Delivery:
    """Read a verified delivery.

    Raises:
        UnreadableError: the body is not in the documented form of its forge.
    """
    event = _event(headers)
    if event not in _READERS:
        return Delivery(event)
    try:
        payload = orjson.loads(_json(body))
        return _READERS[event](event, payload)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise UnreadableError(f"The body is no {event!r} event as documented.") from exc


def _timed(header: str, body: bytes, secret: str, now: float) -> bytes:
    match = re.fullmatch(r"t=(\d{1,12}),v1=([0-9a-f]{64})", header, re.ASCII)
    if match is None:
        raise UnverifiedError
    _check_age(match[1], now)
    signed = match[1].encode() + b"." + body
    _compare(match[2], _hmac(secret.encode(), signed).hex())
    return signed


def _standard(headers: Headers, body: bytes, secret: str, now: float) -> bytes:
    """Verify a Standard Webhooks signature; the header may list those of old and new secrets.

    Source: Standard Webhooks 1.0.0.
    """
    moment = headers.get("webhook-timestamp", "")
    _check_age(moment, now)
    signed = f"{headers.get('webhook-id', '')}.{moment}.".encode() + body
    wanted = base64.b64encode(_hmac(_key(secret), signed)).decode()
    given = headers.get("webhook-signature", "").split(" ")
    if True not in [hmac.compare_digest(one.encode(), f"v1,{wanted}".encode()) for one in given]:
        raise UnverifiedError
    return signed


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_STANDARD), validate=True)
    except binascii.Error as exc:
        raise UnverifiedError from exc


def _check_age(moment: str, now: float) -> None:
    if not re.fullmatch("[0-9]{1,12}", moment) or abs(now - int(moment)) > MAX_AGE_SECONDS:
        raise UnverifiedError


def _signature(headers: Headers) -> str:
    for name in ("x-hub-signature-256", "x-forgejo-signature", "x-gitea-signature"):
        if name in headers:
            return headers[name].removeprefix("sha256=")
    # Bitbucket's; GitHub's header of this name is SHA-1, and always comes with the SHA-256 one.
    kind, _, signature = headers.get("x-hub-signature", "").partition("=")
    return signature if kind == "sha256" else ""


def _hmac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, hashlib.sha256)


def _compare(given: str, wanted: str) -> None:
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise UnverifiedError


def _event(headers: Headers) -> str:
    """The event's name as its forge spells it; `push` where no header has it."""
    for name in ("x-gitlab-event", "x-event-key", "x-forgejo-event", "x-gitea-event"):
        if name in headers:
            return headers[name]
    return headers.get("x-github-event", "push")


def _json(body: bytes) -> bytes | str:
    """The JSON of a body; GitHub and Gitea can be set to send a form with it in one field.

    The content type is not used: curl labels every body a form.
    """
    if not body.startswith(b"payload="):
        return body
    return parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=2)["payload"][0]


def _one_branch(event: str, payload: Any) -> Delivery:
    """Read a push of GitHub, Gitea or Forgejo, or of the generic form: `ref`, `after` if known."""
    repository = payload.get("repository") or {}
    return Delivery(
        event,
        tuple(_push(payload["ref"], payload.get("after") or "")),
        str(repository.get("full_name") or ""),
        str(repository.get("default_branch") or ""),
    )


def _gitlab(event: str, payload: Any) -> Delivery:
    # A system hook tells of whatever happens on the server.
    if payload.get("object_kind") != "push":
        return Delivery(event)
    project = payload.get("project") or {}
    return Delivery(
        event,
        tuple(_push(payload["ref"], payload["after"])),
        str(project.get("path_with_namespace") or ""),
        str(project.get("default_branch") or ""),
    )


def _bitbucket_cloud(event: str, payload: Any) -> Delivery:
    pushes: list[Push] = []
    for change in payload["push"]["changes"]:
        new = change.get("new")
        named = new or change["old"]
        if named["type"] == "branch":
            pushes += _push(refs.named(named["name"]), new["target"]["hash"] if new else "")
    return Delivery(event, tuple(pushes), str(payload["repository"]["full_name"]))


def _bitbucket_server(event: str, payload: Any) -> Delivery:
    repository = payload["repository"]
    return Delivery(
        event,
        tuple(
            push
            for change in payload["changes"]
            for push in _push(change["ref"]["id"], change["toHash"])
        ),
        f"{repository['project']['key']}/{repository['slug']}",
    )


def _push(ref: str, commit: str) -> Iterator[Push]:
    branch = refs.branch_of(ref)
    if branch is None:
        return
    if commit.strip("0") == "":  # Zeros stand for a branch that was deleted.
        commit = ""
    elif not _COMMIT.fullmatch(commit):
        raise ValueError("no commit id")
    yield Push(branch, commit)


_READERS = {
    "push": _one_branch,
    "Push Hook": _gitlab,
    "System Hook": _gitlab,
    "repo:push": _bitbucket_cloud,
    "repo:refs_changed": _bitbucket_server,
}
