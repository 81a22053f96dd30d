"""An estate as a company might have it: people, policies, gateways, and what waits for whom."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kt.gateway.support import HARMFUL, SAFE, Running, chat
from tests.support.forge import Forge
from tests.support.managed import Fleet, becomes, fleet, register, seen
from tests.support.repo import Repo
from tests.support.stack import ROOT, Stack, wait_for

_EXAMPLES = ROOT / "examples" / "policies"
_PERSONAL = "My card is 4111 1111 1111 1111, and my mail is ada@example.com."
ADMIN, EDITOR, VIEWER = "An admin", "An editor", "A viewer"
_MAILS = {
    ADMIN: "admin@example.com",
    EDITOR: "editor@example.com",
    VIEWER: "viewer@example.com",
}
BOT, DESK, MAIL, CLINIC = "support-bot", "payment-desk", "mail-assistant", "clinical-assistant"


class Estate:
    """Two linked repositories, six configurations, five gateways, and people with roles.

    One file is quarantined, one commit is held, one request waits, one gateway never came.
    """

    def __init__(self, stack: Stack, forge: Forge, gateways: Fleet, folder: Path) -> None:
        self.stack, self._forge, self._gateways, self._folder = stack, forge, gateways, folder
        self.tokens = {
            name: self._made("/v1/tokens", name=name, role=role, emails=[_MAILS[name]])["token"]
            for name, role in ((ADMIN, "admin"), (EDITOR, "editor"), (VIEWER, "viewer"))
        }
        self._made("/v1/tokens", name="ci of governance-policies", role="ci")
        self._made("/v1/tokens", name="auditors", role="auditor", note="the audit of this year")
        self.link, self.other_link = self._link_policies(), self._link_clinic()
        self.gateway = "edge-eu-1"
        self.request = self._ask()
        self._run_gateways()
        self._hear()
        self._break_things()

    def pages(self) -> dict[str, str]:
        """Every page with something on it, by a name of its own."""
        one, link, gateway = f"/configurations/{BOT}", f"/repositories/{self.link}", self.gateway
        enrolment = self.stack.get("/v1/enrolment-tokens")[0]["id"]
        credential = self.stack.get("/v1/git-credentials")[0]["id"]
        return {
            "overview": "/",
            "configurations": "/configurations",
            "configuration": one,
            "configuration-four-eyes": f"/configurations/{CLINIC}",
            "policy": f"{one}/policy",
            "compare": f"{one}/compare?from=1&to=2",
            "try": f"/try?configuration={BOT}",
            "repositories": "/repositories",
            "repository-new": "/repositories/new",
            "repository": link,
            "repository-held": f"/repositories/{self.other_link}",
            "repository-files": f"{link}/files",
            "repository-syncs": f"{link}/syncs",
            "repository-edit": f"{link}/edit",
            "repository-webhook": f"{link}/webhook",
            "credentials": "/repositories/credentials",
            "credential": f"/repositories/credentials/{credential}",
            "credential-new": "/repositories/credentials/new",
            "gateways": "/gateways",
            "gateway": f"/gateways/{gateway}",
            "gateway-decisions": f"/gateways/{gateway}/decisions",
            "gateways-enrol": "/gateways/enrol",
            "gateways-enrolment": f"/gateways/enrol/{enrolment}",
            "gateway-bindings": "/gateway-bindings",
            "requests": "/requests",
            "request": f"/requests/{self.request}",
            "events": "/events",
            "notifications": "/notifications",
            "audit": "/audit",
            "access": "/access",
            "refused": "/configurations/nowhere",
        }

    def _hear(self) -> None:
        """Somebody wants to hear of failures; nobody listens where they are sent."""
        path = "/v1/notification-endpoints"
        row = self._made(path, by=ADMIN, name="on call", url="http://127.0.0.1:9/keeptrusts",
                         kinds=["failed", "held", "quarantined"])  # fmt: skip
        self._made(f"{path}/{row['id']}/test", by=ADMIN)

    def _made(self, path: str, /, *, by: str = "", **body: Any) -> dict[str, Any]:
        reply = self.stack.request("POST", path, body, token=self.tokens[by] if by else None)
        assert reply.status in (200, 201, 202), reply.body
        row: dict[str, Any] = reply.data
        return row

    def _link(self, repo: Repo, name: str, **fields: Any) -> str:
        self._forge.aliases[name] = repo.bare.name
        row = self._made(
            "/v1/git-repos", by=ADMIN, url=f"{self._forge.url}/{name}", path="policies/",
            auto_create_configuration=True, poll_interval_seconds=60, **fields,
        )  # fmt: skip
        self._synced(row["id"], repo)
        return str(row["id"])

    def _synced(self, link: str, repo: Repo, *, held: bool = False) -> None:
        """Wait until a commit was looked at."""
        head = repo.git("rev-parse", "HEAD")
        self._made(f"/v1/git-repos/{link}/sync", by=ADMIN)

        def done() -> bool:
            row = self.stack.get(f"/v1/git-repos/{link}")
            return bool(row["held"] if held else row["last_commit"] == head)

        wait_for(done)

    def _link_policies(self) -> str:
        self._policies = self._forge.repository(self._folder / "policies")
        names = (BOT, DESK, MAIL, "internal-assistant")
        files = {_path(name): _example(name) for name in names}
        _commit(self._policies, EDITOR, files, "Policies of the first four assistants")
        self._made(
            "/v1/git-credentials", by=ADMIN, kind="token", name="forge-read-only",
            hosts=["forge.example"], token="github_pat_" + "x" * 40,
        )  # fmt: skip
        return self._link(self._policies, "governance-policies.git")

    def _link_clinic(self) -> str:
        self._clinic = self._forge.repository(self._folder / "clinic")
        _commit(self._clinic, VIEWER, {_path(CLINIC): _example(CLINIC)}, "The clinic's own")
        return self._link(self._clinic, "clinic.git", fail_on="weaker")

    def _ask(self) -> int:
        """Somebody asks for a pin of what is under four eyes."""
        row = self.stack.request("PATCH", f"/v1/configurations/{CLINIC}", {"four_eyes": True})
        assert row.status == 200, row.body
        why = "The regulator looks at version 1 until the end of the week"
        change = {"reason": why}
        asked = self._made(
            "/v1/requests", by=EDITOR, kind="configuration.pin", target=CLINIC, reason=why,
            change=change,
        )  # fmt: skip
        return int(asked["id"])

    def _run_gateways(self) -> None:
        stack = self.stack
        self._made("/v1/gateway-bindings", by=ADMIN, selector={"region": "eu"}, configuration=BOT)
        self._made(
            "/v1/enrolment-tokens", by=ADMIN, name="edge, us", labels={"region": "us"}, max_uses=20
        )
        for name in ("edge-eu-1", "edge-eu-2"):
            row = self._made("/v1/gateways", by=ADMIN, id=name, labels={"region": "eu"})
            _talk(self._gateways.start(name, row["token"]))
        desk = self._gateways.start("desk-1", register(stack, "desk-1", DESK))
        register(stack, "clinic-1", CLINIC)
        for name in ("edge-eu-1", "edge-eu-2", "desk-1"):
            becomes(lambda name=name: seen(stack, name)["state"], "in_sync")
        _talk(desk)
        decided = "/v1/decisions?gateway=edge-eu-1"
        wait_for(lambda: len(stack.get(decided)) >= 3)

    def _break_things(self) -> None:
        """A second version, then a file that is quarantined; a commit that is held."""
        stricter = _example(BOT).replace(
            "- write a fake review", "- write a fake review\n      - pretend to be a lawyer"
        )
        assert stricter != _example(BOT)
        _commit(self._policies, ADMIN, {_path(BOT): stricter}, "Refuse to play the lawyer")
        self._synced(self.link, self._policies)
        broken = _example(MAIL).replace("- prompt-injection", "- prompt-injektion")
        assert broken != _example(MAIL)
        _commit(self._policies, VIEWER, {_path(MAIL): broken}, "Reorder what mails go through")
        self._synced(self.link, self._policies)
        # Without its test, too, which would keep the file out of force.
        term, case = (
            "      - do not resuscitate\n",
            "        - name: an answer waits that says not to",
        )
        before, _, after = _example(CLINIC).partition(case)
        weaker = before.replace(term, "") + after.partition("human_oversight.required}\n")[2]
        assert "resuscitate" not in weaker
        message = "Ask nobody about resuscitation"
        _commit(self._clinic, VIEWER, {_path(CLINIC): weaker}, message)
        self._synced(self.other_link, self._clinic, held=True)
        for name in ("edge-eu-1", "edge-eu-2"):
            becomes(lambda name=name: seen(self.stack, name)["running_version"], 2)


def _path(name: str) -> str:
    return f"policies/{name}/policy-config.yaml"


def _example(name: str) -> str:
    return (_EXAMPLES / name / "policy-config.yaml").read_text()


def _commit(repo: Repo, who: str, files: dict[str, str], message: str) -> None:
    for path, content in files.items():
        repo.write(path, content)
    repo.git("add", "--all")
    author = f"{who} <{_MAILS[who]}>"
    repo.git("commit", "--quiet", "-m", message, f"--author={author}")
    repo.push()


def _talk(gateway: Running) -> None:
    for text in (SAFE, HARMFUL, _PERSONAL, SAFE):
        gateway.post(chat(text))


@contextmanager
def estate(folder: Path, *, port: int = 0, **environment: str) -> Iterator[Estate]:
    """An estate on a control plane of its own, which ends with the block."""
    (folder / "forge").mkdir(parents=True)
    with Forge(folder / "forge", port) as forge:
        stack = Stack(folder / "data", **environment).start()
        try:
            with fleet(stack, folder / "gateways") as gateways:
                made = Estate(stack, forge, gateways, folder)
                time.sleep(1)  # What gateways report last is counted then.
                yield made
        finally:
            stack.stop()
