"""Datasets: observations with labels and factors, in memory or on demand."""
