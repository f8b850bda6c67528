"""Training: from an untrained model and data to weights, with checkpoints, snapshots and ensembles of seeds."""
