"""The contracts that plugins share: data, networks, models, metrics, results, recipes."""
