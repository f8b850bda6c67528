"""Studies that several tests carry out."""

SMALL_STUDY = """
[recipe]
model = "vae"
"data.subset" = 200
"train.batch_size" = 100
"train.epochs" = 8
[axes]
"model.latent_dim" = [2, 3]
seed = [0, 1]
[metrics.elbo]
split = "train"
"""
