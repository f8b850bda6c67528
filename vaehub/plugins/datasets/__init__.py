"""Datasets, one folder per family."""
