"""Survivors in words: the change that no test notices, and a case to paste that would."""

from __future__ import annotations

from kt.policy.findings import Finding
from kt.policy.mutants.measure import Tried
from kt.policy.mutants.pasting import pasted


def words(tried: Tried) -> str:
    """The change of a mutant in words."""
    return f"{tried.mutant.path}: {tried.mutant.words}"


def advice(tried: Tried) -> str:
    """Where a proposed case belongs."""
    target = tried.proposal.target if tried.proposal is not None else None
    suite = f"a suite with target: {target}" if target else "a suite"
    return f"a case for {suite} that would notice it:"


def survivor(tried: Tried) -> Finding:
    """A survivor as a finding at its place."""
    assert tried.proposal is not None, "a survivor has one"
    message = f"no test notices this change: {words(tried)}"
    fix = f"{advice(tried)}\n{pasted(tried.proposal)}"
    path = tried.mutant.path
    return Finding("mutant_survived", "warning", path, message, fix, tried.line, tried.column)
