"""JSON Schemas of rule files, for completion and red lines in editors.

They are made of what the loader itself uses: its keys, its enumerations, its patterns. Whatever a schema refuses the
loader refuses too; the loader checks much more, such as references and times.
"""

from answerby.rules.schema.files import KINDS, file_schema, section_schema
from answerby.rules.schema.rulebook_names import NO_NAMES, Names, names_of

__all__ = ["KINDS", "NO_NAMES", "Names", "file_schema", "names_of", "section_schema"]
