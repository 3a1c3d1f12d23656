"""JSON Schemas of rule files, for completion and checks in editors.

The schemas use the keys, enumerations and patterns of the loader itself. The loader refuses every file that a schema
refuses. The loader also checks more than a schema can, such as references and times.
"""

from answerby.rules.schema.files import FILE_KINDS, file_schema, section_schema
from answerby.rules.schema.rulebook_names import NO_NAMES, RulebookNames, names_of

__all__ = ["FILE_KINDS", "NO_NAMES", "RulebookNames", "file_schema", "names_of", "section_schema"]
