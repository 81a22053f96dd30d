"""The configuration by which ssh reaches one server, and nothing else."""

from gitrepos.forge.addresses import RepoURL

_CONNECT_SECONDS = 10
DEFAULT_PORT = 22

# Each would otherwise read a file, run a program or forward something.
_NEVER = """\
CheckHostIP no
ClearAllForwardings yes
ControlPath none
EscapeChar none
ForwardAgent no
ForwardX11 no
GlobalKnownHostsFile /dev/null
IdentityAgent none
PermitLocalCommand no
ProxyCommand none
UpdateHostKeys no
VerifyHostKeyDNS no
"""


def config(url: RepoURL, address: str, *, key: str, known_hosts: str) -> str:
    """A whole ssh_config; `key` and `known_hosts` are paths, `address` is the one to connect to.

    In known_hosts the server has the name of the url, whatever the address.

    Source: ssh_config(5).
    """
    return f"""\
HostName {address}
HostKeyAlias {known_as(url.host, url.port)}
IdentityFile {key}
IdentitiesOnly yes
UserKnownHostsFile {known_hosts}
StrictHostKeyChecking yes
BatchMode yes
PreferredAuthentications publickey
KexAlgorithms ^curve25519-sha256
ConnectTimeout {_CONNECT_SECONDS}
ServerAliveInterval {_CONNECT_SECONDS}
LogLevel ERROR
{_NEVER}"""


def known_as(host: str, port: int) -> str:
    """A server's name in known_hosts. Source: sshd(8)."""
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"
