"""Errors of forges and syncs, each with a stable code.

`transient` errors are retried with back-off; the others stall until somebody edits the link.
"""

# git's own name for no object, as a push that deletes a branch has it.
NULL_ID = "0" * 40


class RemoteError(Exception):
    """A request to a remote failed. The message is for people and holds no secret."""

    code = "bad_answer"
    transient = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def reword(self, message: str) -> None:
        """Replace the message; the other attributes stay."""
        self.message = message
        self.args = (message,)


class BadAnswerError(RemoteError):
    """The server's answer does not follow git's protocol."""


class AuthFailedError(RemoteError):
    """The forge refused the credential, or requires one."""

    code = "auth_failed"


class HostKeyMismatchError(RemoteError):
    """The ssh server's key is not among the credential's known_hosts for this server."""

    code = "host_key_mismatch"


class RepoNotFoundError(RemoteError):
    """The forge knows no such repository, or hides it from this credential."""

    code = "repo_not_found"


class GoneError(RemoteError):
    """The branch or path of a link is gone.

    `commit` is the one without the path; the null id where there is no commit at all.
    """

    def __init__(self, message: str, *, commit: str = NULL_ID) -> None:
        super().__init__(message)
        self.commit = commit


class BranchNotFoundError(GoneError):
    """The repository has no such branch, or none at all."""

    code = "branch_not_found"


class ObjectRefusedError(RemoteError):
    """The server serves branches, and no object by its id."""


class PathNotFoundError(GoneError):
    """The commit has nothing at the link's path."""

    code = "path_not_found"


class TooLargeError(RemoteError):
    """A bound is passed: number of files, bytes of the pack, memory of the child process."""

    code = "too_large"


class MovedError(RemoteError):
    """The forge redirects elsewhere; no redirect is followed, since it would carry the token."""

    code = "moved"


class UnreachableError(RemoteError):
    """The connection or the name lookup failed, or the server itself did (5xx)."""

    code = "unreachable"


class ProxyFailedError(RemoteError):
    """The operator's outbound proxy failed or refused, which says nothing of the forge."""

    code = "proxy_failed"


class TimedOutError(RemoteError):
    """The deadline passed."""

    code = "timeout"


class BusyError(TimedOutError):
    """No request was made: other remotes held all the places at the host for too long."""


class RateLimitedError(RemoteError):
    """The forge asked for fewer requests; none for `retry_after_seconds`, where it gave a time."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SecretLostError(RemoteError):
    """The stored credential cannot be decrypted with the configured keys."""

    code = "credential_unreadable"


class InternalError(RemoteError):
    """A bug, or a disk that cannot be written; the worker's log has the details."""

    code = "internal"


class UnavailableError(RemoteError):
    """The control plane's own database or broker failed."""

    code = "unavailable"


class HostNotAllowedError(RemoteError):
    """The url has an address or scheme that the operator did not allow."""

    code = "host_not_allowed"
    transient = False
