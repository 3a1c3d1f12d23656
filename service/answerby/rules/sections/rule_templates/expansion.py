"""`rule_templates:` to templates, and each `use:` of a template to rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.reference_cycles import strong_components
from answerby.rules.sections.rule_templates.filler import MAX_NODES, FillBudget, TemplateFiller, TooLarge, names_in
from answerby.rules.sections.rule_templates.parameters import Parameter, Signature, read_arguments, read_parameter
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, Place, ScalarNode

MAX_NESTING = 4
"""Most levels of templates that use each other."""
TEMPLATE_KEYS = ("id", "because", "description", "parameters", "rules")
USE_KEYS = ("use", "with", "for_each", "description")
_PARAMETER_NAME = re.compile(r"[^\W\d]\w*\Z")


@dataclass(slots=True)
class _Template:
    id: str
    node: Node
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    because: ScalarNode | None = None
    rules: tuple[MappingNode, ...] = ()
    is_used: bool = False


class RuleTemplates:
    """The rule templates of a rulebook. All uses together have one budget of nodes."""

    def __init__(self, scope: NameScope) -> None:
        self._scope = scope
        self._templates: dict[str, _Template] = {}
        self._circular: set[str] = set()
        self._budget = FillBudget()
        self._is_too_large = False

    def declare(self, sections: Iterable[Node]) -> None:
        """Reads the templates of all `rule_templates:` sections."""
        bodies: list[tuple[_Template, MappingKeys]] = []
        for section in sections:
            for item in self._scope.reader.sequence(section, "rule_templates"):
                mapping = self._scope.reader.mapping(item, "rule template")
                if mapping is not None and (found := self._open(mapping)):
                    bodies.append(found)
        for template, keys in bodies:
            self._read(template, keys)
        self._find_circles()

    def expand(self, items: Iterable[Node]) -> Iterator[Node]:
        """The rules of a list, with each use replaced by the rules of its template."""
        for item in items:
            if _is_use(item):
                yield from self._use(item, 1)
            else:
                yield item

    def report_unused(self) -> None:
        """Reports each template without a use."""
        if self._scope.report.may_have_lost("stage"):
            return
        for template in self._templates.values():
            if not template.is_used:
                message = f"no rule uses the rule template {template.id}"
                hint = f"write `- use: {template.id}` in a list of rules, or remove it"
                self._scope.report.add(Code.UNUSED_RULE_TEMPLATE, template.node, message, hint)

    def _open(self, node: MappingNode) -> tuple[_Template, MappingKeys] | None:
        keys = MappingKeys(self._scope.reader, node, "rule template", TEMPLATE_KEYS)
        id_node = keys.require("id")
        name = None if id_node is None else self._scope.reader.identifier(id_node, "rule template id")
        if id_node is None or name is None or not self._scope.declare(NameKind.RULE_TEMPLATE, name, id_node):
            return None
        template = self._templates[name] = _Template(name, id_node)
        return template, keys

    def _read(self, template: _Template, keys: MappingKeys) -> None:
        template.parameters = {
            key.text: read_parameter(self._scope, key, node)
            for key, node in keys.items("parameters")
            if self._is_name(key)
        }
        because = keys.get("because")
        if (
            because is not None
            and self._scope.reader.nonempty_text(because, "because")
            and isinstance(because, ScalarNode)
        ):
            template.because = because
        rules = keys.require("rules")
        items = () if rules is None else self._scope.reader.sequence(rules, "rules")
        found = (self._scope.reader.mapping(item, "rule") for item in items)
        template.rules = tuple(mapping for mapping in found if mapping is not None)
        self._check_names(template)

    def _is_name(self, key: ScalarNode) -> bool:
        if _PARAMETER_NAME.match(key.text):
            return True
        message = f'"{key.text[:40]}" is not the name of a parameter'
        self._scope.report.add(Code.INVALID_ID, key, message, "use letters, digits and _")
        return False

    def _check_names(self, template: _Template) -> None:
        """Reports names in braces that are no parameters, and parameters that no rule of the template contains."""
        names: set[str] = set()
        body = (*template.rules, *((template.because,) if template.because else ()))
        for name, node in (found for part in body for found in names_in(part, template.parameters)):
            names.add(name)
            if name not in template.parameters:
                message = f"{template.id} has no parameter {name}"
                hint = self._scope.report.suggest(name, template.parameters)
                other = f"write {{{{{name}}}}} for the braces themselves"
                self._scope.report.add(Code.UNKNOWN_PARAMETER, node, message, f"{hint}; {other}" if hint else other)
        for name, parameter in template.parameters.items():
            if name not in names:
                message = f"{{{name}}} stands nowhere in {template.id}"
                self._scope.report.add(Code.UNUSED_PARAMETER, parameter.place, message, "remove it, or use it")

    def _find_circles(self) -> None:
        inner: dict[str, list[tuple[str, Node]]] = {}
        for template in self._templates.values():
            uses = [node for rule in template.rules if (node := rule.get("use")) is not None]
            found = [
                (name, node) for node in uses if (name := self._scope.refer(NameKind.RULE_TEMPLATE, node)) is not None
            ]
            inner[template.id] = [(name, node) for name, node in found if name in self._templates]
        groups = strong_components({name: [used for used, _ in found] for name, found in inner.items()})
        group_of = {name: number for number, group in enumerate(groups) for name in group}
        for name, found in inner.items():
            for used, node in found:
                self._templates[used].is_used = True
                if group_of[name] == group_of[used]:
                    self._circular.add(name)
                    message = f"{name} uses {used}, which uses {name}" if name != used else f"{name} uses itself"
                    self._scope.report.add(Code.RULE_TEMPLATE_CYCLE, node, message, "remove one of the uses")

    def _use(self, item: MappingNode, depth: int) -> Iterator[Node]:
        keys = MappingKeys(self._scope.reader, item, "use of a rule template", USE_KEYS)
        template = self._template(keys.get("use"), depth)
        if template is None:
            return
        template.is_used = True
        signature = Signature(template.id, template.node.place, template.parameters)
        shared = list(keys.items("with"))
        for place, entries in self._sets(keys, item):
            arguments = read_arguments(self._scope, signature, [*shared, *entries], place)
            if arguments is not None and template.id not in self._circular and not self._is_too_large:
                try:
                    yield from self._expand_template(template, arguments, place, depth)
                except TooLarge:
                    self._refuse_size(place)

    def _template(self, node: Node | None, depth: int) -> _Template | None:
        """The template that a use names, else None. An unknown name is reported.

        A use within a template is checked once, when the template is declared, and not at every use of that template.
        """
        if depth > 1:
            return self._templates.get(node.text) if isinstance(node, ScalarNode) else None
        name = None if node is None else self._scope.refer(NameKind.RULE_TEMPLATE, node)
        return self._templates.get(name or "")

    def _sets(self, keys: MappingKeys, item: MappingNode) -> Iterator[tuple[Place, list[tuple[ScalarNode, Node]]]]:
        """The arguments of each entry of `for_each`, with its place. Without `for_each` there is one empty entry."""
        node = keys.get("for_each")
        if node is None:
            yield item.place, []
            return
        for entry in self._scope.reader.sequence(node, "for_each"):
            mapping = self._scope.reader.mapping(entry, "entry of for_each")
            if mapping is not None:
                yield mapping.place, list(mapping.entries)

    def _expand_template(
        self, template: _Template, arguments: dict[str, Node], place: Place, depth: int
    ) -> Iterator[Node]:
        """The rules of the template with these arguments. Raises TooLarge when the budget is used up."""
        filler = TemplateFiller(arguments, place, self._budget, self._scope.report)
        for rule in template.rules:
            expansion = filler.fill(rule)
            if _is_use(expansion):
                if depth >= MAX_NESTING:
                    message = f"templates use each other more than {MAX_NESTING} deep"
                    self._scope.report.add(Code.RULE_TEMPLATE_SIZE, expansion, message, "write the rules out")
                    return
                yield from self._use(expansion, depth + 1)
            elif isinstance(expansion, MappingNode):
                yield _with_reason(expansion, template.because, filler)

    def _refuse_size(self, place: Place) -> None:
        if not self._is_too_large:
            message = f"the uses of rule templates fill in more than {MAX_NODES} nodes together"
            self._scope.report.add(Code.RULE_TEMPLATE_SIZE, place, message, "use fewer or smaller templates")
        self._is_too_large = True


def _with_reason(rule: MappingNode, because: ScalarNode | None, filler: TemplateFiller) -> MappingNode:
    """The rule, with the reason of the template when the rule has no reason of its own."""
    if because is None or rule.get("because") is not None:
        return rule
    key = ScalarNode(rule.place, "because", "because", plain=True)
    return MappingNode(rule.place, (*rule.entries, (key, filler.fill(because))))


def _is_use(node: Node) -> TypeGuard[MappingNode]:
    return isinstance(node, MappingNode) and node.get("use") is not None
