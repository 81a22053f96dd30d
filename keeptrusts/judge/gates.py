"""Gates before a judge: the tests of a policy are measured within the time of a question."""

import time

import structlog

from keeptrusts.judge.asking import ANYBODY, Asker, ask
from keeptrusts.judge.errors import CrashedError, TooCostlyError
from kt.policy.findings import Finding
from kt.policy.mutants import gates as demanded
from kt.policy.mutants.gates import Gates, not_measured
from kt.policy.nodes import MappingNode
from kt.policy.yaml.document import read

log = structlog.get_logger(__name__)

# Of the processor time of a question; the rest is for the mutant that is tried when it is over.
_SHARE = 0.8


def measure(
    content: bytes, gates: Gates, *, asker: Asker = ANYBODY
) -> tuple[tuple[Finding, ...], float]:
    """What gates say against a content that `verify` accepts, and the processor time, in seconds.

    What takes too much has an error, as what crashes the measure.

    Raises:
        CrowdedError: too many questions wait.
        JudgeFailedError: the judge ended, for no fault of the content.
    """
    try:
        return ask(asker, _measured, content, gates, asker.seconds * _SHARE)
    except TooCostlyError as exc:
        return (not_measured(f"the measure of its tests {exc}"),), asker.seconds
    except CrashedError as exc:
        log.error("the measure of tests crashed", traceback=str(exc))  # noqa: TRY400
        return (not_measured("the measure of its tests crashed; the log says how"),), 0.0


def _measured(content: bytes, gates: Gates, seconds: float) -> tuple[tuple[Finding, ...], float]:
    began = time.process_time()
    root = read(content).root
    assert isinstance(root, MappingNode), "it was verified"
    over = began + seconds
    found = demanded.findings(root, gates, lambda: time.process_time() > over)
    return found, time.process_time() - began


FUNCTIONS = (_measured,)


def warm_up() -> None:
    """Measure once, so that what searches of any kind need is there for every judge."""
    _measured(_SAMPLE, Gates(coverage=100, killed=100), seconds=60)


_SAMPLE = b"""\
pack: {name: Sample, version: 1.0.0, enabled: true}
policies:
  chain: [prompt-injection, pii-detector, dlp-filter, safety-filter, rbac, agent-firewall]
policy:
  prompt-injection: {encoding: {decode_base64: true}}
  pii-detector: {action: block, healthcare_mode: true, phone_regions: [DE, FR]}
  dlp-filter: {action: block, blocked_terms: [falcon], detect_patterns: ['A[0-9]{2,9}']}
  safety-filter: {mode: education, block_if: [falcon], fuzzy_matching: true}
  rbac: {deny_if_missing: [X-User-ID]}
  agent-firewall: {max_tool_calls: 1}
"""
