"""The answerby command. Commands import what they need when they run, so that `answerby --help` stays quick."""
