"""The chart: its values, and what Helm makes of them."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from keeptrusts.env.secret_values import FILES
from keeptrusts.parent import roles
from keeptrusts.parent.misspelt import KNOWN
from kt import __version__
from tests.deploy import checking
from tests.deploy.services import Pods, Services
from tests.support.stack import ROOT

CHART = ROOT / "deploy/helm/keeptrusts"
EXAMPLES = sorted((ROOT / "deploy/helm/examples").glob("*.yaml"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
TEMPLATES = {path.name: path.read_text() for path in (CHART / "templates").iterdir()}


def merged(base: Any, over: Any) -> Any:
    """Values over others, as Helm has them: maps are joined, all else is replaced."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}


def refusals(values: Any) -> list[str]:
    """Where the schema refuses values over the chart's own."""
    found = jsonschema.Draft7Validator(SCHEMA).iter_errors(merged(VALUES, values))
    return ["/".join(map(str, error.absolute_path)) for error in found]


SMALL = yaml.safe_load((ROOT / "deploy/helm/examples/small.yaml").read_text())


def test_the_schema_is_one() -> None:
    """And has a rule for each value of the chart, and no other; examples keep to it."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)

    assert _described(SCHEMA) - {"global"} == {*_named(VALUES)}
    for file in EXAMPLES:
        assert refusals(yaml.safe_load(file.read_text())) == [], file.name


# Values whose keys are Kubernetes' own, or whoever installs it names.
_FREE = {"settings", "requests", "limits", "annotations", "podSecurityContext"}


def _named(values: Any, above: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and key not in _FREE and value:
            yield from _named(value, f"{above}{key}/")
        else:
            yield f"{above}{key}"


def _described(schema: Any, above: str = "") -> set[str]:
    names = set()
    for key, one in schema.get("properties", {}).items():
        inner = _described(one, f"{above}{key}/")
        names |= inner or {f"{above}{key}"}
    return {name for name in names if not name.endswith("/claims")}


@pytest.mark.parametrize("name", sorted({*FILES, *FILES.values()}))
def test_no_secret_is_written_among_settings(name: str) -> None:
    """Each has a way by a secret of the cluster, or none."""
    over = {"controlPlane": {"settings": {name: "x"}}}

    assert "controlPlane/settings" in refusals(merged(copy.deepcopy(SMALL), over))


@pytest.mark.parametrize(
    ("over", "where"),
    [
        ({"controlPlane": {"existingSecret": ""}}, "controlPlane/existingSecret"),
        ({"controlPlane": {"publicUrl": "keeptrusts.example"}}, "controlPlane/publicUrl"),
        ({"controlPlane": {"eventsUrl": ""}}, "controlPlane/eventsUrl"),
        ({"controlPlane": {"secretKey": "x"}}, "controlPlane"),
        ({"controlPlane": {"settings": {"KEEPTRUSTS_SECRET_KEY": "x"}}}, "controlPlane/settings"),
        ({"controlPlane": {"settings": {"DATABASE_URL": "x"}}}, "controlPlane/settings"),
        (
            {"controlPlane": {"roles": {"beat": {"processes": 2}}}},
            "controlPlane/roles/beat/processes",
        ),
        ({"controlPlane": {"roles": {"worker": {}}}}, "controlPlane/roles"),
        ({"controlPlane": {"image": {"digest": "latest"}}}, "controlPlane/image/digest"),
        ({"gateway": {"existingSecret": ""}}, "gateway/existingSecret"),
        ({"gateway": {"settings": {"KEEPTRUSTS_GATEWAY_TOKEN": "x"}}}, "gateway/settings"),
        ({"ingress": {"enabled": True}}, "ingress/host"),
        ({"monitoring": {"enabled": True}}, "monitoring/tokenSecret"),
        ({"networkPolicy": {"ports": {"outside": []}}}, "networkPolicy/ports/outside"),
        ({"replicas": 2}, ""),
    ],
)  # fmt: skip
def test_values_that_are_none_are_refused(over: Any, where: str) -> None:
    """A secret that is written out, above all."""
    assert where in refusals(merged(copy.deepcopy(SMALL), over))


def test_every_role_is_there() -> None:
    """With as many processes as one may have, and its readiness asked of it alone."""
    assert VALUES["controlPlane"]["roles"].keys() == roles.ALL.keys()
    assert "path: /readyz/{{ $role }}" in TEMPLATES["roles.yaml"]


def test_templates_name_settings_that_there_are() -> None:
    """And values that the chart has; the chart has the release's version."""
    everything = "".join(TEMPLATES.values())
    named = set(re.findall(r"\b((?:KEEPTRUSTS|DATABASE|REDIS)_[A-Z_]+)\b", everything))
    used = set(re.findall(r"\.Values\.([A-Za-z.]+[A-Za-z])", everything))
    top = {*_named(VALUES)}
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert named - {"KEEPTRUSTS_OIDC_CLIENT_SECRET"} <= KNOWN | FILES.keys()
    assert [
        one for one in used if not any(_is_within(one.replace(".", "/"), name) for name in top)
    ] == []
    assert chart["version"] == chart["appVersion"] == __version__


def _is_within(used: str, name: str) -> bool:
    return name == used or name.startswith(f"{used}/")


def test_templates_write_no_secret() -> None:
    """They name secrets that are there, and make none."""
    for name, text in TEMPLATES.items():
        assert not re.search(r"^kind: Secret$|stringData|randAlpha|genPrivateKey", text, re.M), name


def _pods(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in documents
        if one["kind"] in ("Deployment", "StatefulSet", "Job")
    }


def test_the_page_makes_the_secret_that_the_chart_names() -> None:
    """With all its keys, and installs what is there; every value of the page is one."""
    page = (ROOT / "docs/deploy.md").read_text()
    made, installed = re.findall(r"^(kubectl create secret .*)\n(helm install .*)$", page, re.M)[0]
    keys = {*re.findall(r"--from-(?:literal|file)=([a-z-]+)", made)}
    needed = {
        *re.findall(r"\{key: ([a-z-]+),", TEMPLATES["_helpers.tpl"] + TEMPLATES["migrations.yaml"])
    }
    _, _, release, *paths = installed.replace("--values ", "").split()

    assert keys == needed
    assert f"generic {SMALL['controlPlane']['existingSecret']} " in made
    assert release == "keeptrusts"
    assert [ROOT / path for path in paths] == [CHART, ROOT / "deploy/helm/examples/small.yaml"]
    rows = re.findall(
        r"^\| (`(?:controlPlane|gateway|ingress|network|monitoring|pod)[^|]*) \|", page, re.M
    )
    named = [one.replace(".", "/") for row in rows for one in re.findall(r"`([\w.]+)`", row)]
    assert len(named) > 8
    for one in named:
        path = one.replace("ROLE", "web")
        assert any(_is_within(path, name) or _is_within(name, path) for name in _named(VALUES)), one


@pytest.mark.soak
def test_helm_lints_and_renders_it(chart: Any) -> None:
    """Without a warning, for three kinds of installations, as Kubernetes' schemas have it."""
    assert len(chart["planted"]) == len(checking.VERSIONS)
    for name, report in chart["lint"].items():
        assert [one for one in report["messages"] if one["severity"] > 1] == [], name
    for when in ("install", "upgrade"):
        assert chart[when].keys() == {file.stem for file in EXAMPLES}
        assert [one["faults"] for one in chart[when].values()] == [[], [], []]
    for value in ("existingSecret", "publicUrl", "eventsUrl"):
        assert f"/controlPlane/{value}" in chart["refused"]


@pytest.mark.soak
def test_no_pod_may_do_more_than_it_needs(chart: Any) -> None:
    """As nobody, on a root that is read-only, without a capability and the cluster's API."""
    for one in chart["install"].values():
        for name, pod in _pods(one["documents"]).items():
            assert pod["automountServiceAccountToken"] is False, name
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            for container in pod.get("initContainers", []) + pod["containers"]:
                assert container["securityContext"] == {
                    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }  # fmt: skip
                assert "memory" in container["resources"]["limits"]
                assert not any("PASSWORD" in given["name"] for given in container["env"])
                mounted = {mount["name"] for mount in container["volumeMounts"]}
                there = {volume["name"] for volume in pod["volumes"]} | {"state"}
                assert mounted <= there


@pytest.mark.soak
def test_every_role_of_production_survives_a_drain(chart: Any) -> None:
    """Each has a budget, a network policy, and spreads; selectors find their pods and no others."""
    documents = chart["install"]["production"]["documents"]
    names = {f"keeptrusts-{role}" for role in roles.ALL}
    by_kind = {
        kind: {one["metadata"]["name"]: one for one in documents if one["kind"] == kind}
        for kind in (
            "Deployment",
            "PodDisruptionBudget",
            "NetworkPolicy",
            "HorizontalPodAutoscaler",
        )
    }

    assert by_kind["Deployment"].keys() == names == by_kind["PodDisruptionBudget"].keys()
    assert by_kind["NetworkPolicy"].keys() == names | {"keeptrusts-migrations"}
    assert by_kind["HorizontalPodAutoscaler"].keys() == {"keeptrusts-web"}
    for name, one in by_kind["Deployment"].items():
        spec = one["spec"]
        labels, wanted = spec["template"]["metadata"]["labels"], spec["selector"]["matchLabels"]
        assert wanted.items() <= labels.items()
        assert by_kind["PodDisruptionBudget"][name]["spec"]["selector"]["matchLabels"] == wanted
        assert by_kind["NetworkPolicy"][name]["spec"]["podSelector"]["matchLabels"] == wanted
        assert len(spec["template"]["spec"]["topologySpreadConstraints"]) == 2
        assert ("replicas" in spec) == (name != "keeptrusts-web")
        role = name.removeprefix("keeptrusts-")
        (container,) = spec["template"]["spec"]["containers"]
        assert roles.asked(container["args"][1:]) == {role: 1}
        assert container["image"].startswith(
            "registry.example.com/keeptrusts/control-plane@sha256:"
        )
        has_secret = any(given["name"].startswith("KEEPTRUSTS_OIDC_CLIENT_SECRET_")
                         for given in container["env"])  # fmt: skip
        assert has_secret == (role == "web")


@pytest.mark.soak
def test_the_pods_of_a_small_installation_run(chart: Any, services: Services) -> None:
    """The job to its end, then each role until it is ready, and a gateway that enrols itself."""
    specified = {
        name.removeprefix("keeptrusts-"): pod
        for name, pod in _pods(chart["install"]["small"]["documents"]).items()
    }
    control, gateway = (services.builder.image(one) for one in ("control-plane", "gateway"))
    pods = Pods(services)
    services.start_servers()
    job = specified["migrations"]
    for container in job["initContainers"] + job["containers"]:
        done = pods.container(container["name"], container, control, "").does(*container["args"])
        assert done.returncode == 0, done.stdout + done.stderr
    for role in roles.ALL:
        pods.start(role, specified[role]["containers"][0], control)
    pods.start("gateway", specified["gateway"]["containers"][0], gateway, pods.publish())

    shown = services.asked("http://127.0.0.1:41002/health")
    listed = services.asked("http://127.0.0.1:8080/v1/gateways", pods.TOKEN)["data"]
    assert shown["config"]["id"] == "of-pods"
    assert [one["id"] for one in listed] == ["keeptrusts-gateway-0"]
    assert [services.running[role].end() for role in ("gateway", *roles.ALL)] == [0] * 6
