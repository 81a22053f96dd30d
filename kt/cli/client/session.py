"""The control plane that a command speaks to, by its options, the environment, or a login."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from kt.addresses import base_url
from kt.cli.client import logins
from kt.cli.client.addresses import INSECURE, check_url
from kt.cli.client.controlplane import ControlPlane
from kt.cli.errors import CommandError
from kt.policy.suggest import did_you_mean

API_URL = "KEEPTRUSTS_API_URL"
API_TOKEN = "KEEPTRUSTS_API_TOKEN"  # noqa: S105  A variable's name.


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Declare which control plane is meant."""
    add = parser.add_argument
    add("--api-url", metavar="URL", help=f"also {API_URL}; without either, that of kt login")
    add("--login", metavar="NAME", help="the login of that name, whatever the environment says")
    add(INSECURE, action="store_true", help="send the token over http to another machine")


def connect(options: argparse.Namespace) -> ControlPlane:
    """The control plane that a command speaks to.

    Raises:
        CommandError: nothing says which it is or gives a token, or one of them cannot be used.
    """
    return _connect(options, os.environ)


def _connect(options: argparse.Namespace, environment: Mapping[str, str]) -> ControlPlane:
    if options.login is not None:
        return _by_login(options.login, logins.read(environment), options)
    url = options.api_url or environment.get(API_URL, "")
    token = environment.get(API_TOKEN, "").strip()
    if url and token:
        url = check_url(url, insecure_http=options.insecure_http)
        return ControlPlane(url, checked(token, API_TOKEN))
    kept = logins.read(environment)
    if token:
        login = kept.by_name.get(kept.current)
        if login is None:
            raise CommandError(f"set {API_URL} as well, or log in: kt login URL")
        return ControlPlane(_url(login, options), checked(token, API_TOKEN))
    if not url:
        if kept.current not in kept.by_name:
            raise CommandError(f"log in first: kt login URL; or set {API_URL} and {API_TOKEN}")
        return _by_login(kept.current, kept, options)
    # A token goes to no url but the one that it was kept for.
    found = [name for name, login in kept.by_name.items() if login.url == base_url(url)]
    if not found:
        raise CommandError(f"set {API_TOKEN} as well, or log in: kt login {url}")
    name = kept.current if kept.current in found else found[0]
    return _by_login(name, kept, options)


def checked(token: str, name: str) -> str:
    """A token that can be sent.

    Raises:
        CommandError: it is empty, or holds what no header may.
    """
    if not token:
        raise CommandError(f"{name} is empty")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise CommandError(f"{name} must be printable ASCII without spaces")
    return token


def _by_login(name: str, kept: logins.Logins, options: argparse.Namespace) -> ControlPlane:
    login = kept.by_name.get(name)
    if login is None:
        known = ", ".join(kept.by_name) or "none"
        hint = did_you_mean(name, kept.by_name, otherwise=f"there are: {known}")
        raise CommandError(f"no login {name!r}; {hint}")
    named = "" if name == logins.DEFAULT else f" --name {name}"
    renew = f"log in again: kt login {login.url}{named}"
    return ControlPlane(_url(login, options), login.token, renew=renew)


def _url(login: logins.Login, options: argparse.Namespace) -> str:
    insecure = options.insecure_http or login.insecure_http
    return check_url(login.url, insecure_http=insecure)
