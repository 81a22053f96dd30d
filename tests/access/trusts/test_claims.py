"""Claims against conditions: names and patterns, and times to the second."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.trusts import claims
from access.trusts.claims import Conditions
from access.trusts.refusals import JWTRefusedError, Reason

_NAMES = st.text("ab./*-", max_size=8)


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "refs/heads/main/", False),
        ("refs/heads/main", "refs/heads/mainX", False),
        ("refs/heads/main", "refs/heads/MAIN", False),
        ("refs/heads/release/*", "refs/heads/release/1.0", True),
        ("refs/heads/release/*", "refs/heads/release/", False),
        ("refs/heads/release/*", "refs/heads/release", False),
        ("refs/heads/release/*", "refs/heads/release/a/b", False),
        ("refs/heads/release/*", "refs/heads/release/../main", False),
        ("refs/heads/release/*", "refs/heads/release/..", False),
        ("refs/heads/release/*", "refs/heads/release/a..b", False),
        ("refs/heads/release/*", "refs/tags/release/1", False),
        ("refs/tags/v*", "refs/tags/v1", True),
        ("refs/tags/v*", "refs/tags/V1", False),
        ("refs/tags/v*-rc", "refs/tags/v1-rc", True),
        ("refs/tags/v*-rc", "refs/tags/v-rc", True),
        ("refs/tags/v*v", "refs/tags/v", False),
        ("refs/tags/v*.x", "refs/tags/vax", False),
        ("production", "production", True),
        ("review/*", "review/feature", True),
        ("review/*", "preview/feature", False),
        ("*-eu", "production-eu", True),
    ],
)
def test_a_pattern_means_names(pattern: str, name: str, meant: bool) -> None:
    """`*` is any text within the last part of a path."""
    assert claims.fits(pattern, name) == meant


@given(_NAMES.filter(lambda text: "*" not in text), _NAMES)
def test_without_a_star_one_name_is_meant(pattern: str, name: str) -> None:
    """Whatever it has in it."""
    assert claims.fits(pattern, name) == (pattern == name)


@given(st.text("ab/", max_size=4), st.text("ab", max_size=3), _NAMES)
def test_a_star_never_leaves_its_folder(folder: str, after: str, name: str) -> None:
    """All that stands before the last slash is as the pattern has it."""
    if claims.fits(f"{folder}*{after}", name):
        assert name.startswith(folder)
        assert name.endswith(after)
        assert name.count("/") == folder.count("/")
        assert ".." not in name


@pytest.mark.parametrize(
    ("issued", "begins", "ends", "reason"),
    [
        (0, 0, 300, None),
        (60, 0, 300, None),
        (61, 0, 300, Reason.NOT_YET),
        (0, 60, 300, None),
        (0, 61, 300, Reason.NOT_YET),
        (-300, -300, -59, None),
        (-300, -300, -60, Reason.EXPIRED),
        (0, 0, 0, Reason.LIFETIME),
        (10, 0, 5, Reason.LIFETIME),
    ],
)
def test_clocks_differ_by_a_minute_at_most(
    issued: int, begins: int, ends: int, reason: Reason | None
) -> None:
    """Seconds from now; a JWT is over a minute after its `exp`."""
    now = 1_800_000_000
    found = {"iat": now + issued, "nbf": now + begins, "exp": now + ends}

    if reason is None:
        assert claims.check_times(found, now=now) == now + ends + 60
    else:
        with pytest.raises(JWTRefusedError) as refusal:
            claims.check_times(found, now=now)
        assert refusal.value.reason == reason


@given(
    st.dictionaries(
        st.sampled_from(
            ["aud", "ref", "ref_path", "environment", "repository_id", "project_id", "sub"]
        ),
        st.one_of(
            st.none(), st.integers(), st.booleans(), st.lists(st.text(max_size=3), max_size=2),
            st.text(string.printable, max_size=5), st.sampled_from(["a", "1", "refs/heads/m"]),
        ),
    ),
    st.sampled_from(["repository_id", "project_id"]),
)  # fmt: skip
def test_what_passes_is_what_was_wanted(found: dict[str, object], source: str) -> None:
    """Whatever types the claims have."""
    wanted = Conditions(audience="a", ref="refs/heads/m", environment="a", **{source: "1"})
    name = "ref_path" if source == "project_id" else "ref"
    try:
        claims.check({"iat": 1, "exp": 2, **found}, wanted)
    except JWTRefusedError:
        return
    assert found["aud"] in ("a", ["a"])
    assert (found[name], found["environment"], found[source]) == ("refs/heads/m", "a", "1")
