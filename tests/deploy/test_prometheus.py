"""An alert by Debian's own Prometheus, with what is shipped, when a gateway stops."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kt.gateway.support import Running
from tests.support.managed import OPEN, becomes, fleet, ordinary, register
from tests.support.stack import ROOT, Stack, free_port, wait_for

RULES = ROOT / "deploy/prometheus/keeptrusts.rules.yml"
# By the control plane, and by Prometheus itself.
STOPPED = {"KeeptrustsGatewayOffline", "KeeptrustsGatewayDown"}
# Of the whole fleet, which one gateway is not.
FLEET = "KeeptrustsFleetOffline"


@pytest.fixture
def prometheus(embedded_stack: Stack, tmp_path: Path) -> Iterator[Callable[[Running], str]]:
    """Starts Debian's Prometheus with what is shipped, in a hurry; gives its url."""
    if not shutil.which("prometheus"):
        pytest.skip("wants Debian's prometheus: apt install prometheus")
    stack = embedded_stack
    started: list[subprocess.Popen[bytes]] = []

    def _start(gateway: Running) -> str:
        places = {
            "127.0.0.1:8080": f"127.0.0.1:{stack.port}",
            "127.0.0.1:41002": gateway.url.removeprefix("http://"),
        }
        settings = (RULES.parent / "prometheus.yml").read_text().replace("15s", "1s")
        for shipped, here in places.items():
            assert shipped in settings
            settings = settings.replace(shipped, here)
        (tmp_path / "prometheus.yml").write_text(settings)
        rules = re.sub(r"\bfor: \w+", "for: 2s", RULES.read_text())
        (tmp_path / RULES.name).write_text(rules)
        token = stack.request("POST", "/v1/tokens", {"name": "prometheus", "role": "metrics"})
        (tmp_path / "keeptrusts-token").write_text(token.data["token"])
        port = free_port()
        command = [
            "prometheus", f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        with (tmp_path / "log").open("wb") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log))
        return f"http://127.0.0.1:{port}"

    yield _start
    for process in started:
        process.terminate()
        process.wait(timeout=60)


def _alerts(url: str) -> dict[str, str]:
    """The state of each alert by name."""
    try:
        with urllib.request.urlopen(f"{url}/api/v1/alerts", timeout=10) as answer:
            found = json.load(answer)["data"]["alerts"]
    except urllib.error.URLError:
        return {"": "no Prometheus yet"}
    return {one["labels"]["alertname"]: one["state"] for one in found}


def _is_scraped(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/targets", timeout=10) as answer:
            found = json.load(answer)["data"]["activeTargets"]
    except urllib.error.URLError:
        return False
    return [one["health"] for one in found] == ["up", "up"]


@pytest.mark.soak
def test_an_alert_fires_when_a_gateway_stops(
    embedded_stack: Stack, tmp_path: Path, prometheus: Callable[[Running], str]
) -> None:
    """Of a control plane and a gateway that are well none does; of one that stops both tell."""
    # On a busy machine the gateway's last word may be too late: then its silence tells.
    embedded_stack.environment["KEEPTRUSTS_GATEWAY_OFFLINE_SECONDS"] = "20"
    stack = embedded_stack.start()
    made = stack.request("POST", "/v1/configurations", {"id": "bot", "content": OPEN})
    assert made.status == 201, made.body
    with fleet(stack, tmp_path / "gateways") as gateways:
        gateway = gateways.start("edge-1", register(stack, "edge-1", "bot"))
        wait_for(lambda: ordinary(gateway) == 200)
        url = prometheus(gateway)
        wait_for(lambda: _is_scraped(url))
        becomes(lambda: {*_alerts(url)} & {*STOPPED, FLEET}, set())

        gateway.stop()

        becomes(lambda: {one for one in STOPPED if _alerts(url).get(one) == "firing"}, STOPPED)
        assert FLEET not in _alerts(url)
