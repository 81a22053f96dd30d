"""Gateways, bindings, selectors, enrolment and tokens, each with one writer."""
