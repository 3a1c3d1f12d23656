"""The `answerby` command. Each family of commands has a folder; it is loaded only when a command of it runs."""
