"""Where the rules of a server come from, and when it must not start with them.

| the server has | the store has | it starts |
|---|---|---|
| a rules folder | anything | by the table of `answerby.server.live.starting` |
| no rules folder | a rulebook | with the rulebook of the store |
| no rules folder | nothing | with the copy of the last good rules on this machine; without a copy not at all |
| the demo rules | nothing, or demo rules alone | with the demo rules |
| the demo rules | or ever had other rules | not at all |
"""

from __future__ import annotations

from answerby.domain.errors import AnswerbyError
from answerby.server.base.config import RulesConfig
from answerby.server.live.snapshots import Snapshots
from answerby.store.store import Store

DEMO = "(demo)"
"""Author of the demo rules. No token can have this name."""


class NoRules(AnswerbyError):
    """The server has no rules to decide by."""

    reason = "NO_RULES"


class DemoRefused(AnswerbyError):
    """The store has had other rules than the demo rules."""

    reason = "DEMO_REFUSED"


async def check_origin(store: Store, rules: RulesConfig, snapshots: Snapshots | None) -> None:
    """Raises NoRules or DemoRefused when a server must not start, and StoreUnavailable."""
    if rules.demo:
        shipped = str(rules.folder.resolve()) if rules.folder is not None else ""
        await _check_demo(store, shipped)
    elif rules.folder is None and await store.revisions.active() is None and not _copied(snapshots):
        raise NoRules(
            "there are no rules: the store has none, no rules.folder is set, and there is no folder rules beside the "
            "configuration file or here. Set rules.folder or say --rules; for a first look at the demo rules say "
            "`answerby run`, or `answerby serve --demo`"
        )


def _copied(snapshots: Snapshots | None) -> bool:
    return snapshots is not None and snapshots.last_good() is not None


async def _check_demo(store: Store, shipped: str) -> None:
    for revision in await store.revisions.all():
        # Older versions loaded the demo rules as if they were a folder of the user.
        is_demo = revision.folder is not None and revision.folder.path == shipped
        if not is_demo and set(revision.authors) != {DEMO}:
            raise DemoRefused(
                f"the store has had other rules than the demo rules (revision {revision.revision} by "
                f"{', '.join(revision.authors)}), and the demo rules would replace them. Leave out --demo or "
                "rules.demo, or take an empty store: another store.data_folder (--data), or another store.redis_url"
            )
