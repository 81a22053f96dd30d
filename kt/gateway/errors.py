"""Errors that end a request, and the envelopes in which clients get them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kt.policy.decision import Decision

MESSAGES_PATH = "/v1/messages"
_UNNAMED_EVENTS = frozenset({"/v1/chat/completions", "/v1/completions"})
_OPENAI_PATHS = _UNNAMED_EVENTS | {"/v1/responses", "/v1/embeddings", "/v1/moderations"}
# Of a target's headers those that say whether and when to ask again, whatever its status.
RETRY_HEADERS = frozenset({b"retry-after", b"retry-after-ms", b"x-should-retry"})
# SDKs ask again after a 409 or a 5xx, twice, unless they are told not to.
_NO_RETRY = (b"x-should-retry", b"false")
# What will fail again, and may have been paid for.
_PERMANENT = frozenset({"unreadable_answer", "response_too_large", "target_unavailable"})


class SettingError(Exception):
    """A setting of the operator's that cannot be used; the message says which and why."""


class GatewayError(Exception):
    """An error answer of the gateway itself. `kind` is the envelope's `type`."""

    status = 500
    kind = "internal_error"
    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details
        self.headers: list[tuple[bytes, bytes]] = []

    def error(self) -> dict[str, Any]:
        """The object under `error` in the envelope."""
        return {"type": self.kind, "message": self.message, "code": self.code, **self.details}


class InvalidRequestError(GatewayError):
    """The request cannot be understood, and sending it again will not help."""

    status = 422
    kind = "validation_error"
    code = "invalid_request"


class TooLargeError(InvalidRequestError):
    """The body is larger than its limit."""

    status = 413
    code = "request_too_large"


class UnsupportedEncodingError(InvalidRequestError):
    """The body is compressed, so that its size and text could not be judged as they came."""

    status = 415
    code = "unsupported_content_encoding"


class SlowRequestError(InvalidRequestError):
    """The body did not arrive in time."""

    status = 408
    code = "request_timeout"


class UnauthenticatedError(GatewayError):
    """No client key, or an unknown one."""

    status = 401
    kind = "authentication_error"
    code = "invalid_api_key"


class ForbiddenError(GatewayError):
    """The caller may not do this."""

    status = 403
    kind = "permission_error"
    code = "forbidden"


class NotFoundError(GatewayError):
    """No such route, or no target that serves the model."""

    status = 404
    kind = "not_found_error"
    code = "not_found"


class MethodError(GatewayError):
    """The route exists for another method only."""

    status = 405
    kind = "not_found_error"
    code = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"Use the method {allowed} here.")
        self.headers.append((b"allow", allowed.encode()))


class PolicyViolationError(GatewayError):
    """The policy stopped a request or its answer. The matched text is never shown."""

    status = 409
    kind = "policy_violation"

    def __init__(self, decision: Decision, *, phase: str) -> None:
        escalated = decision.verdict == "escalate"
        code = "escalation_required" if escalated else f"{phase}_blocked"
        message = decision.message or f"Stopped by policy {decision.policy!r}."
        super().__init__(message, code=code, policy=decision.policy)
        self.details["reason_code"] = decision.reason_code
        self.headers.append(_NO_RETRY)
        self.decision = decision
        self.phase = phase


class LimitError(GatewayError):
    """A limit of the policy or of a client key is exceeded; `retry_after` is in whole seconds."""

    status = 429
    kind = "rate_limit"
    code = "rate_limit_exceeded"

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(f"Over the limit {limit}; try again in {retry_after} s.", limit=limit)
        self.headers.append((b"retry-after", str(retry_after).encode()))


class UpstreamError(GatewayError):
    """A target failed. `trigger` is the failure's name in `providers.fallback.triggers`."""

    status = 502
    kind = "upstream_error"
    code = "upstream_failed"

    def __init__(self, message: str, *, trigger: str, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.trigger = trigger
        if self.code in _PERMANENT:
            self.headers.append(_NO_RETRY)


class UnavailableError(GatewayError):
    """The gateway has no policy yet, or too many requests at once."""

    status = 503
    kind = "unavailable"
    code = "unavailable"

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code)
        self.headers.append((b"retry-after", b"1"))


def envelope(error: GatewayError, path: str, headers: Mapping[str, str]) -> bytes:
    """The body of an error, in the format of its client's API."""
    return encode(_enveloped(error, anthropic=is_anthropic(path, headers)))


def is_anthropic(path: str, headers: Mapping[str, str]) -> bool:
    """True for a client of Anthropic's API, which names its version on every route."""
    if path in _OPENAI_PATHS:
        return False
    below = path == MESSAGES_PATH or path.startswith(f"{MESSAGES_PATH}/")
    return below or "anthropic-version" in headers


def event(error: GatewayError, path: str, sequence_number: int = 0) -> bytes:
    """The event that ends a stream; events of a response are numbered."""
    body = _enveloped(error, anthropic=path == MESSAGES_PATH)
    if path in _UNNAMED_EVENTS:
        return b"data: " + encode(body) + b"\n\n"
    if path != MESSAGES_PATH:
        said = error.error()
        head = {"type": "error", "sequence_number": sequence_number, "param": None}
        body = {**head, "code": said["code"], "message": said["message"], **body}
    return b"event: error\ndata: " + encode(body) + b"\n\n"


def _enveloped(error: GatewayError, *, anthropic: bool) -> dict[str, Any]:
    return ({"type": "error"} if anthropic else {}) | {"error": error.error()}


def encode(value: Mapping[str, Any]) -> bytes:
    """JSON in ASCII, since UTF-8 cannot hold a lone surrogate that a client sent."""
    return json.dumps(value, separators=(",", ":")).encode()
