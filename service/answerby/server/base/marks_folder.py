"""Where a worker writes down what callers were told."""

from __future__ import annotations

from pathlib import Path

from answerby.server.base.config import StoreConfig
from answerby.server.base.logs import Logger

NOT_BESIDE = (
    "the marks lie in the data folder, so a backup of the whole folder that is restored cannot be found out, and"
    " numbers may be given twice then; set store.marks_folder to a folder outside that can be written and is kept"
)
NONE = (
    "a store that went back, such as to a backup, cannot be found out, and numbers may be given twice then;"
    " set store.marks_folder to a folder that can be written and is kept"
)


def marks_folder(settings: StoreConfig, logger: Logger) -> Path | None:
    """The folder, made if needed. Without a folder to write in: None, with a warning.

    The marks lie beside the data folder, since what is restored together with the data would agree with it.
    """
    if settings.marks_folder is not None:
        return _made(settings.marks_folder, NONE, logger)
    data = settings.data_folder.resolve()
    return _made(data.parent / f"{data.name}-marks", NOT_BESIDE, logger) or _made(data / "marks", NONE, logger)


def _made(folder: Path, otherwise: str, logger: Logger) -> Path | None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        logger.warning("store setting", warning=f"{otherwise}: {folder}: {error.strerror}")
        return None
    return folder
