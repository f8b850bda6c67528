"""Displays in notebooks: values as tables and pictures, figures, and the progress of work. Loaded when first needed."""

from importlib import import_module

DISPLAYS = {
    "Comparison": "results:comparison",
    "Dataset": "data:dataset",
    "Measurement": "results:measurement",
    "Measurements": "results:measurements",
    "ReportTable": "studies:report",
    "Reports": "studies:reports",
    "Rows": "results:rows",
    "StoreReader": "records:hub",
    "Study": "studies:study",
    "StudyState": "studies:state",
    "Suggestion": "studies:suggestion",
    "Training": "records:training",
    "TrainingRecord": "records:training_record",
}
"""What draws each class, by module of this folder and function."""


def html(value: object) -> str:
    """Return what a notebook shows of a value, in which every text that is not ours is escaped."""
    target = next(DISPLAYS[kind.__name__] for kind in type(value).__mro__ if kind.__name__ in DISPLAYS)
    module, _, name = target.partition(":")
    return str(getattr(import_module(f"{__name__}.{module}"), name)(value))
