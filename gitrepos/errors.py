"""What can go wrong between a forge and a sync, each with a stable code.

`transient` failures are retried with back-off; the others stall until somebody edits the link.
"""

# git's own name for no object, as a push that deletes a branch has it.
NULL_ID = "0" * 40


class RemoteError(Exception):
    """A remote did not give what was asked. The message is for people and holds no secret."""

    code = "bad_answer"
    transient = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def reword(self, message: str) -> None:
        """Say it otherwise; what else the error carries stays."""
        self.message = message
        self.args = (message,)


class BadAnswerError(RemoteError):
    """The answer is none that git understands."""


class AuthFailedError(RemoteError):
    """The forge wants another credential, or one at all."""

    code = "auth_failed"


class HostKeyMismatchError(RemoteError):
    """The ssh server shows a key that the credential's known_hosts does not have for it."""

    code = "host_key_mismatch"


class RepoNotFoundError(RemoteError):
    """The forge knows no such repository, or hides it from this credential."""

    code = "repo_not_found"


class GoneError(RemoteError):
    """git says that what a link reads is not there.

    `commit` is the one that lacks it, the null id where there is no commit at all.
    """

    def __init__(self, message: str, *, commit: str = NULL_ID) -> None:
        super().__init__(message)
        self.commit = commit


class BranchNotFoundError(GoneError):
    """The repository has no such branch, or none at all."""

    code = "branch_not_found"


class ObjectRefusedError(RemoteError):
    """The server hands out branches, and no object by its id alone."""


class PathNotFoundError(GoneError):
    """The commit has nothing at the link's path."""

    code = "path_not_found"


class TooLargeError(RemoteError):
    """The answer passes a bound: files, bytes of the pack, memory of the child."""

    code = "too_large"


class MovedError(RemoteError):
    """The forge points elsewhere; no redirect is followed, since it would carry the token."""

    code = "moved"


class UnreachableError(RemoteError):
    """No connection, no name, or an error of the server itself."""

    code = "unreachable"


class TimedOutError(RemoteError):
    """The deadline passed."""

    code = "timeout"


class BusyError(TimedOutError):
    """It was not asked: other remotes had all the places at its host."""


class RateLimitedError(RemoteError):
    """The forge asked for fewer calls; none for `retry_after_seconds`, when it said how long."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SecretLostError(RemoteError):
    """The stored credential cannot be opened with the configured keys."""

    code = "credential_unreadable"


class InternalError(RemoteError):
    """A bug, or a disk that takes nothing: the worker's log has it."""

    code = "internal"


class UnavailableError(RemoteError):
    """The control plane's own database or broker failed."""

    code = "unavailable"


class HostNotAllowedError(RemoteError):
    """The url leads to an address or scheme that the operator did not allow."""

    code = "host_not_allowed"
    transient = False
