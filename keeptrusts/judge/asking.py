"""Questions to a judge: a turn, a question, and what it means when the judge ends."""

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import msgspec
import structlog

from keeptrusts.judge import wire
from keeptrusts.judge.errors import CrashedError, TooCostlyError, UnansweredError
from keeptrusts.judge.judges import Judge, Judges
from keeptrusts.judge.turns import Turns

log = structlog.get_logger(__name__)

_P = ParamSpec("_P")
_R = TypeVar("_R")

# The modules with functions that a judge may be asked for.
MODULES = (
    "keeptrusts.judge.policies", "keeptrusts.judge.gates", "keeptrusts.judge.trials",
    "gitrepos.links.given_keys", "gitrepos.snapshot.packs.reading",
)  # fmt: skip

# Twice what the costliest policy takes that keeps the limits of length, on a slow machine.
SECONDS = 10.0
# Beside whoever asks costly questions another is answered. Those that wait here hold threads of the
# web, which has more than a dozen, and leave some for all else.
_PLACES, _SHARE, _MOST = 2, 8, 8
_WAIT_SECONDS = 10.0
# Of a worker: as many as there were processes before, and as there are cores.
_WORKER_PLACES, _WORKER_WAIT_SECONDS = 4, 60.0

_OUT_OF_TIME = (signal.SIGPROF, signal.SIGXCPU)
# So ends what is written in C when it gets no memory.
_OUT_OF_MEMORY = (signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV, signal.SIGTRAP, signal.SIGILL)
_MEMORY = "takes more memory than a check may"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and the processor time, in seconds, that a question of theirs may take.

    Questions of one `name` are answered one after the other. A judge that got less than one part
    in `patience` of a core, so that its processor time is not used up, is waited for no longer.
    `alone`: the judge answers nobody before and after, since the question has a secret in it.
    """

    name: str = ""
    seconds: float = SECONDS
    patience: float = 6.0
    alone: bool = False


ANYBODY = Asker()


class _Process:
    """The judges of this process and the turns at them."""

    def __init__(self) -> None:
        self.judges = Judges(MODULES, kept=_PLACES)
        self.turns = Turns(places=_PLACES, share=_SHARE, most=_MOST, wait_seconds=_WAIT_SECONDS)
        self.are_threads_apart = False

    def caller(self, asker: Asker) -> str:
        """Whose question it is."""
        return f"{asker.name}@{threading.get_ident()}" if self.are_threads_apart else asker.name


class _Worker(_Process):
    """The same of a process whose threads have work of their own, each for somebody else.

    None is sent away, and turns go round among them: whoever asks costly questions delays another
    by one of them at a time.
    """

    def __init__(self, threads: int) -> None:
        places = max(_WORKER_PLACES, os.cpu_count() or 1)
        self.judges = Judges(MODULES, kept=places)
        self.turns = Turns(
            places=places, share=1, most=threads + 1, wait_seconds=_WORKER_WAIT_SECONDS
        )
        self.are_threads_apart = True


_process = _Process()


def work(threads: int) -> None:
    """Be asked by so many threads of a worker; called before the first question."""
    global _process
    _process = _Worker(threads)


def _forget() -> None:
    """Leave judges and turns to the process that forked this one."""
    global _process
    _process = _Process()


os.register_at_fork(after_in_child=_forget)


@atexit.register
def close() -> None:
    """End all judges of this process; the next question starts others."""
    _process.judges.close()


def ask(asker: Asker, function: Callable[_P, _R], *args: _P.args, **_: _P.kwargs) -> _R:
    """What `function` returns for arguments by position, found by a judge.

    It is one of the FUNCTIONS of MODULES. A question whose judge is ended from outside is asked
    once more.

    Raises:
        CrowdedError: too many questions wait.
        TooCostlyError: it took more time or memory than it may.
        UnansweredError: the judge was killed twice, or the machine is too slow.
        JudgeFailedError: there is no judge.
        CrashedError: the function raised something.
    """
    arguments = msgspec.Raw(wire.encode(args))
    question = wire.encode(wire.Question(wire.name(function), arguments, asker.seconds))
    if len(question) > wire.MAX_QUESTION_BYTES:
        raise TooCostlyError(f"is over {wire.MAX_QUESTION_BYTES} bytes")
    returned: type[_R] = wire.signature(function)[1]
    with _process.turns.turn(_process.caller(asker)):
        for fresh in (asker.alone, True):
            answer = _answer(question, asker, returned, fresh=fresh)
            if answer is not None:
                return answer[0]
    raise UnansweredError("The judge was killed while it worked, twice.")


def _answer(question: bytes, asker: Asker, returned: type[_R], *, fresh: bool) -> tuple[_R] | None:
    """The value that one judge finds; None where the question should be asked of a fresh one."""
    judge = _process.judges.take(fresh=fresh)
    try:
        message = judge.ask(question, until=time.monotonic() + asker.seconds * asker.patience)
        answer: wire.Answer = msgspec.msgpack.decode(message, type=wire.Answer)
        if isinstance(answer, wire.Value):
            value = msgspec.msgpack.decode(answer.value, type=returned)
    except TimeoutError as exc:
        judge.end()
        raise UnansweredError("The machine is too slow: the judge was not done in time.") from exc
    except (ConnectionError, msgspec.MsgspecError) as exc:
        _blame(judge, asker.seconds, str(exc))
        return None
    except BaseException:
        judge.end()  # What it answers now would be taken for the answer to the next question.
        raise
    if isinstance(answer, wire.NoMemory):
        judge.end()
        if judge.fresh:
            raise TooCostlyError(_MEMORY)
        return None  # Earlier questions may have left it too little.
    if asker.alone:
        judge.end()
    else:
        _process.judges.give_back(judge)
    if isinstance(answer, wire.Crash):
        raise CrashedError(answer.traceback)
    return (value,)


def _blame(judge: Judge, seconds: float, how: str) -> None:
    """Blame the question for the end of its judge, unless it had no part in it.

    Raises:
        TooCostlyError: the question was too costly.
    """
    fresh, status = judge.fresh, judge.end()
    number = -(status or 0)
    if number in _OUT_OF_TIME:
        raise TooCostlyError(f"takes over {seconds:g} s of processor time to check")
    if number in _OUT_OF_MEMORY and fresh:
        raise TooCostlyError(_MEMORY)
    log.warning("a judge ended; its question is asked again", status=status, how=how)
