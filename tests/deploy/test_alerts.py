"""Alerts, dashboards and runbooks: of metrics that exist, each tried, each explained."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from keeptrusts.api import health
from kt.gateway.records.metrics import COUNTERS, GAUGES, HISTOGRAMS
from tests.support.stack import ROOT

RULES = ROOT / "deploy/prometheus/keeptrusts.rules.yml"
CASES = ROOT / "tests/deploy/prometheus/alerts.yml"
DASHBOARDS = sorted((ROOT / "deploy/grafana").glob("*.json"))
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
NAMED = re.compile(r"keeptrusts_[a-z_]+")
_OF_HISTOGRAMS = ("_bucket", "_sum", "_count")
CHECKS = {"database", "broker", "worker_and_beat", "writes", "signing_key"}


def _panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def _expressions() -> list[str]:
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    asked = [
        one["expr"] for board in boards for panel in _panels(board) for one in panel["targets"]
    ]
    queried = [
        one["query"]["query"]
        for board in boards
        for one in board["templating"]["list"]
        if one["type"] == "query"
    ]
    return [rule["expr"] for rule in ALERTS] + asked + queried


def _of_gateways() -> set[str]:
    parts = {f"{name}{part}" for name in HISTOGRAMS for part in _OF_HISTOGRAMS}
    return {*COUNTERS, *GAUGES, *parts}


def _of_the_control_plane(admin: APIClient) -> set[str]:
    families = list(text_string_to_metric_families(admin.get("/metrics").content.decode()))
    parts = {
        "counter": ("_total",), "histogram": _OF_HISTOGRAMS, "gauge": ("",),
    }  # fmt: skip
    return {f"{one.name}{part}" for one in families for part in parts[one.type]}


@pytest.mark.django_db
def test_rules_and_dashboards_name_metrics_that_exist(admin: APIClient) -> None:
    """A name that nobody emits makes an alert that never fires, and a panel that stays empty."""
    emitted = _of_gateways() | _of_the_control_plane(admin)

    named = {name for one in _expressions() for name in NAMED.findall(one)}

    assert len(named) > 40
    assert named - emitted == set()


@pytest.mark.django_db
def test_every_metric_is_explained(admin: APIClient) -> None:
    """In the pages for operators."""
    pages = (ROOT / "docs/operating.md").read_text() + (ROOT / "docs/gateway.md").read_text()
    families = list(text_string_to_metric_families(admin.get("/metrics").content.decode()))
    names = {*COUNTERS, *GAUGES, *HISTOGRAMS, *(one.name for one in families)}

    # Three of a kind are told in one row.
    missing = {name for name in names if name not in pages and "_rollout_" not in name}
    assert missing == set()


@pytest.mark.django_db(transaction=True)
def test_the_checks_that_alerts_name_are_there() -> None:
    """The alert on parts leaves out just those that have one of their own."""
    assert set(health._found()) == CHECKS
    text = RULES.read_text()
    assert set(re.findall(r'check="(\w+)"', text)) == CHECKS
    [others] = re.findall(r'check!~"([\w|]+)"', text)
    assert set(others.split("|")) == CHECKS


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_has_a_runbook_and_a_case(rule: dict[str, Any]) -> None:
    """So that who is woken knows what to do, and nobody is for nothing."""
    name, notes = rule["alert"], rule["annotations"]
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs/runbooks.md").read_text(), re.M)

    assert name in sections
    assert notes["runbook_url"] == f"docs/runbooks.md#{name.lower()}"
    assert notes["summary"] and notes["description"]
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert f'alertname="{name}"' in CASES.read_text()


def test_each_runbook_is_of_an_alert() -> None:
    """One that was renamed leaves no section behind."""
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs/runbooks.md").read_text(), re.M)

    assert sections == [rule["alert"] for rule in ALERTS]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_whole(path: Path) -> None:
    """As Grafana reads it: ids once, panels beside each other, data of the chosen source."""
    board = json.loads(path.read_text())
    panels = board["panels"]
    taken = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert board["title"].startswith("Keeptrusts: ") and board["uid"] == f"keeptrusts-{path.stem}"
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(taken)) == len(taken) and max(x for x, _ in taken) < 24
    for panel in _panels(board):
        assert panel["title"] and panel["datasource"]["uid"] == "${datasource}"
        assert len({one["refId"] for one in panel["targets"]}) == len(panel["targets"]) > 0
    variables = {one["name"] for one in board["templating"]["list"]}
    assert {"datasource", *re.findall(r'"\$(\w+)"', str(_expressions()))} <= variables


@pytest.mark.soak
@pytest.mark.parametrize("what", [("check", "rules", RULES), ("test", "rules", CASES)])
def test_prometheus_takes_the_rules(what: tuple[Any, ...]) -> None:
    """And fires each where it should, none where all is well; and reads its own settings."""
    if not shutil.which("promtool"):
        pytest.skip("wants Debian's prometheus: apt install prometheus")
    done = subprocess.run(["promtool", *what], capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.soak
def test_dashboards_ask_what_prometheus_can_answer(tmp_path: Path) -> None:
    """Each expression of a panel parses, with Grafana's variables filled in."""
    if not shutil.which("promtool"):
        pytest.skip("wants Debian's prometheus: apt install prometheus")
    asked = [one.replace("$__rate_interval", "1m") for one in _expressions()]
    rules = [
        {"record": f"one:{number}", "expr": expr}
        for number, expr in enumerate(asked)
        if not expr.startswith("label_values")
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stdout + done.stderr
