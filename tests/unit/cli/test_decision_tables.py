"""Tables of decisions."""

import pytest

from answerby.api.v1 import resources_pb2 as pb
from answerby.cli.decision_tables import deciding_rule


@pytest.mark.parametrize(
    ("won", "shown"),
    [
        (pb.RuleReference(id="fault-p2", file="priority/matrix.csv", line=4), "fault-p2 (priority/matrix.csv:4)"),
        (pb.RuleReference(id="ladder.standard#2", file="ladders.yaml", line=9), "ladder.standard#2 (ladders.yaml:9)"),
        (pb.RuleReference(id="override.priority"), "override.priority"),
    ],
)
def test_what_has_no_file_names_none(won, shown):
    decision = pb.Decision(explanation=[pb.StageExplanation(stage="priority", won=[won])])
    assert deciding_rule(decision) == shown
