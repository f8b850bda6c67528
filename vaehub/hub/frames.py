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
        """Return the rows as a data frame of pandas, with its own integers where some are missing: they keep digits.

        Raises:
            VaehubError: If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise _missing("pandas") from error
        import pyarrow as pa
        from pyarrow import types

        # Arrow would make floating-point numbers of integers beside nulls, and round those beyond 2**53.
        whole = {
            getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")()
            for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
        }
        table = self.to_arrow()
        found: pd.DataFrame = table.to_pandas()
        for at, column in enumerate(table.columns):
            if types.is_integer(column.type) and column.null_count:
                found.isetitem(at, pa.table({"": column}).to_pandas(types_mapper=whole.get)[""])
        return found

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
