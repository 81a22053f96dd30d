"""A gateway that a control plane tells what to enforce, and that tells what it enforces.

`follower` hears of statements, `enforcer` verifies them, keeps them in `state` and puts them into
force, `reporter` says what runs, `shipper` sends the decisions that `spool` holds. `agent` has
them all; one process of a gateway runs it, the others read the state folder.
"""
