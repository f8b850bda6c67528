"""Models, a folder for each family of objectives."""
