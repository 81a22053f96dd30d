"""Webhooks as forges send them: their verification, and the pushes in them. Pure.

Sources: the webhook pages of GitHub ("Validating webhook deliveries"), GitLab, Gitea, Gogs,
Bitbucket ("Event payloads", Cloud and Data Center) and Azure DevOps ("Service hooks events",
`git.push`); the Standard Webhooks specification.
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
_TIMED = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
_HEX = re.compile("[0-9a-f]{64}")
_STANDARD = "whsec_"
_LEAST_KEY_BYTES = 16
_SIGNATURES = (
    "x-hub-signature-256", "x-forgejo-signature", "x-gitea-signature", "x-gogs-signature",
)  # fmt: skip
_EVENTS = (
    "x-gitlab-event", "x-event-key", "x-forgejo-event", "x-gitea-event", "x-gogs-event",
    "x-github-event",
)  # fmt: skip
# A forge that sends a delivery again gives it the same id. No signature covers these.
_IDS = (
    "x-github-delivery", "x-gitlab-event-uuid", "x-request-uuid", "x-forgejo-delivery",
    "x-gitea-delivery", "x-gogs-delivery",
)  # fmt: skip

Headers = Mapping[str, str]


class UnverifiedError(Exception):
    """The delivery is not signed with the link's secret, or its signature is too old."""


class UnreadableError(Exception):
    """The delivery is genuine, but its body is not in the documented form of its forge."""


class _FieldError(Exception):
    """A field has a value that no forge sends; the message says which would do."""


@dataclass(frozen=True, slots=True)
class Push:
    """A branch or tag, by its full name, that was pushed.

    `commit` is where a branch points now. It is empty when it was deleted, when the forge does not
    say, and for a tag, of which forges tell the commit or its own object's id.
    """

    ref: str
    commit: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event of a forge; `pushes` is empty unless branches or tags were pushed.

    `repository` (such as `org/name`) and `default_branch` are empty where the forge does not say.
    """

    event: str
    pushes: tuple[Push, ...] = ()
    repository: str = ""
    default_branch: str = ""


def verify(headers: Headers, body: bytes, *, secret: str, now: float) -> str:
    """Check that the sender of `body` knows `secret`. Names of headers are in lower case.

    GitHub, Gitea, Forgejo, Gogs and Bitbucket sign the body with HMAC-SHA256. GitLab sends the
    secret itself or, for one that begins with `whsec_`, signs as Standard Webhooks say. Azure
    DevOps sends the secret as the password of basic authentication. The generic form,
    `X-Keeptrusts-Signature: t=UNIXTIME,v1=HEX`, signs `UNIXTIME.BODY`. Standard Webhooks and the
    generic form are valid for five minutes. Every comparison takes constant time.

    Returns a digest of what was signed and of the forge's own id of the delivery, which a replay
    has as well; a push that is undone and made again may have the same body, under another id.

    Raises:
        UnverifiedError: the signature is missing, wrong or too old.
    """
    if "x-keeptrusts-signature" in headers:
        signed = _timed(headers["x-keeptrusts-signature"], body, secret, now)
    elif secret.startswith(_STANDARD):
        signed = _standard(headers, body, secret, now)
    elif "x-gitlab-token" in headers:
        _compare(headers["x-gitlab-token"], secret)
        signed = body
    elif not (signature := _signature(headers)) and _is_basic(headers):
        _compare(_password(headers["authorization"]), secret)
        signed = body
    else:
        _compare(signature, _hmac(secret.encode(), body).hex())
        signed = body
    return hashlib.sha256(_delivery_id(headers).encode() + b"." + signed).hexdigest()


def is_signed(headers: Headers) -> bool:
    """Whether the headers have a signature in a form that `verify` may accept."""
    if "x-keeptrusts-signature" in headers:
        return _TIMED.fullmatch(headers["x-keeptrusts-signature"]) is not None
    return (
        bool(headers.get("x-gitlab-token") or _HEX.fullmatch(_signature(headers)))
        or "v1," in headers.get("webhook-signature", "")
        or _is_basic(headers)
    )


def read(headers: Headers, body: bytes) -> Delivery:
    """Read a verified delivery.

    Raises:
        UnreadableError: the body is not in the documented form of its forge.
    """
    event = next((headers[name] for name in _EVENTS if name in headers), "")
    if event and event not in _READERS:
        return Delivery(event)
    try:
        payload = orjson.loads(_json(body))
        # Azure DevOps names the event in the body alone, the generic form nowhere.
        event = event or ("ref" not in payload and payload.get("eventType")) or "push"
        return _READERS[event](event, payload) if event in _READERS else Delivery(str(event))
    except KeyError as exc:
        why = f": the field {exc.args[0]!r} is missing"
        raise UnreadableError(f"{_no_event(event)}{why}.") from exc
    except _FieldError as exc:
        raise UnreadableError(f"{_no_event(event)}: {exc}.") from exc
    except (ValueError, TypeError, AttributeError) as exc:
        raise UnreadableError(f"{_no_event(event)}.") from exc


def _no_event(event: str) -> str:
    return f"The body is no {event or 'push'!r} event as documented"


def _timed(header: str, body: bytes, secret: str, now: float) -> bytes:
    match = _TIMED.fullmatch(header)
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
    if not is_usable(secret):
        raise UnverifiedError
    moment = headers.get("webhook-timestamp", "")
    _check_age(moment, now)
    signed = f"{headers.get('webhook-id', '')}.{moment}.".encode() + body
    wanted = base64.b64encode(_hmac(_key(secret), signed)).decode()
    given = headers.get("webhook-signature", "").split(" ")
    if True not in [hmac.compare_digest(one.encode(), f"v1,{wanted}".encode()) for one in given]:
        raise UnverifiedError
    return signed


def is_usable(secret: str) -> bool:
    """Whether a secret can verify anything: behind `whsec_` it is base64 of 16 or more bytes."""
    return not secret.startswith(_STANDARD) or len(_key(secret)) >= _LEAST_KEY_BYTES


def _key(secret: str) -> bytes:
    """The key of a Standard Webhooks secret; empty when the rest of it is no base64."""
    try:
        return base64.b64decode(secret.removeprefix(_STANDARD), validate=True)
    except binascii.Error:
        return b""


def _check_age(moment: str, now: float) -> None:
    if not re.fullmatch("[0-9]{1,12}", moment) or abs(now - int(moment)) > MAX_AGE_SECONDS:
        raise UnverifiedError


def _signature(headers: Headers) -> str:
    for name in _SIGNATURES:
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


def _is_basic(headers: Headers) -> bool:
    return headers.get("authorization", "")[:6].lower() == "basic "


def _password(authorization: str) -> str:
    """The password of basic authentication, whatever the user."""
    try:
        pair = base64.b64decode(authorization[6:].strip(), validate=True).decode()
    except ValueError as exc:  # Neither base64 nor UTF-8; an error of either is one.
        raise UnverifiedError from exc
    return pair.partition(":")[2]


def _delivery_id(headers: Headers) -> str:
    """The forge's own ids of a delivery, in one line; empty without any."""
    names = list(_IDS)
    if "x-event-key" in headers:
        names.append("x-request-id")  # Bitbucket Data Center's; proxies add one to any request.
    return " ".join(f"{name}={headers[name]}" for name in names if name in headers)


def _json(body: bytes) -> bytes | str:
    """The JSON of a body; GitHub and Gitea can be set to send a form with it in one field.

    The content type is not used: curl labels every body a form.
    """
    if not body.startswith(b"payload="):
        return body
    return parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=2)["payload"][0]


def _one_ref(event: str, payload: Any) -> Delivery:
    """Read a push of GitHub, Gitea, Forgejo, Gogs or the generic form: `ref`, `after` if known."""
    repository = payload.get("repository") or {}
    return Delivery(
        event,
        tuple(_push(payload["ref"], payload.get("after") or "")),
        str(repository.get("full_name") or ""),
        str(repository.get("default_branch") or ""),
    )


def _gitlab(event: str, payload: Any) -> Delivery:
    # A system hook tells of whatever happens on the server.
    if payload.get("object_kind") not in ("push", "tag_push"):
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
        if named["type"] in _FULL_NAMES:
            ref = _FULL_NAMES[named["type"]](named["name"])
            pushes += _push(ref, new["target"]["hash"] if new else "")
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


def _azure(event: str, payload: Any) -> Delivery:
    resource = payload["resource"]
    repository = resource.get("repository") or {}
    project, name = (repository.get("project") or {}).get("name"), repository.get("name")
    return Delivery(
        event,
        tuple(
            push
            for update in resource["refUpdates"]
            for push in _push(update["name"], update["newObjectId"])
        ),
        # The url of a project's own repository, of its name, may leave the project out.
        f"{project}/{name}" if project and project != name else str(name or ""),
        refs.branch_of(repository.get("defaultBranch") or ""),
    )


def _push(ref: str, commit: str) -> Iterator[Push]:
    if not ref.startswith("refs/"):
        raise _FieldError("ref must be refs/heads/… or refs/tags/…, with the full name")
    if not ref.startswith(refs.SHOWN):
        return
    if commit.strip("0") == "" or refs.tag_of(ref):  # Zeros stand for what was deleted.
        commit = ""
    elif not _COMMIT.fullmatch(commit):
        raise _FieldError("the commit must be a full id of 40 or 64 hex digits")
    yield Push(ref, commit)


_FULL_NAMES = {"branch": refs.named, "tag": refs.tagged}
_READERS = {
    "push": _one_ref,
    "Push Hook": _gitlab,
    "Tag Push Hook": _gitlab,
    "System Hook": _gitlab,
    "repo:push": _bitbucket_cloud,
    "repo:refs_changed": _bitbucket_server,
    "git.push": _azure,
}
