from .arrays import Array as Array
from .arrays import accepts_arrays as accepts_arrays
from .columns import check_columns as check_columns
from .columns import check_distinct as check_distinct
from .columns import holds_numbers as holds_numbers
from .columns import table_keys as table_keys
