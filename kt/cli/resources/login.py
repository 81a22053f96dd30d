"""`kt login`: keep a control plane's url and a token, once it has said whose that is."""

from __future__ import annotations

import argparse
import os

from kt.cli.client import logins
from kt.cli.client.addresses import INSECURE, check_url
from kt.cli.client.controlplane import ControlPlane
from kt.cli.client.printable import line
from kt.cli.client.secrets import read_token
from kt.cli.client.session import API_URL
from kt.cli.errors import CommandError
from kt.cli.resources.whoami import described


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("url", nargs="?", metavar="URL", help=f"of the control plane; also {API_URL}")
    add("--token-file", metavar="F",
        help="a file with the token, - for stdin; without it a terminal is asked")  # fmt: skip
    add("--name", default=logins.DEFAULT, metavar="NAME",
        help="for several control planes; default: default")  # fmt: skip
    add(INSECURE, action="store_true", help="send the token over http to another machine")


def run(options: argparse.Namespace) -> int:
    """Ask who the token is, and keep it."""
    given = options.url or os.environ.get(API_URL, "")
    if not given:
        raise CommandError("give the control plane's url: kt login URL")
    url = check_url(given, insecure_http=options.insecure_http)
    token = read_token(options.token_file, prompt=f"Token for {url}: ")
    who = ControlPlane(url, token, renew="is it this control plane's token?").row("/v1/whoami")
    kept = logins.read(os.environ)
    login = logins.Login(url, token, options.insecure_http)
    made = logins.Logins({**kept.by_name, options.name: login}, options.name)
    where = logins.write(made, os.environ)
    print(f"logged in to {url} as {line(described(who))}; kept in {where}")
    return 0
