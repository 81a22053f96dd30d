"""`python -m kt` is `kt`."""

from kt.cli.main import entry

entry()
