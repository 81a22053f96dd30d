"""Codes of errors: what each means, and which an endpoint gives without saying so."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from access import roles
from access.sights import NARROWABLE, REFUSED
from configurations.requests.rule import OBJECTIONS
from keeptrusts.api.writes.conditions import IDEMPOTENCY_KEY, IF_MATCH
from openapi.endpoints import Endpoint, UndescribedError

_STATUSES = frozenset(HTTPStatus)

MEANINGS: Mapping[str, str] = {
    **OBJECTIONS,
    "already_done": "It was done, and its answer is not shown again; `details` has the id.",
    "already_bound": "The same binding exists.",
    "already_linked": "A link has this url, ref and path; `details` has its id.",
    "archived": "The configuration is archived; restore it first.",
    "authentication_failed": "The credential is not known, revoked or expired.",
    "bad_request": "The request is malformed.",
    "body_too_large": "The body is too large, or has too many values.",
    "body_too_slow": "The body came too slowly.",
    "busy": "Too much is under way; the same request may succeed in a second.",
    "client_keys_too_large": "A gateway's list of client keys would get too large.",
    "credential_unreadable": "No configured key opens the stored secret; send it again.",
    "decision_budget_spent": "The gateway sent what it may send in an hour.",
    "endpoint_disabled": "The notification endpoint is disabled; enable it first.",
    "enrolment_ended": "The enrolment token was revoked or has ended.",
    "enrolment_paced": "Many enrolled just now; try again in a second.",
    "enrolment_used_up": "The enrolment token enrolled as many as it may.",
    "gateway_ahead": "What the gateway has is too far ahead of the clock.",
    "gateway_deleted": "The gateway was deleted; register it again to use it.",
    "git_owned": "The content is fed from git; change it there, or send `override`.",
    "glass_is_broken": "The change was made already; somebody else confirms it.",
    "head_too_large": "The head of the request is too large.",
    "held_changed": "Another commit is held by now.",
    "idempotency_key_in_use": "The first request with this key is under way.",
    "idempotency_key_reused": "The key came with another body before.",
    "id_reserved": "The id was that of a deleted gateway; release it first.",
    "id_taken": "The id is taken.",
    "in_use": "Links use it; `details` names them.",
    "internal": "The server failed; its log has the cause.",
    "invalid": "A field or query parameter cannot be used; `details` says which and why.",
    "key_taken": "Another client key has this text.",
    "name_taken": "The name is taken.",
    "narrowed": "A credential that is narrowed to some configurations may not do this.",
    "no_client_keys": "There never was a client key for this gateway.",
    "not_authenticated": "There is no bearer token.",
    "not_bound": "Nothing is bound to this gateway.",
    "not_comparable": "The present rules refuse one of the two.",
    "not_found": "There is no such thing, or it is not seen.",
    "not_guarded": "The change needs no second person; send it to its own endpoint.",
    "not_held": "The link holds no commit.",
    "not_pinned": "The configuration is not pinned.",
    "not_ready": "Something is down; `details` says what.",
    "not_the_asker": "Only who asked may withdraw.",
    "not_what_was_shown": "The request shows something else; look at that.",
    "parse_error": "The body is no JSON object.",
    "permission_denied": "The role may not do this; the message says which may.",
    "pinned": "The configuration is pinned; release it first.",
    "precondition_failed": "It is in another state than `If-Match` says; see `current`.",
    "policy_invalid": "The content fails lint or its own tests; `details` says where.",
    "rate_limited": "The token makes too many requests; `Retry-After` says when to go on.",
    "request_over": "The request is decided or expired.",
    "request_void": "What the request is about has changed; ask anew.",
    "second_person_needed": "The change needs a second person: ask by POST /v1/requests.",
    "signing_key_lost": "The signing key is gone from the database.",
    "signing_key_unreadable": "The signing key cannot be opened.",
    "suspended": "The link is suspended; resume it first.",
    "text_replaced": "The asking token's own text was replaced.",
    "token_needed": "Whoever makes or changes a credential or a rule has a token.",
    "token_ended": "The asking token was revoked or has ended.",
    "too_costly": "It takes too much to be judged or compared.",
    "too_many": "Too many requests for this wait already.",
    "too_many_attempts": "Too many authentications failed.",
    "too_many_endpoints": "There are as many notification endpoints as there may be.",
    "too_many_connections": "No connection is free.",
    "unsigned_form": "What is sent in this form is not signed.",
    "unavailable": "A server behind this one does not answer, or fails.",
    "unreadable": "The delivery is not in the documented form of its forge.",
    "unsigned": "The delivery is not signed with a secret of this link.",
    "unsupported_media_type": "The body is no application/json.",
}
"""What each code means, and what helps, in a line."""

_OF_ALL = (
    "400 bad_request", "400 invalid", "431 head_too_large", "500 internal",
    "503 too_many_connections", "503 unavailable",
)  # fmt: skip
_OF_BODIES = ("408 body_too_slow", "413 body_too_large")
_OF_JSON = ("400 parse_error", "415 unsupported_media_type")
_OF_CREDENTIALS = ("401 not_authenticated", "401 authentication_failed", "429 too_many_attempts")
_OF_TOKENS = ("429 rate_limited",)

_OF_KEYS = ("409 already_done", "409 idempotency_key_in_use", "422 idempotency_key_reused")


def of(endpoint: Endpoint) -> Mapping[int, list[str]]:
    """All codes of an endpoint, sorted, by status."""
    found: dict[int, set[str]] = defaultdict(set)
    for one in (*endpoint.operation.errors, *_by_rule(endpoint)):
        status, code = one.split()
        if int(status) not in _STATUSES:
            raise UndescribedError(f"{one}: {status} is no status of HTTP")
        found[int(status)].add(code)
    return {status: sorted(found[status]) for status in sorted(found)}


def _by_rule(endpoint: Endpoint) -> Iterator[str]:
    yield from _OF_ALL
    if endpoint.has_body:
        yield from _OF_BODIES
        yield from _OF_JSON if endpoint.operation.body is not dict else ()
    if "{" in endpoint.path:
        yield "404 not_found"
    if endpoint.credential in ("token", "gateway", "enrolment"):
        yield from _OF_CREDENTIALS
    if endpoint.credential == "token":
        yield from _OF_TOKENS
    if endpoint.credential == "gateway":
        yield "403 permission_denied"
    if IF_MATCH in endpoint.honours:
        yield "412 precondition_failed"
    if IDEMPOTENCY_KEY in endpoint.honours:
        yield from _OF_KEYS
    if endpoint.action not in ("", roles.ANY):
        yield "403 permission_denied"
    if endpoint.action and endpoint.narrowing == REFUSED:
        able = roles.ROLES if endpoint.action == roles.ANY else roles.with_action(endpoint.action)
        if set(able) & set(NARROWABLE):
            yield "403 narrowed"
