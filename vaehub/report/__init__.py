"""Pages of what is stored."""

from vaehub.report.page import write_report

__all__ = ["write_report"]
