"""Models, one folder per family of objectives."""
