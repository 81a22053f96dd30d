"""OpenTelemetry's variables: what is read of them, and which values stop a start."""

from pathlib import Path

import pytest

from kt.tracing import settings
from kt.tracing.errors import SettingsError
from kt.tracing.start import exporter
from tests.support.tls import Authority

URL = "http://collector:4318"
AT = {"OTEL_EXPORTER_OTLP_ENDPOINT": URL}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "x", "OTEL_EXPORTER_OTLP_HEADERS": "a=b"},
        {**AT, "OTEL_SDK_DISABLED": "true"},
        {**AT, "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    ],
)
def test_spans_go_nowhere_unless_somebody_says_where(environ: dict[str, str]) -> None:
    """Or says that they do not."""
    assert settings.read(environ, service="s") is None
    assert exporter(environ, service="s") is None


def test_the_rest_has_defaults() -> None:
    """As the specification has them."""
    found = settings.read(AT, service="keeptrusts")

    assert found == settings.Settings(f"{URL}/v1/traces", {}, 10.0, "", "keeptrusts", {}, 1.0)


def test_every_variable_is_read(tmp_path: Path) -> None:
    """That of traces alone goes before that of all signals."""
    authorities = str(Authority(tmp_path).ca_file)
    environ = {
        **AT,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces:1/in",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=all",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": " authorization=Bearer%20x , api-key = k ",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "500",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": authorities,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=named,deployment.environment.name=a%2Cb",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
    }
    found = settings.read(environ, service="s")

    assert found == settings.Settings(
        "https://traces:1/in", {"authorization": "Bearer x", "api-key": "k"}, 0.5, authorities,
        "named", {"deployment.environment.name": "a,b"}, 0.25,
    )  # fmt: skip
    assert "Bearer" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:secret@collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:99999"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://coll\nector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=secret%0d%0ab: c"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1.5"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nonexistent/ca.pem"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", __file__),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan"),
        ("OTEL_RESOURCE_ATTRIBUTES", "alone"),
    ],
)
def test_what_cannot_be_used_names_itself(name: str, value: str) -> None:
    """And never a value that may be a secret."""
    environ = {**AT, "OTEL_TRACES_SAMPLER": "traceidratio", name: value}

    with pytest.raises(SettingsError, match=name) as found:
        settings.read(environ, service="s")
    assert "secret" not in str(found.value)
