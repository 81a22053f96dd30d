"""The data plane: one configuration, in front of any model.

Facts come in at `app` (requests), `upstream` (answers) and `reload` (policies), become frozen
values in `loading`, are decided on by `kt.policy`, and leave through `wire`.
"""
