"""`answerby rulebook`: the live revision, the revision on trial, and changes of both."""
