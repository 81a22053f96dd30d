"""The list of client keys that a control plane issues, in JSON; its digests open a gateway."""

from __future__ import annotations

from typing import Annotated

import msgspec

from kt.gateway.clients.callers import Allowance, Caller, Callers
from kt.gateway.errors import SettingError
from kt.policy.decision.tools.globs import compile_globs

_Seconds = Annotated[int, msgspec.Meta(ge=1, le=31 * 86_400)]
_Amount = Annotated[int, msgspec.Meta(ge=1)]
_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,99}\Z")]
_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


# A field that is not known may be one that takes something away: `forbid_unknown_fields`.
class _RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_requests: _Amount
    window_seconds: _Seconds


class _TokenBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_tokens: _Amount
    window_seconds: _Seconds


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: _Name
    sha256: Annotated[list[_Digest], msgspec.Meta(min_length=1)]
    models: Annotated[list[str], msgspec.Meta(min_length=1)] | None = None
    rate_limit: _RateLimit | None = None
    token_budget: _TokenBudget | None = None


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    demanded: bool
    keys: list[_Key]


def parse_list(data: bytes) -> Callers:
    """The holders of the keys in a list.

    Raises:
        SettingError: it is of a form that this release does not know.
    """
    try:
        found = msgspec.json.decode(data, type=_List)
    except msgspec.DecodeError as exc:
        message = f"this release of kt cannot read the control plane's client keys ({exc})"
        raise SettingError(f"{message}; update kt") from exc
    holders = {bytes.fromhex(one): _caller(key) for key in found.keys for one in key.sha256}
    return Callers(holders, demanded=found.demanded)


def _caller(key: _Key) -> Caller:
    rate, budget = key.rate_limit, key.token_budget
    return Caller(
        name=key.name,
        models=None if key.models is None else compile_globs(key.models),
        requests=Allowance(rate.max_requests, rate.window_seconds) if rate else None,
        tokens=Allowance(budget.max_tokens, budget.window_seconds) if budget else None,
    )
