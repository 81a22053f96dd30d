"""Start of a managed gateway without its control plane: with its last policy, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kt.gateway.managed.state import COPIES, Kept, State
from kt.gateway.managed.statement import verify
from tests.kt.gateway.managed.killing import WRITES, keep_until
from tests.kt.gateway.signing import GATEWAY, new_key, pin, signed
from tests.kt.gateway.support import HARMFUL, Running, chat, free_port, pack, until

KEY = new_key()
TOKEN = f"ktg_{pin(KEY)}.{'s' * 43}"

Start = Callable[..., Running]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state folder, not made yet."""
    return tmp_path / "state"


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start a managed gateway whose control plane does not answer."""
    with ExitStack() as stack:

        def run(*arguments: str) -> Running:
            return stack.enter_context(
                Running(
                    None,
                    "--mock-upstream",
                    *arguments,
                    KEEPTRUSTS_API_URL=f"http://127.0.0.1:{free_port()}",
                    KEEPTRUSTS_GATEWAY_ID=GATEWAY,
                    KEEPTRUSTS_GATEWAY_TOKEN=TOKEN,
                    KEEPTRUSTS_STATE_DIR=str(folder),
                )
            )

        yield run


@pytest.fixture
def content(folder: Path) -> bytes:
    """A policy that the folder holds."""
    data = pack().encode()
    one = signed(KEY, data)
    state = State(str(folder))
    state.keep(Kept(one, verify(one, pin=pin(KEY), gateway=GATEWAY), data))
    state.close()
    return data


def problem(gateway: Running) -> str | None:
    """The code of the problem that it shows."""
    shown = gateway.get("/health").json.get("control_plane") or {}
    found = shown.get("problem")
    return found and found["code"]


def edit(folder: Path, *names: str) -> None:
    """Take the policy's teeth out, as somebody with an editor would."""
    for name in names:
        data = (folder / name).read_bytes()
        assert b"[safety-filter]" in data
        (folder / name).write_bytes(data.replace(b"[safety-filter]", b"[audit-logger]"))


def test_without_a_policy_nothing_passes(start: Start) -> None:
    """It listens, says so, and lives."""
    gateway = start()
    answer = gateway.post(chat())
    until(lambda: problem(gateway) == "control_plane_unreachable")
    health = gateway.get("/health").json

    assert (answer.status, answer.error["code"]) == (503, "not_configured")
    assert "retry-after" in answer.headers
    assert (health["status"], health["enforcing"]) == ("degraded", False)
    assert gateway.get("/readyz").status == 503
    assert gateway.get("/healthz").status == 200


def test_what_is_wrong_is_told_on_stderr(start: Start) -> None:
    """Once, however often it is tried again; whoever reads the log need not ask `/health`."""
    gateway = start()
    until(lambda: problem(gateway) == "control_plane_unreachable")

    _, _, stderr = gateway.stop()

    assert stderr.count("kt: control_plane_unreachable: ") == 1


def test_the_last_policy_is_enforced_from_the_start(start: Start, content: bytes) -> None:
    """With the id and the place in the order that the control plane gave it."""
    gateway = start()
    config = gateway.get("/keeptrusts/config").json

    assert gateway.post(chat(HARMFUL)).status == 409
    assert gateway.post(chat()).status == 200
    assert config["id"] == "support-bot"
    assert config["control_plane"]["publish_seq"] == 7
    assert "keeptrusts_publish_seq 7\n" in gateway.get("/metrics").body.decode()


def test_a_policy_that_nobody_confirms_is_not_enforced_for_ever(
    start: Start, content: bytes
) -> None:
    """With a bound on its age, which no confirmation meets here; a person is told why."""
    gateway = start("--max-policy-age", "300", "--workers", "2")
    until(lambda: problem(gateway) == "policy_expired")
    answers = {(one.status, one.error["code"]) for one in (gateway.post(chat()) for _ in range(9))}

    assert answers == {(503, "policy_expired")}
    assert gateway.get("/readyz").json == {"status": "policy_expired"}
    assert gateway.get("/health").json["status"] == "degraded"


def test_an_age_that_is_no_age_stops_the_start(start: Start) -> None:
    """With what it should be."""
    for given in ("5m", "299", "-1", "1e9"):
        with pytest.raises(AssertionError, match="whole number of seconds, at least 300"):
            start(f"--max-policy-age={given}")


def test_every_process_enforces_the_last_policy(start: Start, content: bytes) -> None:
    """And each shows how the one that leads stands with the control plane."""
    gateway = start("--workers", "2")
    until(lambda: all(problem(gateway) == "control_plane_unreachable" for _ in range(20)))

    assert {gateway.post(chat(HARMFUL)).status for _ in range(20)} == {409}


def test_one_edited_copy_is_passed_over(start: Start, folder: Path, content: bytes) -> None:
    """The other is enforced, the edit is shown, and put back."""
    name = COPIES[0]
    before = (folder / name).read_bytes()
    edit(folder, name)
    gateway = start()

    assert gateway.post(chat(HARMFUL)).status == 409
    until(lambda: problem(gateway) == "state_edited")
    until(lambda: (folder / name).read_bytes() == before)


def test_without_a_genuine_copy_nothing_passes(start: Start, folder: Path, content: bytes) -> None:
    """An edited policy is no policy."""
    edit(folder, *COPIES)
    gateway = start()
    answer = gateway.post(chat())

    assert (answer.status, answer.error["code"]) == (503, "not_configured")
    until(lambda: problem(gateway) == "state_edited")


def test_an_edit_while_it_runs_changes_nothing(start: Start, folder: Path, content: bytes) -> None:
    """In no process; it is shown, put back, and forgotten after a while."""
    gateway = start("--workers", "2")
    before = [(folder / name).read_bytes() for name in COPIES]
    edit(folder, *COPIES)
    until(lambda: problem(gateway) == "state_edited")
    until(lambda: [(folder / name).read_bytes() for name in COPIES] == before)
    gateway.post(b"", "/keeptrusts/config/reload")

    assert {gateway.post(chat(HARMFUL)).status for _ in range(20)} == {409}
    until(lambda: problem(gateway) == "control_plane_unreachable")


def test_another_token_makes_the_stored_policy_a_strangers(
    start: Start, folder: Path, content: bytes
) -> None:
    """It is signed by a key that this token does not pin."""
    gateway = start("--gateway-token", f"ktg_{pin(new_key())}.{'s' * 43}")

    assert gateway.post(chat()).status == 503


# Around the step with which it takes over; `test_state` has every step.
@pytest.mark.parametrize(("step", "is_old"), [(1, True), (2, False)])
def test_killed_at_a_step_it_enforces_the_old_or_the_new(
    start: Start, folder: Path, content: bytes, step: int, is_old: bool
) -> None:
    """And nobody is blamed for an edit."""
    new = pack("[audit-logger]", "{}").encode()
    keep_until(folder, KEY, new, 8, WRITES[step])

    gateway = start()

    assert gateway.post(chat(HARMFUL)).status == (409 if is_old else 200)
    whole = content if is_old else new
    until(lambda: all((folder / copy).read_bytes().endswith(whole) for copy in COPIES))
    assert "edited by hand" not in gateway.stop()[2]


def test_a_state_folder_in_use_stops_the_start(start: Start, folder: Path) -> None:
    """The second would undo what the first writes."""
    start()
    with pytest.raises(AssertionError, match="another gateway uses this state"):
        start()


def test_decisions_wait_on_disk_over_restarts(start: Start, folder: Path, content: bytes) -> None:
    """As many as there were, and none with the text of a call."""
    for _ in range(2):
        gateway = start("--decision-log", "none")
        gateway.post(chat(HARMFUL))
        gateway.post(chat())
        gateway.stop()
    lines = [
        line for path in (folder / "spool").glob("*.jsonl") for line in path.read_text().split("\n")
    ]

    assert len(list(filter(None, lines))) == 4
    assert not any("illegal" in line or "quarterly" in line for line in lines)
