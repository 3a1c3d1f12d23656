"""`python -m answerby`: the answerby command."""

from __future__ import annotations

from answerby.cli.main import main

if __name__ == "__main__":
    main()
