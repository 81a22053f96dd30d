"""An ssh server on loopback that runs real `git upload-pack`, with knobs for its behaviour."""

import asyncio
import contextlib
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncssh

from tests.support.repo import Repo


class SSHForge:
    """A server of the repositories below `root` for `user_key`, with `host_key`.

    Knobs: `taken` (the public keys that get in), `says` (a line of standard error, and the end,
    instead of git), `hold` (an event to wait for before git answers), `banner` (shown to all),
    `program` (the words before the command of git's that is run).
    `commands` lists (user, command) as they arrive.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.hold: threading.Event | None = None
        self.behave()
        self.commands: list[tuple[str, str]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server: asyncssh.SSHAcceptor | None = None
        self.port = 0

    def __enter__(self) -> "SSHForge":
        self._thread.start()
        self.restart()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self.hold:
            self.hold.set()
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def behave(self) -> None:
        """End every misbehaviour."""
        if self.hold:
            self.hold.set()
        self.hold = None
        self.taken = {_line(self.user_key)}
        self.says = b""
        self.banner = ""
        self.program = ["git", "-c", "safe.directory=*"]

    def restart(self) -> None:
        """Serve at the same port with the host key as it is now."""
        self._run(self._restart())

    @property
    def private_key(self) -> str:
        """The private key that the server accepts."""
        return self.user_key.export_private_key().decode()

    def known_hosts(self, host: str = "127.0.0.1") -> str:
        """The line of `known_hosts` for this server."""
        return f"[{host}]:{self.port} {_line(self.host_key)}\n"

    def url(self, repo: Repo, host: str = "127.0.0.1") -> str:
        """The ssh url of a repository."""
        return f"ssh://git@{host}:{self.port}/{repo.bare.name}"

    async def _restart(self) -> None:
        await self._stop()
        forge = self

        class Server(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                self._connection = conn

            def begin_auth(self, username: str) -> bool:
                if forge.banner:
                    self._connection.send_auth_banner(forge.banner)
                return True

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return _line(key) in forge.taken

        self._server = await asyncssh.create_server(
            Server,
            "127.0.0.1",
            self.port,
            server_host_keys=[self.host_key],
            process_factory=self._serve,
            encoding=None,
            agent_forwarding=False,
            reuse_address=True,
        )
        self.port = self._server.get_port()

    async def _serve(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        command = process.command or ""
        self.commands.append((process.get_extra_info("username"), command))
        if self.hold:
            await asyncio.to_thread(self.hold.wait, 60)
        if self.says:
            process.stderr.write(self.says)
            process.exit(1)
            return
        program, _, path = command.partition(" ")
        name = path.strip("'").lstrip("/")
        git = await asyncio.create_subprocess_exec(
            *self.program, program.removeprefix("git-"), str(self.root / name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "GIT_PROTOCOL": process.env.get("GIT_PROTOCOL", ""),
            },
        )  # fmt: skip
        asking = asyncio.create_task(_pump(process.stdin, git.stdin))
        await asyncio.gather(_pump(git.stdout, process.stdout), _pump(git.stderr, process.stderr))
        process.exit(await git.wait())
        await asking

    async def _stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def _run(self, work) -> None:  # type: ignore[no-untyped-def]
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


async def _pump(source: Any, target: Any) -> None:
    """Pass bytes on to their end, or until one side is gone, which some tests are about."""
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        if isinstance(target, asyncio.StreamWriter):
            target.close()


def _line(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])
