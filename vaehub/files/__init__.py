"""Files of data: where they can be, whether they are what they should be, and reading them without running anything."""
