"""Older rules of verification, to test what a new release does."""

import contextlib
from collections.abc import Iterator
from unittest import mock

from configurations.models import Configuration
from gitrepos.models import Link
from keeptrusts.judge.asking import Asker
from kt.policy.lint import lint
from kt.policy.report import Report
from tests.support.repo import policy

# Lints, but one of its own tests fails.
REFUSED = (
    policy("Refused")
    + """\
testing:
  suites:
    - name: Harm
      cases:
        - name: stops harm
          input: {messages: [{role: user, content: Good morning}]}
          expected: {verdict: block}
"""
)


@contextlib.contextmanager
def older_rules() -> Iterator[None]:
    """Verify files by rules that ran no tests; after the block the present rules are new."""
    with (
        mock.patch("keeptrusts.judge.policies.verify", _lint_alone),
        mock.patch("configurations.checks.verify", _lint_alone),
    ):
        yield
    Configuration.objects.update(judged_rules="older")
    Link.objects.update(observed_rules="older")


def _lint_alone(data: bytes, /, *, directory: str | None = None, **_: Asker) -> Report:
    return lint(data, directory=directory)
