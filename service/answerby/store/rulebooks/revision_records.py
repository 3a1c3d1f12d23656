"""What the store keeps of rulebooks: revisions, the pointer to the active one, who did what, and who runs what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Action(StrEnum):
    """What somebody did with the rules."""

    START = "start"
    RELOAD = "reload"
    UPLOAD = "upload"
    ACTIVATE = "activate"
    ROLLBACK = "rollback"
    APPROVE = "approve"
    REJECT = "reject"
    KEEP = "keep"
    RESTORE = "restore"
    TRY = "try"
    END_TRIAL = "end_trial"
    PROMOTE = "promote"


class FolderName(msgspec.Struct, frozen=True):
    """A rules folder among those of all machines."""

    machine: str
    path: str

    def __str__(self) -> str:
        return f"{self.machine}:{self.path}"


class Pointer(msgspec.Struct, frozen=True):
    """The revision that decides. Each activation makes a new one."""

    revision: str
    generation: int
    activated: datetime
    actor: str
    reason: str = ""
    folder: FolderName | None = None
    """The folder that it was read from; None for what no folder brought."""
    previous: list[str] = []
    """What rolling back goes to, latest first."""


class Verdict(msgspec.Struct, frozen=True):
    """What an approver said of a revision."""

    approved: bool
    actor: str
    time: datetime
    reason: str = ""


class FileEntry(msgspec.Struct, frozen=True):
    path: str
    sha256: str


class Revision(msgspec.Struct, frozen=True):
    """A revision as first kept; `authors` and `verdict` as they are now."""

    revision: str
    author: str
    created: datetime
    reason: str = ""
    folder: FolderName | None = None
    rules: int = 0
    """Rules and table rows."""
    files: list[FileEntry] = []
    authors: list[str] = []
    verdict: Verdict | None = None


class Activation(msgspec.Struct, frozen=True):
    """One entry of the history."""

    action: Action
    time: datetime
    actor: str
    reason: str
    before: str
    """The revision active before."""
    after: str
    """The revision that it was about."""
    generation: int = 0
    """That it made; 0 when nothing went live."""


class Finding(msgspec.Struct, frozen=True):
    """A diagnostic as kept."""

    code: str
    severity: str
    file: str
    line: int
    column: int
    message: str
    hint: str = ""


class Problem(msgspec.Struct, frozen=True):
    """The last change, and why it was refused."""

    actor: str
    time: datetime
    findings: list[Finding] = []
    folder: FolderName | None = None
    """The folder that it is about; None for uploaded files."""


class Staged(msgspec.Struct, frozen=True):
    """A revision that every worker makes ready, before the pointer moves to it."""

    revision: str
    token: str
    """Tells one attempt from another."""


class Heartbeat(msgspec.Struct, frozen=True):
    """What a worker says of itself."""

    revision: str = ""
    """What it decides with; empty: nothing yet."""
    generation: int = 0
    """The activation that it follows."""
    prepared: str = ""
    """The staged revision, once it is ready."""
    problem: str = ""
    """Why it cannot follow or make ready."""
    refused: str = ""
    """The revision that it could not make ready."""


class WorkerSeen(msgspec.Struct, frozen=True):
    """A worker as others see it."""

    name: str
    beat: Heartbeat
    heard: datetime
    live: bool
    """Heard of just now."""


class Scene(msgspec.Struct, frozen=True):
    """Everything that a worker hears at a beat."""

    active: Pointer | None
    staged: Staged | None
    problem: Problem | None
    workers: list[WorkerSeen]


class ActivateOutcome(StrEnum):
    OK = "ok"
    MOVED = "moved"
    """Something else went live meanwhile."""
    GONE = "gone"
    """The revision is not kept."""
    WAITING = "waiting"
    """It needs an approval first."""
    REJECTED = "rejected"
    """An approver refused it."""


class JudgeOutcome(StrEnum):
    OK = "ok"
    GONE = "gone"
    OWN = "own"
    """The approver brought it."""
    ACTIVE = "active"
    """It is live and cannot be refused."""
