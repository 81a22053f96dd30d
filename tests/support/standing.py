"""Rows that the tests of a module share; each test undoes its own changes alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.test import override_settings

from tests.support.brokers import own_broker


@contextmanager
def standing(blocker: Any, worker_id: str) -> Iterator[None]:
    """Store what the block makes until its end, and then no more.

    For a fixture of a module whose tests have plain `django_db`: the transaction of each is one
    within this one.
    """
    held = transaction.atomic()
    held._from_testcase = True  # type: ignore[attr-defined]  # As Django marks those of tests.
    with blocker.unblock(), override_settings(REDIS_URL=own_broker(worker_id)), held:
        yield
        transaction.set_rollback(True)
