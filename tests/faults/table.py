"""The cells of the table: what goes on during faults, and what is back after them, with bounds."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from tests.faults.faults import BROKER, DATABASE, Fault
from tests.faults.watching import Watch, watching
from tests.faults.world import World
from tests.support.stack import wait_for

# An answer of a health check, and one of a gateway.
HEALTH_SECONDS, GATEWAY_SECONDS = 2.0, 2.0
BACK_SECONDS = 10.0
# The link's interval, and what a fault of twenty seconds may add.
FORCE_SECONDS = 2.0 + 10.0
# The network's own share of an answer.
_BEGUN_SECONDS = 1.0
# Health tells for so long of what only writes meet, as a disk without space.
NOTED_SECONDS = 30.0
_NAMES = iter(range(1_000_000))


def hold(world: World, faults: Sequence[Fault], *, seconds: float) -> list[str]:
    """Let faults last for some seconds; every cell of the table that does not hold."""
    wait_for(world.is_well)
    threads, lines = world.threads(), _connections(world)
    with watching(world) as watch:
        time.sleep(0.5)
        with ExitStack() as lasting:
            for fault in faults:
                lasting.enter_context(fault.lasting(world))
            began = time.monotonic()
            pushed_during = world.push(f"During {next(_NAMES)}")
            moved_after = _after(pushed_during, began, seconds)
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            told = world.down() if any(fault.told for fault in faults) else {}
        ended = time.monotonic()
        after = world.push(f"After {next(_NAMES)}")
        back = _each_after(
            {
                "well": world.is_well,
                "in force": lambda: pushed_during() or after(),
                "a push in force": after,
            },
            ended,
        )
        time.sleep(1)
    print(
        f"\n{'+'.join(one.name for one in faults)}: slowest"
        f" read {watch.slowest('reads', since=0, until=ended):.1f} s,"
        f" write {watch.slowest('writes', since=0, until=ended):.1f} s,"
        f" health {watch.slowest('healthz', since=0, until=ended):.1f} s;"
        f" moved during it: {moved_after}; after it: {back}"
    )
    cells = [
        *during(watch, faults, began + _BEGUN_SECONDS, ended),
        *(f"not told: {one.told}, but {told}" for one in faults if not _is_told(one, told)),
        *_still(faults, seconds, moved_after),
        *_late("all is well", back["well"], _health_back(faults)),
        *_late("a push from before is in force", back["in force"], FORCE_SECONDS),
        *_late("a push is in force", back["a push in force"], FORCE_SECONDS),
        *_back(watch, faults, ended),
        *lost(world, watch),
        *_left(world, threads, lines),
    ]
    print("\n".join(cells))
    return cells


def _after(probe: Callable[[], bool], since: float, seconds: float) -> float | None:
    """The seconds after which a probe held; None when it did not in time."""
    until = since + seconds
    while time.monotonic() < until:
        if probe():
            return round(time.monotonic() - since, 1)
        time.sleep(0.1)
    return None


def _each_after(probes: Mapping[str, Callable[[], bool]], since: float) -> dict[str, float | None]:
    """The seconds after which each probe held; None for one that did not in two minutes."""
    found: dict[str, float | None] = {}
    while len(found) < len(probes) and time.monotonic() < since + 120:
        for name in probes.keys() - found.keys():
            if probes[name]():
                found[name] = round(time.monotonic() - since, 1)
        time.sleep(0.1)
    return dict.fromkeys(probes) | found


def _is_told(fault: Fault, told: dict[str, str]) -> bool:
    return not fault.told or fault.told in told or DATABASE in told or BROKER in told


def _still(faults: Sequence[Fault], seconds: float, moved_after: float | None) -> list[str]:
    """Whether a push of the time had to come into force, and did not."""
    must = seconds > FORCE_SECONDS and all(fault.moves for fault in faults)
    return ["nothing moved during it"] if must and moved_after is None else []


def _health_back(faults: Sequence[Fault]) -> float:
    noted = any(fault.is_noted for fault in faults)
    return BACK_SECONDS + (NOTED_SECONDS if noted else 0.0)


def _late(what: str, after: float | None, bound: float) -> list[str]:
    return [] if after is not None and after <= bound else [f"{what} after {after} s"]


def during(watch: Watch, faults: Sequence[Fault], since: float, until: float) -> Iterator[str]:
    answer_seconds = max(fault.answer_seconds for fault in faults)
    bounds = {
        "reads": answer_seconds, "writes": answer_seconds,
        "healthz": HEALTH_SECONDS, "readyz": HEALTH_SECONDS, "gateway": GATEWAY_SECONDS,
    }  # fmt: skip
    for kind, bound in bounds.items():
        slowest = watch.slowest(kind, since=0, until=until)
        if slowest > bound:
            yield f"{kind} took {slowest:.1f} s"
    for kind in ("reads", "writes"):
        odd = {one.code or one.status for one in watch.of(kind, until=until) if not one.is_honest}
        if odd:
            yield f"{kind} answered {odd}"
        refused = [one for one in watch.of(kind, since=since, until=until) if one.status >= 300]
        if refused and all(getattr(fault, kind) for fault in faults):
            yield f"{len(refused)} {kind} were refused: {refused[0].message}"
    if any(one.status != 200 for one in watch.of("gateway")):
        yield "the gateway did not answer"


def _back(watch: Watch, faults: Sequence[Fault], ended: float) -> Iterator[str]:
    """What is refused once the time to recover is over."""
    bounds = {"reads": BACK_SECONDS, "writes": BACK_SECONDS, "readyz": _health_back(faults)}
    for kind, bound in bounds.items():
        late = watch.of(kind, since=ended + bound)
        if any(one.status >= 300 for one in late):
            yield f"{kind} are refused {bound:g} s after it"


def lost(world: World, watch: Watch) -> Iterator[str]:
    """What was acknowledged, and is not there."""
    for name in watch.created:
        if world.stack.request("GET", f"/v1/configurations/{name}").status != 200:
            yield f"lost: {name}"


def _connections(world: World) -> tuple[int, int]:
    return world.to_database.connections, world.to_broker.connections


def _left(world: World, threads: dict[str, int], lines: tuple[int, int]) -> Iterator[str]:
    """Threads and connections beyond those of a pool that a fault filled."""
    now, joined = world.threads(), _connections(world)
    for part, count in now.items():
        if count > threads[part] + 24:
            yield f"{part} has {count} threads, before {threads[part]}"
    if any(now > before + 24 for now, before in zip(joined, lines, strict=True)):
        yield f"connections: {joined}, before {lines}"
