"""The names of one rulebook. With them a schema lists its fields, values, clocks and roles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from answerby.rules.model.rulebook import Rulebook
from answerby.rules.model.vocabulary import Field
from answerby.rules.schema.building_blocks import NONEMPTY_TEXT, TEXT, Schema
from answerby.rules.sections.name_scope import BUILTIN_NAMES, NameKind


@dataclass(frozen=True, slots=True)
class RulebookNames:
    """The names that a rulebook declares. Where a kind has no names, its schema accepts every name."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    lexicons: Collection[str] = ()
    calendars: Collection[str] = ()
    clocks: Collection[str] = ()
    ladders: Collection[str] = ()
    templates: Collection[str] = ()
    roles: Collection[str] = ()
    departments: Collection[str] = ()

    def field(self) -> Schema:
        """The name of a field."""
        return _one_of(self.fields)

    def lexicon(self) -> Schema:
        """The name of a lexicon."""
        return _one_of(self.lexicons)

    def calendar(self) -> Schema:
        """The name of a calendar."""
        return _one_of(self.calendars)

    def clock(self) -> Schema:
        """The name of a clock."""
        return _one_of(self.clocks)

    def ladder(self) -> Schema:
        """The name of a ladder."""
        return _one_of(self.ladders)

    def template(self) -> Schema:
        """The name of a message template."""
        return _one_of(self.templates)

    def role(self) -> Schema:
        """The name of a role."""
        return _one_of(self.roles)

    def department(self) -> Schema:
        """The name of a department."""
        return _one_of(self.departments)

    def owner(self) -> Schema:
        """The name of a department or role. Any text without known departments."""
        return _one_of([*self.departments, *self.roles]) if self.departments else TEXT

    def of_stage(self, stage: str) -> dict[str, Field]:
        """The fields that rules of the stage set."""
        return {name: f for name, f in self.fields.items() if stage in f.derived_by}


NO_NAMES = RulebookNames()


def names_of(rulebook: Rulebook) -> RulebookNames:
    """The names that the rulebook declares, and the built-in roles."""
    return RulebookNames(
        fields=rulebook.vocabulary.fields,
        lexicons=sorted(rulebook.lexicons),
        calendars=sorted(rulebook.calendars),
        clocks=sorted(rulebook.clocks),
        ladders=sorted(rulebook.ladders),
        templates=sorted(rulebook.templates),
        roles=sorted({*rulebook.roles, *(name for kind, name in BUILTIN_NAMES if kind is NameKind.ROLE)}),
        departments=sorted(rulebook.numbering.department_codes),
    )


def _one_of(names: Collection[str]) -> Schema:
    return {"enum": list(names)} if names else NONEMPTY_TEXT
