"""Sealing of secrets in the database."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import settings as search
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from keeptrusts.sealing import SealError, fingerprint, seal, unseal

OLD, NEW = "the-old-key-0123456789-0123456789-01", "the-new-key-0123456789-0123456789-01"


def use_keys(settings: Settings, *keys: str) -> None:
    """Seal with the first of these keys, open with any."""
    settings.ENV = dataclasses.replace(settings.ENV, secret_keys=keys)


@search(deadline=None)
@given(secret=st.text(), row=st.text())
def test_a_secret_opens_for_its_row(secret: str, row: str) -> None:
    """Whatever it says and whatever the row is called."""
    assert unseal(seal(secret, row=row), row=row) == secret


def test_a_secret_opens_for_no_other_row() -> None:
    """Copied to another row of the database it is of no use."""
    with pytest.raises(SealError, match="another row"):
        unseal(seal("token", row="remote:1"), row="remote:2")


def test_equal_secrets_look_different() -> None:
    """What is stored does not tell that two rows hold the same."""
    assert seal("token", row="remote:1") != seal("token", row="remote:1")


def test_a_sealed_value_does_not_show_the_secret() -> None:
    """Not even a part of it."""
    assert "hunter2" not in seal("hunter2", row="remote:1")


def test_an_older_key_still_opens(settings: Settings) -> None:
    """A new key is put in front; what the old one sealed stays readable."""
    use_keys(settings, OLD)
    sealed = seal("token", row="remote:1")
    use_keys(settings, NEW, OLD)

    assert unseal(sealed, row="remote:1") == "token"


def test_the_first_key_seals(settings: Settings) -> None:
    """What was sealed since the rotation needs the old key no more."""
    use_keys(settings, NEW, OLD)
    sealed = seal("token", row="remote:1")
    use_keys(settings, NEW)

    assert unseal(sealed, row="remote:1") == "token"


def test_a_secret_whose_key_is_gone_says_so(settings: Settings) -> None:
    """The error names the variable that had the key."""
    use_keys(settings, OLD)
    sealed = seal("token", row="remote:1")
    use_keys(settings, NEW)

    with pytest.raises(SealError, match="KEEPTRUSTS_SECRET_KEY"):
        unseal(sealed, row="remote:1")


@pytest.mark.parametrize("place", range(len(seal("token", row="r"))))
def test_an_altered_value_is_refused(place: int) -> None:
    """Whichever of its characters is another."""
    sealed = seal("token", row="r")
    altered = sealed[:place] + ("A" if sealed[place] != "A" else "Q") + sealed[place + 1 :]

    with pytest.raises(SealError):
        unseal(altered, row="r")


@pytest.mark.parametrize(
    "foreign",
    ["", "token", "v1", "v1.", "v1..", "v1.deadbeef.AAAA", "a.b.c.d", "{seal}!", "{seal}AAAA",
     "v2{seal}", "{head}.", "{head}.AAAA", "{head}.é", "{head}.\ud800", "{head}.a.b"],
)  # fmt: skip
def test_a_foreign_value_is_refused(foreign: str) -> None:
    """Data that `seal` never made is an error of its own, not a crash."""
    sealed = seal("token", row="r")

    with pytest.raises(SealError):
        unseal(foreign.format(seal=sealed, head=sealed.rpartition(".")[0]), row="r")


def test_a_fingerprint_tells_equal_secrets() -> None:
    """It is the same for the same secret, another for another, and shows neither."""
    assert fingerprint("a") == fingerprint("a") != fingerprint("b")
    assert len(fingerprint("a")) == 64


def test_a_fingerprint_needs_the_key(settings: Settings) -> None:
    """Without it nobody can try out which token gives a stored one."""
    use_keys(settings, OLD)
    before = fingerprint("token")
    use_keys(settings, NEW)

    assert fingerprint("token") != before
