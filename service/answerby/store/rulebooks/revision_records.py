"""Records of rulebooks: revisions, the pointer to the active one, actions, and the revisions of workers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Action(StrEnum):
    """An action on the rules."""

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
    """The revision that decides. Each activation makes a new pointer."""

    revision: str
    generation: int
    activated: datetime
    actor: str
    reason: str = ""
    folder: FolderName | None = None
    """The folder of the revision. None for a revision from no folder."""
    previous: list[str] = []
    """The targets of a rollback, latest first."""


class Verdict(msgspec.Struct, frozen=True):
    """An approver's answer about a revision."""

    approved: bool
    actor: str
    time: datetime
    reason: str = ""


class FileEntry(msgspec.Struct, frozen=True):
    path: str
    sha256: str


class Revision(msgspec.Struct, frozen=True):
    """A revision as first kept, with its present `authors` and `verdict`."""

    revision: str
    author: str
    created: datetime
    reason: str = ""
    folder: FolderName | None = None
    rules: int = 0
    """The number of rules and table rows."""
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
    """The active revision before the action."""
    after: str
    """The revision that the action was about."""
    generation: int = 0
    """The generation that the action started. 0 when no revision went live."""


class Finding(msgspec.Struct, frozen=True):
    """A diagnostic in the form of the store."""

    code: str
    severity: str
    file: str
    line: int
    column: int
    message: str
    hint: str = ""


class Problem(msgspec.Struct, frozen=True):
    """The last change, and the reason for its refusal."""

    actor: str
    time: datetime
    findings: list[Finding] = []
    folder: FolderName | None = None
    """The folder of the change. None for uploaded files."""


class Staged(msgspec.Struct, frozen=True):
    """A revision that every worker makes ready, before the pointer moves to the revision."""

    revision: str
    token: str
    """The token of one attempt."""


class Heartbeat(msgspec.Struct, frozen=True):
    """A worker's report on itself."""

    revision: str = ""
    """The revision that decides in the worker. Empty: no revision yet."""
    generation: int = 0
    """The activation that the worker follows."""
    prepared: str = ""
    """The staged revision, once the worker has made the revision ready."""
    problem: str = ""
    """The reason why the worker cannot follow or make ready."""
    refused: str = ""
    """The token of the attempt that this worker could not make ready."""
    folder: str = ""
    """The path of the rules folder of the worker's server. Empty for none, and from older versions."""
    schema: int = 1
    """The schema version of the store that the worker uses. 1 from versions that tell none."""


class WorkerSeen(msgspec.Struct, frozen=True):
    """A worker in the view of the others."""

    name: str
    beat: Heartbeat
    last_beat: datetime
    live: bool
    """True when the worker has sent a heartbeat just now."""


class Scene(msgspec.Struct, frozen=True):
    """All data that a heartbeat returns to a worker."""

    active: Pointer | None
    staged: Staged | None
    problem: Problem | None
    workers: list[WorkerSeen]


class ActivateOutcome(StrEnum):
    OK = "ok"
    MOVED = "moved"
    """Another revision went live meanwhile."""
    GONE = "gone"
    """The store does not keep the revision."""
    WAITING = "waiting"
    """The revision needs an approval first."""
    REJECTED = "rejected"
    """An approver refused the revision."""


class JudgeOutcome(StrEnum):
    OK = "ok"
    GONE = "gone"
    OWN = "own"
    """The approver brought the revision."""
    ACTIVE = "active"
    """The revision is live and cannot be refused."""
