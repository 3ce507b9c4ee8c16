"""The errors a person can meet. Every message names the thing, the value and the remedy.

Anything else that escapes is a defect in the program, not in what somebody asked of it.
"""


class MnistError(Exception):
    """Base of all errors below: its text is written to be shown to a person as it stands."""


class ConfigError(MnistError):
    """A setting is out of range or of the wrong kind. `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class DatasetError(MnistError):
    """A dataset is missing, damaged or cannot be downloaded."""


class CheckpointError(MnistError):
    """A checkpoint cannot be saved, or it is missing, damaged or does not fit."""


class NotSavedError(CheckpointError):
    """What a run computed could not be put on the disk. The checkpoint before is still there to resume from."""


class StoreError(MnistError):
    """The run store cannot be opened, or holds no such run."""


class StoreUnavailableError(StoreError):
    """The database takes nothing at the moment; nothing was written, and the same may well work later."""


class DiskFullError(StoreUnavailableError):
    """There is no room on the disk for what was to be recorded."""


class RunNotFoundError(StoreError):
    """No run has this id or name."""


class RunStateError(StoreError):
    """A run is not in a state in which what was asked of it makes sense."""


class StaleAttemptError(StoreError):
    """A trainer wrote to a run that has since finished or been taken over by a newer attempt."""


class ExportError(MnistError):
    """Runs cannot be exported as asked."""


class ImportRefusedError(MnistError):
    """A file with exported runs is damaged, foreign, or too large."""
