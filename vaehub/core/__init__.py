"""The interfaces and the work that every plugin shares: data, networks, models, metrics, results, recipes, training."""
