"""Databases of Redis, one for each process of a parallel run."""

import os

import redis


def own_broker(worker_id: str) -> str:
    """The url of the database that a process has to itself."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    return f"{os.environ['REDIS_URL']}?db={number}"


def end_subscriptions(broker: "redis.Redis") -> None:
    """Have the server end each connection to this database that listens to published messages."""
    number = str(broker.connection_pool.connection_kwargs["db"])
    for one in broker.client_list(_type="pubsub"):
        if one["db"] == number:
            broker.client_kill_filter(_id=one["id"])
