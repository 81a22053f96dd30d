"""The state of one gateway process, from its start to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from kt.gateway.clients.admission import Admission
from kt.gateway.clients.blocks import Blocks
from kt.gateway.clients.callers import Callers
from kt.gateway.clients.limits import Limits
from kt.gateway.options import Options
from kt.gateway.policy.loading import Loaded
from kt.gateway.policy.readiness import Readiness
from kt.gateway.policy.source import PolicySource
from kt.gateway.records.journal import Journal
from kt.gateway.records.metrics import Metrics
from kt.gateway.records.spool import Spool
from kt.gateway.upstream.catalogue import Catalogue
from kt.gateway.upstream.connections import Upstream
from kt.gateway.upstream.mockscript import Line
from kt.gateway.upstream.models.asking import Models
from kt.gateway.upstream.routing import Router
from kt.tracing.start import exporter

Script: TypeAlias = tuple[Line, ...]
"""The answers of the mock."""


class Aging(Protocol):
    """The age of a managed gateway's policy."""

    @property
    def is_over(self) -> bool:
        """Whether it is above its bound."""


class Gateway:
    """The state of one process.

    `loaded` is replaced whole by a reload, and read once for each request. `problem` says why the
    newest policy is not in force, "" when it is. `admission` knows who may call. `control_plane`
    gives what a managed gateway shows of its control plane, `aging` says when its policy is too old
    to be enforced, and `spool` takes its decisions. `readiness` says which processes have a policy.
    `spans` sends them, None where they go nowhere.

    Raises:
        OSError: the file of client keys cannot be read.
        SettingError: it, or the url of limits, is not as it should be.
    """

    def __init__(
        self,
        options: Options,
        source: PolicySource,
        loaded: Loaded,
        environment: Mapping[str, str],
        script: Script,
    ) -> None:
        self.options = options
        self.source = source
        self.loaded = loaded
        self.environment = environment
        self.script = script
        self.problem = ""
        self.admission = Admission(options.client_keys_path, options.client_keys, now=timestamp())
        self.draining = False
        self.readiness = Readiness(options.workers)
        self.in_flight = 0
        self.started = time.monotonic()
        self.limits = Limits(options.limits_url)
        self.blocks = Blocks()
        self.router = Router()
        self.metrics = Metrics()
        self.upstream = Upstream(options.timeouts)
        self.models = Models(options.models, self.upstream, self._count_question)
        self.catalogue = Catalogue()
        self.journal = Journal(options.decision_log, max_bytes=options.decision_log_bytes)
        self.spans = exporter(environment, service="keeptrusts-gateway")
        self.spool: Spool | None = None
        self.control_plane: Callable[[], dict[str, Any]] | None = None
        self.aging: Aging | None = None

    def _count_question(self, model: str, outcome: str) -> None:
        self.metrics.count("keeptrusts_model_questions_total", model=model, outcome=outcome)

    @property
    def is_expired(self) -> bool:
        """Whether the policy is older than it may be, so that no call is served."""
        return self.aging is not None and self.aging.is_over

    @property
    def callers(self) -> Callers:
        """Who may call now; replaced whole."""
        return self.admission.callers

    @property
    def keys_problem(self) -> str:
        """The reason why the newest client keys are not in force, "" when they are."""
        return self.admission.problem

    def renew_callers(self) -> None:
        """Take client keys as they are on disk now; if they cannot be used, the last ones stay."""
        self.admission.renew(timestamp())

    @property
    def uptime_seconds(self) -> float:
        return time.monotonic() - self.started


def timestamp() -> str:
    """The time in the format of logs and health: ISO 8601 in UTC."""
    return timestamp_of(time.time())


def timestamp_of(seconds: float) -> str:
    """Seconds since 1970 in the format of `timestamp`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe(loaded: Loaded) -> dict[str, Any]:
    """A configuration as `/health` and `/keeptrusts/config` show it."""
    return {
        "id": loaded.id,
        "version": loaded.pack.version,
        "content_hash": loaded.content_hash,
        "source": loaded.source,
        "loaded_at": loaded.loaded_at,
    }
