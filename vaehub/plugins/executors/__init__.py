"""Engines that do the jobs of studies: one folder each."""
