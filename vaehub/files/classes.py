"""Labels and factors of files as classes, for plugins that read files of their own."""

from vaehub.core.data.classes import Classes as Classes
from vaehub.core.data.classes import classes_of as classes_of
from vaehub.core.data.classes import factors_of as factors_of
from vaehub.core.data.classes import is_missing as is_missing
