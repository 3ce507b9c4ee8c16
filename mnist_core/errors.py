"""Errors that users can cause or fix. Every message names the problem, the value and the remedy.

Any other exception that escapes is a bug in the program.
"""


class MnistError(Exception):
    """Base class; the text of every error can be shown to users unchanged."""


class ConfigError(MnistError):
    """A value is out of range or of the wrong type. `field` names the setting or annotation."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class DatasetError(MnistError):
    """A dataset is missing, damaged or cannot be downloaded."""


class DrawingError(MnistError):
    """A drawing or a photo of a digit cannot be read, or shows no digit."""


class CheckpointError(MnistError):
    """A checkpoint cannot be saved, or is missing, damaged, or does not fit the run."""


class NotSavedError(CheckpointError):
    """A run's state or model could not be saved. It can be resumed from the previous checkpoint."""


class StoreError(MnistError):
    """The run store cannot be opened, read or written."""


class StoreUnavailableError(StoreError):
    """The database cannot be read or written now. Nothing was written; the same call may succeed later."""


class StoreLockedError(StoreUnavailableError):
    """Another process has kept the database locked. It is whole, and can be written as soon as the lock is gone."""


class DiskFullError(StoreUnavailableError):
    """The disk of the database is full."""


class RunNotFoundError(StoreError):
    """No run has this id or name."""


class EvaluationNotFoundError(StoreError):
    """No evaluation of a run has this number."""


class RunStateError(StoreError):
    """The status of a run does not allow the action."""


class DamagedRunError(StoreError):
    """What is stored of one run cannot be read. Other runs are not affected."""


class EditConflictError(StoreError):
    """Somebody else has changed what a person was editing. Nothing was written."""


class DamagedSweepError(StoreError):
    """What is stored of a sweep, or of one of its trials, cannot be read."""


class SweepNotFoundError(StoreError):
    """No sweep has this id or name."""


class SweepStateError(StoreError):
    """The status of a sweep does not allow the action."""


class StaleAttemptError(StoreError):
    """A trainer or a controller wrote to a run or sweep that has ended or is held by a newer attempt."""


class InferenceError(MnistError):
    """A question about the network of a run has no answer."""


class InferenceUnavailableError(InferenceError):
    """A question could not be answered now. Asking again later may help."""


class BackupError(MnistError):
    """A backup cannot be written or restored, or is damaged or foreign."""


class ExportError(MnistError):
    """Runs cannot be exported."""


class ImportRefusedError(MnistError):
    """A file of exported runs is damaged, foreign or too large."""
