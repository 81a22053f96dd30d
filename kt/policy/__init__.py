"""The policy language: lint, tests, diff and schema. No clock, network, disk or environment.

`kt.policy.lint.lint(data)` says what is wrong with a file, `kt.policy.identity.identify(pack)`
what its configuration is called, `kt.policy.files` which files count. The tables of the
language are in `kt.policy.language`. Importing this package imports none of them, so that a
command pays only for what it runs.
"""
