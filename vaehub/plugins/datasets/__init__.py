"""Datasets, a folder each."""
