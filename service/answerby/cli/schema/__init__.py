"""`answerby schema`: JSON Schemas of all kinds of files, for editors."""
