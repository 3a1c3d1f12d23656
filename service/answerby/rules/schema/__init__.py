"""JSON Schemas of rule files, for completion and red lines in editors.

They are made of what the loader itself uses: its keys, its enumerations, its patterns. Whatever a schema refuses the
loader refuses too; the loader checks much more, such as references and times.
"""

from answerby.rules.schema.files import FILE_KINDS, file_schema, section_schema
from answerby.rules.schema.rulebook_names import NO_NAMES, RulebookNames, names_of

__all__ = ["FILE_KINDS", "NO_NAMES", "RulebookNames", "file_schema", "names_of", "section_schema"]
