"""Errors that a backfill raises on purpose.

BackfillError
├── SettingsError        a setting is missing or wrong; nothing was started
├── StoreError           a store refused or cannot be reached
│   ├── StoreBusy        another process holds it; try again later
│   └── ReadBackError    what was published is not what was staged; the transaction was rolled back
├── DependencyError      admission: upstream partitions are missing or red
└── GateNotMeasured      a gate gave no answer for a partition; an error, never a pass

Bad *input* raises nothing: it becomes a quarantine row or a red verdict of its own partition.
"""


class BackfillError(Exception):
    """Base of all of them; the message names the case and what to do."""


class SettingsError(BackfillError):
    """A setting is missing or wrong."""


class StoreError(BackfillError):
    """A store refused the operation or cannot be reached."""


class StoreBusy(StoreError):
    """Another process holds the store."""


class ReadBackError(StoreError):
    """Published rows differ from staged rows; nothing was changed."""


class DependencyError(BackfillError):
    """Upstream partitions are missing or red."""


class GateNotMeasured(BackfillError):
    """A gate returned no measurement for a partition it was asked about."""
