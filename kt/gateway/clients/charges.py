"""Charges of a call: the limits that it counts against, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kt.gateway.clients.callers import Allowance, Caller

_USER_HEADERS = ("x-user-id",)


@dataclass(frozen=True, slots=True)
class Charge:
    """An `amount` against a `limit`, of which a payer has `most` in `window_seconds`.

    `scope` is whose limit it is: a configuration's id, or "" for the limits of clients.
    """

    limit: str
    scope: str
    payer: str
    most: int
    window_seconds: int
    amount: int = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a call. `document` is the policy that it is under, `configuration` its id.

    `headers` are by lower-case name, `peer` is the address that connected, and `caller` the
    holder of the key, None without keys.
    """

    configuration: str
    document: Mapping[str, Any]
    headers: Mapping[str, str]
    peer: str
    caller: Caller | None = None

    @property
    def address(self) -> str:
        """The client's address: the peer's, or the one that trusted proxies forward.

        Proxies append, so the address that the outermost trusted one saw is counted from the
        right; whatever is left of it was written by the client.
        """
        depth = (self.document.get("ip_rate_limit") or {}).get("trust_proxy_depth", 0)
        forwarded = [item.strip() for item in self.headers.get("x-forwarded-for", "").split(",")]
        hops: Sequence[str] = [*filter(None, forwarded), self.peer]
        client: str = hops[max(0, len(hops) - 1 - depth)]
        return client

    @property
    def user(self) -> str:
        """The user: the name of the client's key, else the first user header, else the address."""
        if self.caller is not None and self.caller.name:
            return f"client {self.caller.name}"
        names = (self.document.get("user_rate_limit") or {}).get("header_names") or _USER_HEADERS
        for name in names:
            if self.headers.get(name.lower()):
                return f"user {self.headers[name.lower()]}"
        return f"address {self.address}"


_PAYERS: dict[str, Callable[[Origin], str]] = {
    "global_rate_limit": lambda _: "",
    "ip_rate_limit": lambda origin: origin.address,
    "user_rate_limit": lambda origin: origin.user,
}


def of_request(origin: Origin) -> list[Charge]:
    """The charges of one more call: the client's own limit first, then those of the policy."""
    charges = _of_client(origin, "client_rate_limit", 1)
    for limit, payer in _PAYERS.items():
        given = origin.document.get(limit)
        if given:
            most, seconds = given["max_requests"], given["window_seconds"]
            charges.append(Charge(limit, origin.configuration, payer(origin), most, seconds))
    return charges


def of_tokens(origin: Origin, tokens: int) -> list[Charge]:
    """The charges of a number of tokens, which is negative where they are given back."""
    charges = _of_client(origin, "client_token_budget", tokens)
    given = origin.document.get("token_rate_limit")
    if given:
        payer = origin.user if given.get("scope", "global") == "user" else ""
        most, seconds = given["max_tokens"], given["window_seconds"]
        charges.append(
            Charge("token_rate_limit", origin.configuration, payer, most, seconds, tokens)
        )
    return charges


def _of_client(origin: Origin, limit: str, amount: int) -> list[Charge]:
    caller = origin.caller
    if caller is None:
        return []
    allowance: Allowance | None = caller.requests if limit == "client_rate_limit" else caller.tokens
    if allowance is None:
        return []
    return [Charge(limit, "", caller.name, allowance.amount, allowance.window_seconds, amount)]
