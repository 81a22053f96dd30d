"""The services of `compose.yaml`, and the pods of the chart, as containers of one network."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.deploy import debian
from tests.deploy.images import Builder, Container, Image, Network
from tests.support.repo import policy
from tests.support.stack import ROOT, wait_for

PLACE = ROOT / "deploy/compose"
NOBODY = 10001


def _interpolated(value: Any) -> Any:
    """A value of a file of compose, whose variables are not set."""
    if isinstance(value, dict):
        return {key: _interpolated(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_interpolated(one) for one in value]
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) if isinstance(value, str) else value
    assert not (isinstance(text, str) and "$" in text), text
    return text


COMPOSE: dict[str, Any] = _interpolated(yaml.safe_load((PLACE / "compose.yaml").read_text()))


def made_secrets(folder: Path) -> Path:
    """The folder that the page's script makes, beside a copy of it."""
    (script := folder / "secrets.sh").write_text((PLACE / "secrets.sh").read_text())
    subprocess.run(["sh", script], cwd="/", check=True, timeout=300)
    return folder / "secrets"


class Services:
    """Containers of one network, in which each has its name."""

    def __init__(self, builder: Builder, network: Network, place: Path) -> None:
        self.builder, self.network, self.place = builder, network, place
        self.secrets = made_secrets(place)
        self.running: dict[str, Container] = {}

    def start(self, name: str, *words: str, image: Image, **environment: str) -> Container:
        """Start a service with the environment, secrets and command of the file."""
        one = COMPOSE["services"][name]
        self.running[name] = Container(
            image, self.place / name, self.network, names=COMPOSE["services"],
            secrets={file: self.secrets / file for file in one["secrets"]},
            read_only=one.get("read_only", False), **{**one.get("environment", {}), **environment},
        )  # fmt: skip
        self.running[name].start(*(words or one.get("command", [])))
        return self.running[name]

    def start_servers(self) -> None:
        """Start Debian's PostgreSQL and Redis in place of their images."""
        folder = debian.add(debian.base(self.place / "servers"), "postgresql", "redis-server")
        given = COMPOSE["services"]["postgres"]["environment"]
        # What the entry point of PostgreSQL's image makes of that.
        initdb = (
            f"initdb --username={given['POSTGRES_USER']} --pwfile={given['POSTGRES_PASSWORD_FILE']}"
            " --auth-local=trust --auth-host=scram-sha-256 --pgdata=/tmp/data >/dev/null"
        )
        postgres = self.start(
            "postgres", "sh", "-c", f"{initdb} && exec postgres -D /tmp/data -k /tmp",
            image=_of_debian(folder, "postgres"),
        )  # fmt: skip
        self.start("redis", image=_of_debian(folder, "redis"))
        for name in ("postgres", "redis"):
            wait_for(lambda name=name: self._is_healthy(name))
        user, database = given["POSTGRES_USER"], given["POSTGRES_DB"]
        done = postgres.execs("createdb", "--host=/tmp", f"--username={user}", database)
        assert done.returncode == 0, done.stderr

    def _is_healthy(self, name: str) -> bool:
        kind, *words = COMPOSE["services"][name]["healthcheck"]["test"]
        asked = words if kind == "CMD" else ["sh", "-c", *words]
        return self.running[name].execs(*asked).returncode == 0

    def asked(self, url: str, token: str = "", body: object = None) -> Any:
        """What a url of the network answers."""
        words = ["curl", "-sS", "--fail-with-body", url, "-H", "Content-Type: application/json"]
        words += ["-H", f"Authorization: Bearer {token}"] if token else []
        words += ["-d", json.dumps(body)] if body is not None else []
        done = self.network.within(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def end(self) -> None:
        """Cut all of it off."""
        for one in self.running.values():
            one.end(signal.SIGKILL)


def _of_debian(folder: Path, user: str) -> Image:
    found = re.search(rf"^{user}:x:(\d+):(\d+):", (folder / "etc/passwd").read_text(), re.M)
    assert found
    path = "/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return Image(folder, {"PATH": path, "HOME": "/tmp"}, "/", f"{found[1]}:{found[2]}", [], [], [])


class Pods:
    """Containers of the chart, with volumes and secrets as a node has them for user 10001's group.

    All have one address here, so each answers probes on a port of its own.
    """

    TOKEN = "bootstrap-token-of-a-cluster-0123456789"

    def __init__(self, services: Services) -> None:
        self.services = services
        self.ready: dict[str, int] = {}
        given = services.place / "given"
        given.mkdir()
        for name in ("secret-key", "database-url", "redis-url"):
            shutil.copy(services.secrets / name, given / name)
        (given / "bootstrap-token").write_text(self.TOKEN)
        for file in given.iterdir():
            os.chown(file, 0, NOBODY)
            file.chmod(0o440)
        self._given = given

    def container(self, name: str, said: Mapping[str, Any], image: Image, token: str) -> Container:
        """One as a pod's specification says; `token` is in the secret that it names, if any."""
        mounts = {one["name"]: one["mountPath"] for one in said["volumeMounts"]}
        shown = {
            "secrets": ["secret-key", "database-url", "redis-url"],
            "bootstrap": ["bootstrap-token"],
        }  # fmt: skip
        secrets = {
            f"{Path(mounts[volume]).name}/{file}": self._given / file
            for volume, files in shown.items() if volume in mounts
            for file in files
        }  # fmt: skip
        volume = self.services.place / f"volume-of-{name}"
        volume.mkdir()
        os.chown(volume, 0, NOBODY)
        volume.chmod(0o2777)
        self.ready[name] = 8100 + len(self.ready)
        own = {"KEEPTRUSTS_READY_LISTEN": f"127.0.0.1:{self.ready[name]}"}
        if name == "gateway":
            own = {"OPENAI_API_KEY": "not-one"}
        return Container(
            image, self.services.place / f"pod-{name}", self.services.network, secrets=secrets,
            names=("postgres", "redis", "keeptrusts-web", "keeptrusts-streams"), volume=volume,
            read_only=said["securityContext"]["readOnlyRootFilesystem"],
            **{**_environment(said["env"], f"keeptrusts-{name}-0", token), **own},
        )  # fmt: skip

    def start(self, name: str, said: Mapping[str, Any], image: Image, token: str = "") -> None:
        """Start one, and wait until it is ready."""
        made = self.container(name, said, image, token)
        self.services.running[name] = made
        made.start(*said["args"])
        probe = said["readinessProbe"]["httpGet"]
        port = 41002 if name == "gateway" else self.ready[name]
        url = f"http://127.0.0.1:{port}{probe['path']}"
        wait_for(lambda: made.is_running() and self._answers(url))

    def _answers(self, url: str) -> bool:
        return self.services.network.within("curl", "-fsS", url).returncode == 0

    def publish(self) -> str:
        """Make a configuration, and an enrolment token for gateways that enforce it."""
        web = "http://127.0.0.1:8080/v1"
        made = {"id": "of-pods", "content": policy("First", id="of-pods")}
        self.services.asked(f"{web}/configurations", self.TOKEN, made)
        told = {"name": "pods", "configuration": "of-pods"}
        token: str = self.services.asked(f"{web}/enrolment-tokens", self.TOKEN, told)["data"][
            "token"
        ]
        return token


def _environment(said: Sequence[Mapping[str, Any]], pod: str, token: str) -> dict[str, str]:
    found = {}
    for one in said:
        source = one.get("valueFrom", {})
        value = one.get("value", token if "secretKeyRef" in source else pod)
        assert "value" in one or {*source} <= {"secretKeyRef", "fieldRef"}, one
        found[one["name"]] = value
    return found
