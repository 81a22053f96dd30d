"""Errors of forges and syncs, each with a stable code.

A class says all that is known of its code: `transient` errors are retried with back-off, the
others stall until somebody edits the link; `fault` is the party at fault, `forge`, `user` or
`ours`; `meaning` is what happened, `remedy` what to do about it. The table in
`docs/operating.md` is made of these.
"""

from collections.abc import Iterator
from typing import ClassVar

# git's own name for no object, as a push that deletes a branch has it.
NULL_ID = "0" * 40


class RemoteError(Exception):
    """A request to a remote failed. The message is for people and holds no secret."""

    code: ClassVar[str] = "bad_answer"
    transient: ClassVar[bool] = True
    fault: ClassVar[str] = "forge"
    meaning: ClassVar[str] = "an answer that git does not understand"
    remedy: ClassVar[str] = "Look at the forge."

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
    fault = "user"
    meaning = "the forge refuses the credential, or wants one; or it answers with a page to sign in"
    remedy = "Send another `access_token` or credential."


class HostKeyMismatchError(RemoteError):
    """The ssh server's key is not among the credential's known_hosts for this server."""

    code = "host_key_mismatch"
    meaning = "the ssh server shows a key that `known_hosts` does not have"
    remedy = (
        "Compare both fingerprints with the forge's own, then change the credential's"
        " `known_hosts`."
    )


class RepoNotFoundError(RemoteError):
    """The forge knows no such repository, or hides it from this credential."""

    code = "repo_not_found"
    fault = "user"
    meaning = "no such repository, or hidden from this credential"
    remedy = "Check the url, and what the token may read."


class TakenDownError(RemoteError):
    """The forge may not show the repository, for legal reasons."""

    code = "taken_down"
    fault = "user"
    meaning = "the forge may not show the repository, for legal reasons (451)"
    remedy = "Ask the forge why, or link another repository."


class GoneError(RemoteError):
    """The branch, tag or path of a link is gone.

    `commit` is the one without the path; the null id where there is no commit at all.
    """

    def __init__(self, message: str, *, commit: str = NULL_ID) -> None:
        super().__init__(message)
        self.commit = commit


class BranchNotFoundError(GoneError):
    """The repository has no such branch, or none at all."""

    code = "branch_not_found"
    fault = "user"
    meaning = "no such branch, or an empty repository"
    remedy = "Push the branch, or change `branch`; what is a tag is followed by `tag`."


class TagNotFoundError(GoneError):
    """The repository has no such tag, or none with a version in the range."""

    code = "tag_not_found"
    fault = "user"
    meaning = "no such tag, or none with a version in the range"
    remedy = "Push the tag, or change `tag` or `semver`."


class NotOnAnyBranchError(RemoteError):
    """No branch or tag that the server shows has the commit in its history."""

    code = "not_on_any_branch"
    transient = False
    fault = "user"
    meaning = "no branch or tag that the forge shows has the commit in its history"
    remedy = "Push the commit to a branch, then sync; or change `commit`."

    def __init__(self, commit: str) -> None:
        super().__init__(f"No branch or tag of the repository has the commit {commit}.")


class NotACommitError(RemoteError):
    """What the link follows leads to a file or a directory: tags may."""

    code = "not_a_commit"
    fault = "user"
    meaning = "the tag, or the id, is that of a file or a directory"
    remedy = "Follow a ref that leads to a commit."


class RefNotAllowedError(RemoteError):
    """The link follows a ref that is neither branch nor tag, and the operator did not allow it."""

    code = "ref_not_allowed"
    fault = "user"
    meaning = (
        "the link follows a ref that is neither branch nor tag, and no setting allows it (any more)"
    )
    remedy = "Follow a branch, or ask an operator to allow the ref by a setting."


class PathNotFoundError(GoneError):
    """The commit has nothing at the link's path."""

    code = "path_not_found"
    fault = "user"
    meaning = "the commit has nothing at `path`, or a symbolic link stands on the way to it"
    remedy = "Change `path`."


class TooLargeError(RemoteError):
    """A bound is passed: number of files, bytes of the pack, memory of the child process."""

    code = "too_large"
    fault = "user"
    meaning = (
        "over 1,000 files, a pack or a whole repository over 64 MiB, memory, or over 10,000 tags"
        " where they are listed"
    )
    remedy = "Link a smaller path or repository."


class UnsafeObjectError(RemoteError):
    """The commit has an object that the checks of this control plane refuse.

    `checks` are git's names of the checks that failed.
    """

    code = "unsafe_object"
    fault = "user"
    meaning = (
        "the forge serves an object that our own check refuses; the message names object and check"
    )
    remedy = "Push a commit without that object: the check refuses it here, not the forge."

    def __init__(self, message: str, *, checks: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.checks = checks


class MovedError(RemoteError):
    """The forge redirects elsewhere; no redirect is followed, since it would carry the token."""

    code = "moved"
    fault = "user"
    meaning = "the forge redirects; the message has the new url if it is one"
    remedy = "Link the new url."


class HostNotAllowedError(RemoteError):
    """The url has an address or scheme that the operator did not allow."""

    code = "host_not_allowed"
    transient = False
    fault = "user"
    meaning = "a private address, a scheme that is off, or a host that is not the credential's"
    remedy = "Ask an operator to allow it by a setting, or add the host to the credential."


class UnreachableError(RemoteError):
    """The connection or the name lookup failed, or the server itself did (5xx)."""

    code = "unreachable"
    meaning = "no connection, no name, or an error of the server"
    remedy = "Wait: it is tried again. If it lasts, look at the forge."


class RequestFailedError(UnreachableError):
    """The server hung up on a request, or failed at it: it may not know it."""


class ProxyFailedError(RemoteError):
    """The operator's outbound proxy failed or refused, which says nothing of the forge."""

    code = "proxy_failed"
    fault = "ours"
    meaning = "the outbound proxy failed or refused; the message says how"
    remedy = "Wait: it is tried again. If it lasts, an operator looks at the proxy."


class TimedOutError(RemoteError):
    """The deadline passed."""

    code = "timeout"
    meaning = "no answer in time"
    remedy = "Wait: it is tried again. If it lasts, look at the forge."


class BusyError(TimedOutError):
    """No request was made: other remotes held all the places at the host for too long."""


class RateLimitedError(RemoteError):
    """The forge asked for fewer requests; none for `retry_after_seconds`, where it gave a time."""

    code = "rate_limited"
    meaning = "the forge asks for fewer requests (429, `Retry-After`, or a limit with none left)"
    remedy = "Wait, or choose a longer `poll_interval_seconds`."

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ObjectRefusedError(RemoteError):
    """The server serves branches, and no object by its id."""


class AppUnansweredError(RemoteError):
    """No token could be had for an installation of an App, so nothing was asked of git's server."""

    code = "app_unanswered"
    meaning = "the forge's API gives no token for the App's installation; the message says why"
    remedy = "Wait: it is tried again. If it lasts, look at the forge, and at `api_url`."


class AppKeyRefusedError(AppUnansweredError):
    """The forge's API does not take what the App's key signed."""

    code = "app_key_refused"
    fault = "user"
    meaning = "the forge knows no App with this `app_id` and key; the key may be revoked"
    remedy = "Make a new private key on the App's page, and send it to the credential."


class AppSuspendedError(AppUnansweredError):
    """The installation of an App is suspended, or the App is."""

    code = "app_suspended"
    fault = "user"
    meaning = "the App's installation is suspended"
    remedy = "Have an owner of the organisation resume the installation."


class InstallationGoneError(AppUnansweredError):
    """The App has no such installation."""

    code = "installation_gone"
    fault = "user"
    meaning = "the App has no installation with this `installation_id`; it may be uninstalled"
    remedy = "Install the App, and send the new `installation_id` with the private key."


class AppNotPermittedError(AppUnansweredError):
    """The installation lacks a permission that is asked for."""

    code = "app_not_permitted"
    fault = "user"
    meaning = "the App's installation lacks a permission; the message names it"
    remedy = "Give the App the permission, and have an owner accept it for the installation."


class AppClockSkewError(AppUnansweredError):
    """The clock here and the forge's differ by more than a signed request may."""

    code = "app_clock_skew"
    fault = "ours"
    meaning = "the clock of the control plane is wrong, or the forge's is"
    remedy = "Set the control plane's clock by NTP."


class InternalError(RemoteError):
    """A bug, or a disk that cannot be written; the worker's log has the details."""

    code = "internal"
    fault = "ours"
    meaning = "the sync crashed, or the disk of the data folder is full"
    remedy = "Wait: it is tried again. Report it with the worker's log."


class UnavailableError(RemoteError):
    """The control plane's own database, broker or judge failed."""

    code = "unavailable"
    fault = "ours"
    meaning = "the control plane's own database, broker or judge failed; the message says how"
    remedy = "Wait: it is tried again. If it lasts, look at the control plane's servers."


class SecretLostError(RemoteError):
    """The stored credential cannot be decrypted with the configured keys."""

    code = "credential_unreadable"
    fault = "ours"
    meaning = "no configured key opens the secret"
    remedy = "Send the credential again."


def by_code() -> dict[str, type[RemoteError]]:
    """A class for each code, the first of this file that has it."""
    found: dict[str, type[RemoteError]] = {}
    for kind in _below(RemoteError):
        found.setdefault(kind.code, kind)
    return found


def _below(kind: type[RemoteError]) -> Iterator[type[RemoteError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)
