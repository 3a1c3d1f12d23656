"""The head of a `table:`: its columns, and the settings of all its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from answerby.rules.model.rulebook import RuleMode
from answerby.rules.sections.name_scope import NameKind
from answerby.rules.sections.stages.rule_keys import read_mode, read_owner, read_period, read_protected
from answerby.rules.sections.stages.stage_file import StageFile
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import Node, ScalarNode

TABLE_KEYS = (
    "id",
    "because",
    "inputs",
    "output",
    "outputs",
    "hit",
    "rows",
    "rows_from",
    "owner",
    "enabled_from",
    "until",
    "mode",
    "protected",
    "complete",
    "description",
)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of a table."""

    node: Node
    name: str | None
    """None for a column that is declared wrongly. Its cells are skipped."""


@dataclass(frozen=True, slots=True)
class TableHead:
    """The settings and the columns that the rows of a table share."""

    stage_file: StageFile
    id: str
    because: str
    owner: str
    inputs: tuple[TableColumn, ...]
    outputs: tuple[TableColumn, ...]
    period: tuple[datetime | None, datetime | None]
    mode: RuleMode
    protected: bool
    complete: bool

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """All columns: inputs, then outputs."""
        return (*self.inputs, *self.outputs)


def read_table_head(stage_file: StageFile, keys: MappingKeys) -> TableHead:
    """The head of a table. Mistakes are reported, and read as defaults."""
    scope = stage_file.scope
    id_node = keys.require("id")
    name = None if id_node is None else scope.reader.identifier(id_node, "table id")
    if id_node is not None and name is not None:
        scope.declare(NameKind.RULE, name, id_node)
    return TableHead(
        stage_file=stage_file,
        id=name or "",
        because=keys.because(needed=False),
        owner=read_owner(scope, keys) or stage_file.owner,
        inputs=_inputs(stage_file, keys),
        outputs=_outputs(stage_file, keys),
        period=read_period(scope, keys),
        mode=read_mode(scope, keys) or RuleMode.LIVE,
        protected=read_protected(scope, keys) or False,
        complete=keys.boolean("complete"),
    )


def _inputs(stage_file: StageFile, keys: MappingKeys) -> tuple[TableColumn, ...]:
    node = keys.require("inputs")
    items = () if node is None else stage_file.scope.reader.one_or_more(node, "inputs")
    return _unique(stage_file, [TableColumn(item, stage_file.conditions.field_name(item)) for item in items])


def _outputs(stage_file: StageFile, keys: MappingKeys) -> tuple[TableColumn, ...]:
    node = keys.get("output") or keys.get("outputs")
    if keys.get("output") is not None and keys.get("outputs") is not None:
        stage_file.scope.report.add(Code.WRONG_VALUE, keys.node, "the table has `output` and `outputs`", "keep one")
    if node is None:
        keys.require("output")
        return ()
    items = stage_file.scope.reader.one_or_more(node, "outputs")
    return _unique(
        stage_file,
        [
            TableColumn(item, item.text if stage_file.outputs.may_set(item) and isinstance(item, ScalarNode) else None)
            for item in items
        ],
    )


def _unique(stage_file: StageFile, columns: list[TableColumn]) -> tuple[TableColumn, ...]:
    seen: set[str] = set()
    for column in columns:
        if column.name in seen:
            stage_file.scope.report.add(
                Code.DUPLICATE_ID, column.node, f"{column.name} is already a column", "remove one"
            )
        elif column.name is not None:
            seen.add(column.name)
    return tuple(columns)
