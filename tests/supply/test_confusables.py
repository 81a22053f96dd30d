"""The table of look-alikes: as its pinned source makes it."""

from supply import confusables, pins

MODULE = pins.ROOT / "kt/policy/decision/reading/confusables.py"


def test_the_module_is_fresh() -> None:
    """`python -m supply.confusables` makes it, byte for byte."""
    assert MODULE.read_text(encoding="utf-8") == confusables.module()


def test_it_names_the_version_of_unicode() -> None:
    """In its first line."""
    version, _ = confusables.table()
    assert f"of Unicode {version}." in confusables.module().partition("\n")[0]
