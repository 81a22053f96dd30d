"""Starting a managed gateway from its state folder."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kt.gateway.gateway import Gateway, Script, timestamp
from kt.gateway.managed import contact, files
from kt.gateway.managed.identity import GATEWAY, Identity, identity
from kt.gateway.managed.keys.store import KeyStore
from kt.gateway.managed.state import CONTACT, SPOOL, State
from kt.gateway.managed.stored import Stored
from kt.gateway.managed.trust.freshness import Freshness
from kt.gateway.options import Managed, Options
from kt.gateway.policy.loading import Loaded, PolicyError, load, nothing
from kt.gateway.policy.source import SourceError
from kt.gateway.records.spool import SUFFIX, Spool

_UNASKED = (
    "this gateway has no token: give --gateway-token-file (or KEEPTRUSTS_GATEWAY_TOKEN),"
    " or --enrolment-token (or KEEPTRUSTS_ENROLMENT_TOKEN)"
)
_SEGMENTS = 8
_LARGEST_SEGMENT_BYTES = 1 << 20


def prepare(
    options: Options, managed: Managed, environment: Mapping[str, str], script: Script
) -> Gateway:
    """A gateway with the policy and client keys that were in force last.

    Without a policy, or without the keys that were there, it refuses all calls.

    Raises:
        OSError: the state folder, or the file of client keys, cannot be used.
        SettingError: the file of client keys, or the url of limits, is not as it should be.
        SourceError: there is no token.
    """
    state = State(managed.state_dir)
    stored = Stored(
        state, name=managed.api_url, gateway=managed.gateway_id, given=_given(managed),
        enrols_with=managed.enrolment_token,
    )  # fmt: skip
    if stored.identity() is None and not managed.enrolment_token:
        raise SourceError("not_configured", _UNASKED)
    loaded, problem = _last(stored, options, environment)
    gateway = Gateway(options, stored, loaded, environment, script)
    gateway.problem = problem
    keys = KeyStore(stored)
    gateway.admission.attach(keys, timestamp())
    gateway.aging = Freshness(stored, keys, max_age_seconds=managed.max_policy_age_seconds)
    gateway.spool = _spool(state.path(SPOOL), managed.spool_bytes // options.workers)
    path = state.path(CONTACT)
    files.remove(path)
    gateway.control_plane = lambda: contact.read(path)
    return gateway


def _given(managed: Managed) -> Identity | None:
    return identity(managed.gateway_token, GATEWAY) if managed.gateway_token else None


def _last(stored: Stored, options: Options, environment: Mapping[str, str]) -> tuple[Loaded, str]:
    """The policy in force last, or the placeholder for none, and the problem."""
    now = timestamp()
    try:
        loaded = load(stored.read(), options, environment, source=stored.name, now=now)
    except SourceError as exc:
        problem = f"{exc.code}: {exc}"
    except PolicyError as exc:
        problem = f"policy_invalid: {'; '.join(exc.problems[:3])}"
    else:
        return loaded, ""
    return nothing(source=stored.name, now=now), problem


def _spool(folder: str, share_bytes: int) -> Spool:
    files.make_way_for_folder(folder)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    files.close(folder, folders=())
    for name in os.listdir(folder):
        # Left by a process that was killed before it wrote a line.
        if name.endswith(f"{SUFFIX}.new"):
            files.remove(os.path.join(folder, name))
    size = min(_LARGEST_SEGMENT_BYTES, max(4096, share_bytes // _SEGMENTS))
    return Spool(folder, segment_bytes=size)
