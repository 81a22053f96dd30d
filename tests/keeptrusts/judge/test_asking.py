"""Questions to a judge: what ends it, and what becomes of the question."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keeptrusts.judge import asking, wire
from keeptrusts.judge.asking import ANYBODY, Asker, ask
from keeptrusts.judge.errors import CrashedError, JudgeFailedError, TooCostlyError, UnansweredError
from keeptrusts.judge.judges import Judges
from keeptrusts.judge.turns import Turns
from tests.support import judged

pytestmark = pytest.mark.usefixtures("judged")

ROOT = Path(__file__).parents[3]
SHORT = Asker(seconds=0.2, patience=100)
HASTY = Asker(seconds=0.2, patience=2)


def runs(pid: int) -> bool:
    """Whether a process still does anything, which one that nobody buries does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(pid: int) -> bool:
    """Whether a process ends within seconds."""
    until = time.monotonic() + 5
    while runs(pid) and time.monotonic() < until:
        time.sleep(0.002)
    return not runs(pid)


def killed(pid: int, number: int = signal.SIGKILL) -> None:
    """End a process."""
    os.kill(pid, number)
    assert ends(pid)


def test_one_judge_answers_one_question_after_the_other() -> None:
    """It is warm, and stays."""
    assert len({ask(ANYBODY, judged.process) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    "value",
    [
        (b"", None),
        (b"\0\xff" * 10, ""),
        (b"x", "caf\u00e9 \0"),
        (b"x" * 2_000_000, "y" * 2_000_000),
    ],
    ids=["empty", "bytes", "letters", "large"],
)
def test_values_come_back_as_they_were(value: tuple[bytes, str | None]) -> None:
    """Of any length that a policy has."""
    assert ask(ANYBODY, judged.echoed, *value) == value


def test_a_lone_surrogate_comes_back_as_a_question_mark() -> None:
    """A policy may have escaped one, and no message holds it."""
    assert ask(ANYBODY, judged.echoed, b"", "a\udc00b") == (b"", "a?b")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (lambda: ask(SHORT, judged.computed, 60.0), "over 0.2 s of processor time"),
        (lambda: ask(ANYBODY, judged.taken, 2000), "more memory than"),
        (lambda: ask(ANYBODY, judged.died, signal.SIGABRT), "more memory than"),
        (lambda: ask(ANYBODY, judged.died, signal.SIGSEGV), "more memory than"),
        (lambda: ask(ANYBODY, judged.echoed, b"x" * 5_000_000, ""), "over 4194304 bytes"),
    ],
    ids=["time", "memory", "C code without memory", "C code that crashes", "length"],
)
def test_what_takes_too_much_is_too_costly_and_the_next_is_answered(
    question: Callable[[], object], words: str
) -> None:
    """The judge is ended, and another forked."""
    with pytest.raises(TooCostlyError, match=words):
        question()

    assert ask(ANYBODY, judged.echoed, b"next", None) == (b"next", None)


def test_memory_that_others_took_is_not_blamed_on_a_question() -> None:
    """It is asked of a fresh judge."""
    for _ in range(3):
        assert ask(ANYBODY, judged.kept, 400) == 400 << 20


def test_a_bug_is_told_with_its_traceback_and_ends_no_judge() -> None:
    """Who asks logs it."""
    judge = ask(ANYBODY, judged.process)
    with pytest.raises(CrashedError, match="ZeroDivisionError: by what") as raised:
        ask(ANYBODY, judged.raised, "by what")

    assert 'File "' in str(raised.value)
    assert ask(ANYBODY, judged.process) == judge


def test_a_judge_that_was_killed_meanwhile_is_followed_by_another() -> None:
    """Who asks next notices nothing."""
    judge = ask(ANYBODY, judged.process)
    killed(judge)

    assert ask(ANYBODY, judged.process) != judge


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_judge_that_is_killed_while_it_judges_is_asked_once_more(number: int) -> None:
    """As the kernel does when the machine has no memory left."""
    judge = ask(ANYBODY, judged.process)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, ANYBODY, judged.computed, 0.5)
        time.sleep(0.2)
        killed(judge, number)

        assert answer.result() != judge


def test_a_question_whose_judge_is_killed_twice_is_an_error(judges: Judges) -> None:
    """And no hang; the next one is answered."""
    with pytest.raises(UnansweredError, match="twice"):
        ask(ANYBODY, judged.died, signal.SIGKILL)

    assert ask(ANYBODY, judged.echoed, b"next", None) == (b"next", None)


def test_a_question_with_a_secret_has_a_judge_of_its_own() -> None:
    """Nothing of it is left where another policy is read."""
    kept = ask(ANYBODY, judged.process)
    alone = [ask(Asker(alone=True), judged.process) for _ in range(2)]

    assert len({kept, *alone}) == 3
    assert not any(map(runs, alone))
    assert ask(ANYBODY, judged.process) == kept


def test_a_nursery_that_is_killed_is_started_again(judges: Judges) -> None:
    """Its judges go with it."""
    judge = ask(ANYBODY, judged.process)
    assert judges._nursery is not None
    judges._nursery.process.kill()
    judges._nursery.process.wait()

    assert ask(ANYBODY, judged.process) != judge
    assert ends(judge)


def test_a_machine_that_is_too_slow_is_not_blamed_on_the_question() -> None:
    """A judge that waits without computing says nothing about the file."""
    with pytest.raises(UnansweredError, match="too slow"):
        ask(HASTY, judged.slept, 60.0)

    assert ask(ANYBODY, judged.echoed, b"next", None) == (b"next", None)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0", b"\xff\xff\xff\xff", struct.pack("!I", 1) + b"\xc1",
        struct.pack("!I", 3) + b"\x93\x01\x02", struct.pack("!I", 40) + b"short",
        (lambda m: struct.pack("!I", len(m)) + m)(wire.encode({"type": "Value", "value": "text"})),
        (lambda m: struct.pack("!I", len(m)) + m)(wire.encode({"type": "Other"})),
        struct.pack("!I", 30_000_000) + b"\xdd\x7f\xff\xff\xff" * 6_000_000,
    ],
    ids=["nothing", "a byte", "a length", "no message", "a list", "a part", "type", "tag", "long"],
)  # fmt: skip
def test_what_is_no_answer_is_never_taken_for_one(data: bytes) -> None:
    """Whatever a judge was brought to write."""
    if len(data) > 1_000_000:  # More than a question holds: the judge itself makes it long.
        data = data[:1_000_000]
    with pytest.raises(JudgeFailedError):
        ask(ANYBODY, judged.interrupted, data)

    assert ask(ANYBODY, judged.echoed, b"next", None) == (b"next", None)


def test_an_exception_in_who_asks_leaves_no_answer_behind() -> None:
    """As the time limit of a sync does, whenever it comes."""

    def interrupt(*_: object) -> None:
        raise InterruptedError("in the middle")

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(InterruptedError):
            ask(ANYBODY, judged.computed, 0.4)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert ask(ANYBODY, judged.echoed, b"next", None) == (b"next", None)


def test_two_callers_are_answered_at_once_and_one_is_not() -> None:
    """Each caller has one judge at most; both use what is there."""
    with ThreadPoolExecutor(3) as pool:
        others = [pool.submit(ask, Asker("a"), judged.slept, 0.3) for _ in range(2)]
        time.sleep(0.1)
        began = time.monotonic()
        ask(Asker("b"), judged.process)
        waited = time.monotonic() - began
        judges = {other.result() for other in others}
        both = time.monotonic() - began

    assert waited < 0.2
    assert len(judges) == 1
    assert both > 0.4


def test_threads_ask_without_mixing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are."""
    turns = Turns(places=2, share=99, most=99, wait_seconds=60)
    monkeypatch.setattr(asking._process, "turns", turns)
    with ThreadPoolExecutor(8) as pool:
        texts = [str(number) for number in range(200)]
        names = [Asker(f"{number % 5}") for number in range(200)]
        asked = pool.map(lambda a, t: ask(a, judged.echoed, t.encode(), t), names, texts)

        assert list(asked) == [(text.encode(), text) for text in texts]


_PARENT = """\
import os, sys
from keeptrusts.judge import asking
from tests.support import judged
asking.MODULES = ("tests.support.judged",)
asking._process = asking._Process()
print(asking.ask(asking.ANYBODY, judged.process), os.getpid(), flush=True)
if sys.argv[1] == "forks":
    child = os.fork()
    if child == 0:
        print(asking.ask(asking.ANYBODY, judged.process), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(asking.ask(asking.ANYBODY, judged.process), flush=True)
else:
    asking.ask(asking.ANYBODY, judged.computed, 9.0)
"""


def _parent(word: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _PARENT, word]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_judge_ends_with_who_asked_also_by_kill_9() -> None:
    """While it judges, too; nobody is left behind."""
    with _parent("is killed") as parent:
        assert parent.stdout
        judge = int(parent.stdout.readline().split()[0])
        time.sleep(0.2)  # By now it computes.
        parent.kill()
        parent.wait()

    assert ends(judge)


def test_a_process_that_is_forked_has_judges_of_its_own() -> None:
    """Two that share a connection would read each other's answers."""
    with _parent("forks") as parent:
        output, _ = parent.communicate(timeout=60)
        judges = [line.split()[0] for line in output.split("\n") if line]

    assert judges[0] == judges[2] != judges[1]


def test_threads_that_end_take_no_judge_with_them() -> None:
    """A parent is a thread to the kernel, and a web server's come and go."""
    found: list[int] = []
    asking._process.judges.close()
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(ask(ANYBODY, judged.process)))
        thread.start()
        thread.join()

    assert found[0] == found[1]


def test_none_of_a_workers_threads_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each works for somebody else, whatever the others ask; judges are fewer, and are kept."""
    worker = asking._Worker(12)
    places = worker.turns._places
    worker.judges = Judges(["tests.support.judged"], kept=places)
    monkeypatch.setattr(asking, "_process", worker)

    def several(_: int) -> set[int]:
        return {ask(ANYBODY, judged.slept, 0.01) for _ in range(3)}

    try:
        with ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(several, range(12)))
    finally:
        worker.judges.close()

    assert len(answers) == 12
    assert len(set[int]().union(*answers)) <= places
