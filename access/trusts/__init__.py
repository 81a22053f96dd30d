"""Trusts: JWTs of other issuers as bearer tokens."""
