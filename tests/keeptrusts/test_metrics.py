"""Metrics of many processes, and the page for Prometheus."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from django.test import override_settings
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from keeptrusts import metrics
from keeptrusts.processes import parts
from tests.support.pages import samples

pytestmark = pytest.mark.smoke

COUNTER = metrics.CounterMetric("keeptrusts_tests_total", "Things.", ("kind", "fault"))
HISTOGRAM = metrics.HistogramMetric("keeptrusts_tests_seconds", "Times.", (1, 2, 4))


@pytest.fixture(autouse=True)
def _from_nothing() -> Iterator[None]:
    """No number of another test."""
    metrics.flush()
    metrics.broker().delete(*metrics.broker().keys("keeptrusts:metrics*") or ["none"])
    yield
    metrics.flush()


def _values(family) -> dict[tuple[str, ...], float]:  # type: ignore[no-untyped-def]
    return {(s.name, *s.labels.values()): s.value for s in family.samples}


def test_counts_of_all_threads_and_processes_add_up() -> None:
    """Nothing is lost between two that hand over at the same time."""

    def count() -> None:
        for _ in range(200):
            COUNTER.add("a", "none")
            metrics.flush()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    COUNTER.add("b", "ours", amount=3)
    metrics.flush()

    assert _values(COUNTER.family(metrics.totals())) == {
        ("keeptrusts_tests_total", "a", "none"): 800,
        ("keeptrusts_tests_total", "b", "ours"): 3,
    }


def test_counts_wait_for_a_broker_that_is_away() -> None:
    """And are handed over when it is back."""
    COUNTER.add("a", "none")
    with override_settings(REDIS_URL="unix:///nowhere/redis.sock"):
        metrics.flush()
        with pytest.raises(redis.RedisError):
            metrics.totals()
    metrics.flush()

    assert COUNTER.sum(metrics.totals()) == 1


def test_a_histogram_holds_what_is_at_most_its_bound() -> None:
    """As Prometheus reads buckets: each includes those below it."""
    HISTOGRAM.observe(0.5, 1, 3, 9)
    metrics.flush()

    values = _values(HISTOGRAM.family(metrics.totals()))

    assert values == {
        ("keeptrusts_tests_seconds_bucket", "1"): 2,
        ("keeptrusts_tests_seconds_bucket", "2"): 2,
        ("keeptrusts_tests_seconds_bucket", "4"): 3,
        ("keeptrusts_tests_seconds_bucket", "+Inf"): 4,
        ("keeptrusts_tests_seconds_count",): 4,
        ("keeptrusts_tests_seconds_sum",): 13.5,
    }


@pytest.mark.parametrize(
    ("seen", "share", "expected"),
    [
        ([], 0.5, None),
        ([0.2] * 10, 0.5, 0.5),
        ([0.2] * 10 + [3] * 10, 0.75, 3),
        ([0.2] * 99 + [100], 1, 4),
    ],
)
def test_a_quantile_is_interpolated(seen: list[float], share: float, expected: float) -> None:
    """Inside its bucket; the open one is as good as its lower bound."""
    HISTOGRAM.observe(*seen)
    metrics.flush()

    assert HISTOGRAM.quantile(metrics.recent(), share) == expected


@pytest.mark.django_db
def test_the_page_is_what_prometheus_reads(admin: APIClient) -> None:
    """Every family has a help text, and its labels."""
    answer = admin.get("/metrics")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=1.0.0")
    families = {f.name: f for f in text_string_to_metric_families(answer.content.decode())}
    assert {"keeptrusts_polls", "keeptrusts_poll_lateness_seconds"} <= set(families)
    assert all(family.documentation for family in families.values())
    statuses = _values(families["keeptrusts_git_repos"])
    assert statuses["keeptrusts_git_repos", "synced"] == 0


@pytest.mark.django_db
def test_the_page_wants_a_token(client: APIClient) -> None:
    """It tells how many repositories there are, and of whose forges."""
    assert client.get("/metrics").status_code == 401


@pytest.mark.django_db
def test_without_a_broker_there_is_no_summary(admin: APIClient) -> None:
    """503, since its numbers live there."""
    with override_settings(REDIS_URL="unix:///nowhere/redis.sock"):
        answer = admin.get("/v1/git-repos/summary")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


@pytest.mark.django_db
def test_without_a_broker_the_page_says_so(admin: APIClient) -> None:
    """And has what needs none: nothing that is counted there, which would seem to begin anew."""
    with override_settings(REDIS_URL="unix:///nowhere/redis.sock"):
        page = samples(admin)

    assert page["keeptrusts_check_up", "broker"] == 0
    assert page["keeptrusts_check_up", "database"] == 1
    assert page["keeptrusts_git_repos", "synced"] == 0
    assert page["keeptrusts_gateways", "offline"] == 0
    assert [name for name, *_ in page if "polls_total" in name or "queue" in name] == []


@pytest.mark.django_db
def test_the_page_tells_a_part_that_is_down(
    admin: APIClient, tmp_path: Path, settings: Settings
) -> None:
    """As /healthz does; and the room that is left."""
    settings.ENV = replace(settings.ENV, data_dir=tmp_path)
    parts.write(tmp_path, {"poller": "It ended."})

    page = samples(admin)

    assert page["keeptrusts_check_up", "poller"] == 0
    assert page["keeptrusts_data_dir_free_bytes",] > 1
