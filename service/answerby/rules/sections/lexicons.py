"""`lexicons:` to lexicons. A lexicon holds the terms of its includes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from answerby.rules.model.rulebook import Lexicon
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.reference_cycles import strong_components
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.folding import fold
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import Node, ScalarNode, SequenceNode

LEXICON_KEYS = ("terms", "include", "except", "description")


@dataclass(slots=True)
class _LexiconEntry:
    key: ScalarNode
    own: set[str] = field(default_factory=set)
    includes: list[tuple[str, Node]] = field(default_factory=list)
    exceptions: set[str] = field(default_factory=set)


def compile_lexicons(scope: NameScope, sections: list[Node]) -> dict[str, Lexicon]:
    """The lexicons of all `lexicons:` sections, by id. Terms are folded and sorted, and include those of includes."""
    entries: dict[str, _LexiconEntry] = {}
    bodies: list[tuple[_LexiconEntry, Node]] = []
    for section in sections:
        mapping = scope.reader.mapping(section, "lexicons")
        for key, node in mapping.entries if mapping else ():
            if scope.reader.identifier(key, "lexicon id") and scope.declare(NameKind.LEXICON, key.text, key):
                entries[key.text] = _LexiconEntry(key)
                bodies.append((entries[key.text], node))
    for entry, node in bodies:
        _read(scope, entry, node)
    # Each lexicon comes after its includes, so that its terms can be merged in one pass.
    groups = strong_components({name: [included for included, _ in entry.includes] for name, entry in entries.items()})
    _check_cycles(scope, entries, groups)
    terms, exceptions = _all_terms(entries, groups), _all_exceptions(entries, groups)
    return {
        name: Lexicon(name, terms[name], entry.key.place.file, exceptions[name])
        for name, entry in sorted(entries.items())
    }


def _read(scope: NameScope, entry: _LexiconEntry, node: Node) -> None:
    """Reads one lexicon: a mapping with `terms` and `include`, or a list of terms."""
    reader = scope.reader
    if isinstance(node, SequenceNode):
        _read_terms(scope, entry, node)
        return
    mapping = reader.mapping(node, "lexicon")
    if mapping is None:
        return
    keys = MappingKeys(reader, mapping, f"lexicon {entry.key.text}", LEXICON_KEYS)
    terms, include = keys.get("terms"), keys.get("include")
    if terms is None and include is None:
        keys.require("terms")
    if terms is not None:
        _read_terms(scope, entry, terms)
    if include is not None:
        for item in reader.one_or_more(include, "include"):
            name = scope.refer(NameKind.LEXICON, item)
            if name is not None:
                entry.includes.append((name, item))
    exceptions = keys.get("except")
    if exceptions is not None:
        _read_exceptions(scope, entry, exceptions)


def _read_exceptions(scope: NameScope, entry: _LexiconEntry, node: Node) -> None:
    for item in scope.reader.one_or_more(node, "except"):
        name = scope.refer(NameKind.LEXICON, item)
        if name == entry.key.text:
            message = "a lexicon that is an exception to itself finds nothing"
            scope.report.add(Code.WRONG_VALUE, item, message, "name the lexicon of the harmless phrases")
        elif name is not None:
            entry.exceptions.add(name)


def _read_terms(scope: NameScope, entry: _LexiconEntry, node: Node) -> None:
    for item in scope.reader.sequence(node, "terms"):
        text = scope.reader.nonempty_text(item, "term")
        term = fold(text) if text else ""
        if text and not term:
            scope.report.add(Code.WRONG_VALUE, item, "the term holds only invisible characters")
        elif term in entry.own:
            scope.report.add(
                Code.DUPLICATE_TERM, item, f"the term {text} stands twice in {entry.key.text}", "remove one"
            )
        elif term:
            entry.own.add(term)


def _check_cycles(scope: NameScope, entries: dict[str, _LexiconEntry], groups: list[list[str]]) -> None:
    """Reports each include that is part of a circle."""
    group_of = {name: number for number, group in enumerate(groups) for name in group}
    for name, entry in entries.items():
        for included, node in entry.includes:
            if group_of[name] == group_of[included]:
                scope.report.add(
                    Code.LEXICON_CYCLE, node, f"{name} includes {included}, which includes {name}", "remove one include"
                )


def _all_terms(entries: dict[str, _LexiconEntry], groups: list[list[str]]) -> dict[str, tuple[str, ...]]:
    """Own and included terms by lexicon, sorted, each once. The terms of each include are merged only once."""
    found: dict[str, tuple[str, ...]] = {}
    for group in groups:
        parts = [sorted(entries[name].own) for name in group]
        included = {i: None for name in group for i, _ in entries[name].includes if i in found}
        # The parts are sorted already. Python's sort merges such runs in linear time.
        terms = sorted(chain(*parts, *(found[name] for name in included)))
        unique = tuple(dict.fromkeys(terms))
        found.update(dict.fromkeys(group, unique))
    return found


def _all_exceptions(entries: dict[str, _LexiconEntry], groups: list[list[str]]) -> dict[str, tuple[str, ...]]:
    """Own and included exceptions by lexicon. A lexicon inherits exceptions together with terms."""
    found: dict[str, tuple[str, ...]] = {}
    for group in groups:
        names = {name for member in group for name in entries[member].exceptions}
        names.update(*(found[i] for member in group for i, _ in entries[member].includes if i in found))
        found.update((member, tuple(sorted(names - {member}))) for member in group)
    return found
