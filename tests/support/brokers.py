"""Databases of Redis, one for each process of a parallel run."""

import os


def own_broker(worker_id: str) -> str:
    """The url of the database that a process has to itself."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    return f"{os.environ['REDIS_URL']}?db={number}"
