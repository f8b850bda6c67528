"""Datasets: observations with what is known of them, wherever their values are."""
