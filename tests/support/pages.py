"""The page of metrics, read as Prometheus reads it."""

from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from keeptrusts import metrics


def samples(admin: APIClient) -> dict[tuple[str, ...], float]:
    """Every sample of `/metrics`, by name and values of labels."""
    metrics.flush()
    answer = admin.get("/metrics")
    assert answer.status_code == 200, answer.content
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }
