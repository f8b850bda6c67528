"""Tables in memory as other libraries have them: Arrow, pandas, polars, and all that read Arrow's stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


class Tabular(ABC):
    """Something that is a table, and is handed over as one."""

    @abstractmethod
    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a data frame of pandas.

        Raises:
            VaehubError: If pandas is not installed.
        """
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise _missing("pandas") from error
        return self.to_arrow().to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """Return the rows as a data frame of polars.

        Raises:
            VaehubError: If polars is not installed, or two columns have one name.
        """
        try:
            import polars as pl
        except ImportError as error:
            raise _missing("polars") from error
        table = self.to_arrow()
        repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
        if repeated:
            raise VaehubError(
                f"a data frame of polars has each name once, and {repeated[0]!r} is several columns; "
                "rename one with 'as'"
            )
        return pl.DataFrame(table)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the rows over to any library that reads Arrow's stream, such as polars, DuckDB or pandas."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def _missing(library: str) -> VaehubError:
    return VaehubError(f"these data frames need {library}: pip install 'vaehub[{library}]'; to_arrow() works without")
