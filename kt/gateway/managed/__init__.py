"""A managed gateway: it enforces what its control plane publishes, and reports what it runs.

`follower` receives statements, `enforcer` verifies them, stores them in `state` and puts them into
force, `reporter` reports what runs, `shipper` sends the decisions of the spool. `agent` runs them
all in one process of a gateway; the others read the state folder.
"""
