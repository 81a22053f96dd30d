"""Counters and histograms in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

Labels = tuple[tuple[str, str], ...]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_MOST_SERIES = 2000

COUNTERS = {
    "keeptrusts_requests_total": "Answered requests by route, verdict and status.",
    "keeptrusts_policy_decisions_total": "Decisions other than allow by policy and reason.",
    "keeptrusts_upstream_requests_total": "Calls to targets by target and outcome.",
    "keeptrusts_model_questions_total": "Questions to models of classifiers by model and outcome.",
    "keeptrusts_tokens_total": "Tokens by direction.",
    "keeptrusts_client_requests_total": "Answered requests by client key and status.",
    "keeptrusts_client_tokens_total": "Tokens by client key.",
    "keeptrusts_limited_total": "Requests over a limit by limit.",
    "keeptrusts_config_reloads_total": "Reloads by outcome.",
}
HISTOGRAMS = {
    "keeptrusts_request_duration_seconds": "From the request to the end of its answer.",
    "keeptrusts_gateway_duration_seconds": "Of that, what the gateway itself took.",
    "keeptrusts_upstream_duration_seconds": "Of that, what was spent waiting for the target.",
}
# Values of the moment at which the page is asked for.
GAUGES = {
    "keeptrusts_config_info": "1 for the policy in force, by id, version and hash.",
    "keeptrusts_config_degraded": "1 while the newest policy of its file is not in force.",
    "keeptrusts_requests_in_flight": "Calls that are not answered yet.",
    "keeptrusts_client_keys": "Client keys that let somebody in.",
    "keeptrusts_limits_shared": "1 while limits are counted with other processes, in Redis.",
    "keeptrusts_uptime_seconds": "Since the start of this process.",
    "keeptrusts_decision_log_dropped": "Lines that the decision log lost, since the start.",
    "keeptrusts_target_up": "1 for a target that may be called; 0: it fails or has no key.",
    "keeptrusts_publish_seq": "The sequence of the newest statement that was taken.",
    "keeptrusts_last_contact_timestamp_seconds": "When the control plane answered last.",
    "keeptrusts_policy_confirmed_timestamp_seconds": "When the policy was confirmed as newest.",
    "keeptrusts_stream_connected": "1 while a stream of the control plane is held.",
    "keeptrusts_gateway_problem": "1 for the present problem with the control plane, by code.",
    "keeptrusts_spool_bytes": "Decisions that wait to be sent.",
    "keeptrusts_decisions_sent": "Decisions that the control plane took, since the start.",
    "keeptrusts_decisions_dropped": "Decisions that were lost, since the start.",
    "keeptrusts_statements_refused": "Statements that were refused, since the start.",
    "keeptrusts_keys_refused": "Lists of client keys that were refused, since the start.",
    "keeptrusts_spans_sent": "Spans that the collector of traces took, since the start.",
    "keeptrusts_spans_dropped": "Spans that were lost, since the start.",
    "keeptrusts_state_restored": "Files of the state folder that were put back, since the start.",
}


class Metrics:
    """Counters and histograms since the start. The number of series is bounded."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[Labels, float]] = {name: {} for name in COUNTERS}
        self._buckets = {name: [0] * (len(BUCKETS) + 1) for name in HISTOGRAMS}
        self._sums = dict.fromkeys(HISTOGRAMS, 0.0)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter. Past 2,000 series of it, new ones are counted as `other`."""
        series = self._counts[name]
        key = tuple(labels.items())
        if key not in series and len(series) >= _MOST_SERIES:
            key = tuple((label, "other") for label in labels)
        series[key] = series.get(key, 0) + amount

    def observe(self, name: str, seconds: float) -> None:
        """Add a duration to a histogram."""
        self._buckets[name][bisect_left(BUCKETS, seconds)] += 1
        self._sums[name] += seconds

    def total(self, name: str) -> int:
        """The sum of a counter over all its labels."""
        return int(sum(self._counts[name].values()))

    def render(self, gauges: Mapping[str, Iterable[tuple[Labels, float]]]) -> bytes:
        """The whole page; `gauges` are values of this moment."""
        lines: list[str] = []
        for name, help_text in COUNTERS.items():
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} counter"]
            lines += [_line(name, key, value) for key, value in self._counts[name].items()]
        for name, help_text in HISTOGRAMS.items():
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} histogram"]
            lines += self._histogram(name)
        for name, samples in gauges.items():
            lines += [f"# HELP {name} {GAUGES[name]}", f"# TYPE {name} gauge"]
            lines += [_line(name, key, value) for key, value in samples]
        return "\n".join([*lines, ""]).encode()

    def _histogram(self, name: str) -> Iterator[str]:
        total = 0
        for bound, count in zip((*BUCKETS, "+Inf"), self._buckets[name], strict=True):
            total += count
            yield _line(f"{name}_bucket", (("le", str(bound)),), total)
        yield _line(f"{name}_sum", (), self._sums[name])
        yield _line(f"{name}_count", (), total)


def _line(name: str, labels: Labels, value: float) -> str:
    inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{inner}}} {value:.16g}" if inner else f"{name} {value:.16g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
