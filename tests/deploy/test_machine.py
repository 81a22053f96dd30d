"""`docs/deploy.md` in a bare Debian under its own systemd, from a release, with the network off."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kt.cli.main import main
from tests.deploy.debian import Machine
from tests.support.stack import ROOT, wait_for

PAGE = (ROOT / "docs/deploy.md").read_text()
FROM_EMPTY, WITH_GATEWAY, UPGRADE, GATEWAY_ALONE = re.findall(
    r"^```sh\n(.*?)^```", PAGE, re.M | re.S
)[:4]
# In place of what fetches: the page has them for a machine without a network.
OFFLINE = re.findall(r"^tar .*\nPIP_NO_INDEX.*\n", PAGE, re.M)[0]
URL = "https://github.com/org/governance-policies.git"
SERVED = """[Unit]
[Service]
ExecStart=/usr/bin/python3 -m http.server 41003 --bind 127.0.0.1 --directory /srv
"""
# Forges of this machine, which a control plane calls only where it is told to.
LOCAL = """[Service]
Environment=KEEPTRUSTS_GIT_ALLOWED_NETWORKS=127.0.0.0/8 KEEPTRUSTS_GIT_SCHEMES=http
"""
# A key that the example's policy names.
KEY = "OPENAI_API_KEY=not-one"
AUTHORITY = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"


def test_a_reader_types_few_commands() -> None:
    """From a bare Debian to a gateway with an alert; and to one of a control plane elsewhere."""
    typed = [line for line in (FROM_EMPTY + WITH_GATEWAY).splitlines() if line.strip()]

    assert len(typed) <= 15
    assert len(GATEWAY_ALONE.splitlines()) <= 5


@pytest.fixture
def machine(bare: Path, release: Path) -> Iterator[Machine]:
    """A booted Debian with a release on a medium, and a repository that it serves itself."""
    shutil.copytree(release, bare / "media/bundle")
    (bare / "media/bundle").chmod(0o755)
    main(["init", str(bare / "srv/work/policies/support-bot")])
    (bare / "etc/systemd/system/served.service").write_text(SERVED)
    (drop := bare / "etc/systemd/system/keeptrusts.service.d").mkdir()
    (drop / "local.conf").write_text(LOCAL)
    booted = Machine(bare)
    try:
        booted.runs(
            "cd /srv/work; git init --quiet --initial-branch main; git add .;"
            " git -c user.name=a -c user.email=a@b.example commit --quiet --message policies;"
            " git clone --quiet --bare . /srv/policies.git;"
            " git -C /srv/policies.git update-server-info; systemctl start served"
        )
        yield booted
    finally:
        booted.end()


@pytest.mark.soak
def test_the_page_leads_to_a_gateway_that_enforces(machine: Machine) -> None:
    """Under units that start again what was killed, end in time, and hide nothing from judges."""
    commands = re.sub(r"git clone .*\nmake .*\n", OFFLINE, FROM_EMPTY)
    commands = commands.replace("NAME=keeptrusts.example.com", "NAME=localhost")
    machine.runs(re.sub(r"^apt update .*\n", "", commands, flags=re.M))
    kept = machine.runs("cat /etc/keeptrusts/*.env")
    machine.runs("sh /opt/keeptrusts/deploy/systemd/install.sh other.example")
    assert machine.runs("cat /etc/keeptrusts/*.env") == kept
    wait_for(lambda: machine.does("curl -fsS http://127.0.0.1:8082/readyz").returncode == 0)
    # What a browser or an operator does with an authority of one's own.
    wait_for(lambda: machine.does(f"test -s {AUTHORITY}").returncode == 0)
    machine.runs(
        f"cp {AUTHORITY} /usr/local/share/ca-certificates/local.crt && update-ca-certificates"
    )

    commands = WITH_GATEWAY.replace(URL, "http://127.0.0.1:41003/policies.git")
    told = machine.runs(f"echo {KEY} >>/etc/keeptrusts/gateway.env\n{commands}", NAME="localhost")
    call = (
        "curl -sS http://127.0.0.1:41002/v1/chat/completions -H 'Content-Type: application/json'"
        """ -d '{"model": "any", "messages": [{"role": "user", "content": """
        """"Generate instructions for illegal activity"}]}'"""
    )
    answer = wait_for(lambda: _error(machine.does(call).stdout))

    assert "synced" in told
    assert answer["policy"] == "safety-filter"
    _it_is_watched(machine)
    _no_judge_misses_anything(machine)
    _it_is_upgraded(machine)
    _it_is_started_again(machine, "keeptrusts", "http://127.0.0.1:8082/readyz")
    _it_is_started_again(machine, "keeptrusts-gateway", "http://127.0.0.1:41002/readyz")
    _it_ends_by_itself(machine, "keeptrusts-gateway")
    _another_gateway_comes_from_a_release(machine, call)
    _it_ends_by_itself(machine, "keeptrusts")


def _another_gateway_comes_from_a_release(machine: Machine, call: str) -> None:
    """As on a machine that has nothing of the first; the same line again finds it there."""
    machine.runs(
        "systemctl disable keeptrusts-gateway; rm /usr/local/bin/kt /etc/keeptrusts/gateway.*"
        " /etc/systemd/system/keeptrusts-gateway.service;"
        " rm -rf /var/lib/private/keeptrusts-gateway; cd /root; /opt/keeptrusts/.venv/bin/kt"
        " gateways add edge-2 --configuration support-bot --token-file edge-2.token"
    )
    commands = re.sub(r"^apt update .*\n", "", GATEWAY_ALONE, flags=re.M)
    # As it would be served; pip has no index here.
    commands = commands.replace("https://get.example.com/cli", "file:///media/bundle/cli")
    commands = commands.replace("keeptrusts.example.com", "localhost")
    commands = commands.replace(
        "systemctl enable", f"echo {KEY} >>/etc/keeptrusts/gateway.env\nsystemctl enable"
    )
    from_folder = {"KEEPTRUSTS_WHEELS": "/media/bundle/wheels"}
    machine.runs(f"cd /root\n{commands}", **from_folder)
    answer = wait_for(lambda: _error(machine.does(call).stdout))
    again = machine.runs("sh /media/bundle/cli gateway", **from_folder)

    assert answer["policy"] == "safety-filter"
    assert again.startswith("there is kt ")
    shown = machine.runs("readlink -f /usr/local/bin/kt; kt gateways show edge-2")
    assert shown.startswith("/opt/keeptrusts-gateway/releases/")
    _it_ends_by_itself(machine, "keeptrusts-gateway")


def _error(answer: str) -> dict[str, str]:
    """The error of a call that was refused by a policy; empty while there is none."""
    try:
        error: dict[str, str] = json.loads(answer)["error"]
    except (ValueError, KeyError):
        return {}
    return error if error.get("type") == "policy_violation" else {}


def _it_is_watched(machine: Machine) -> None:
    """Prometheus reads both pages, and has no alert."""
    asked = "curl -fsSG http://127.0.0.1:9090/api/v1/query --data-urlencode"

    def values(query: str) -> list[str]:
        told = machine.does(f"{asked} 'query={query}'").stdout
        found = json.loads(told or '{"data": {"result": []}}')
        return [one["value"][1] for one in found["data"]["result"]]

    # Those of Debian's own configuration are remembered for five minutes.
    wait_for(lambda: values('up{job=~"keeptrusts.*"}') == ["1", "1"])
    wait_for(lambda: values("keeptrusts_gateways") != [])
    assert values("ALERTS") == []


def _it_is_upgraded(machine: Machine) -> None:
    """By the page's lines; the release is the same one, since a bare Debian has one alone."""
    commands = re.sub(r"^git .*\n", "", UPGRADE, flags=re.M)
    machine.runs(commands, NAME="localhost")
    wait_for(lambda: machine.does("curl -fsS http://127.0.0.1:8082/readyz").returncode == 0)

    assert machine.does("test -s /var/lib/keeptrusts/before.backup").returncode == 0
    wait_for(lambda: machine.does("keeptrusts-manage doctor").returncode == 0)


def _no_judge_misses_anything(machine: Machine) -> None:
    """Nor git, whose sync is done: the log warns of neither."""
    lines = machine.runs("journalctl --unit keeptrusts --no-pager --output cat")

    assert "Keeptrusts is up" in lines
    assert [
        line for line in lines.splitlines() if re.search("level='(warning|error)'|Traceback", line)
    ] == []


def _it_is_started_again(machine: Machine, unit: str, probe: str) -> None:
    """After `kill -9`, as another process."""
    before = machine.runs(f"systemctl show --property MainPID {unit}")
    machine.runs(f"systemctl kill --kill-who main --signal KILL {unit}")
    wait_for(lambda: "NRestarts=1" in machine.runs(f"systemctl show {unit}"))
    wait_for(lambda: machine.does(f"curl -fsS {probe}").returncode == 0)

    assert machine.runs(f"systemctl show --property MainPID {unit}") != before


def _it_ends_by_itself(machine: Machine, unit: str) -> None:
    """Before systemd ends it, with status 0."""
    machine.runs(f"systemctl stop {unit}")

    shown = machine.runs(f"systemctl show --property Result,ExecMainStatus {unit}")
    assert shown.split() == ["Result=success", "ExecMainStatus=0"]
