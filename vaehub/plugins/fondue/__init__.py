"""FONDUE: how many latents a model needs, and what else is asked for that number (Bonheme 2023, Chapter 8)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Study, Suggests, hookimpl

HERE = "vaehub.plugins.fondue"
PARAMS = f"{HERE}.params"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "fondue",
            f"{HERE}.fondue:Fondue",
            "FONDUE: largest number of latents without passive ones, from traces of the mean and sampled covariances",
            params=f"{PARAMS}:FondueParams",
            source="Bonheme 2023, Algorithms 1, 2 and 8",
            subject="recipe",
            suggests=Suggests("n_latents", "latents of which a VAE leaves none unused", model="vae"),
            revision=3,
        ),
        Metric(
            "fondue_ib",
            f"{HERE}.fondue_ib:FondueIb",
            "FONDUE by information bottleneck: number of latents from the entropies of latents and reconstructions",
            params=f"{PARAMS}:FondueIbParams",
            source="Bonheme 2023, Algorithms 3, 4 and 7",
            subject="recipe",
            revision=3,
        ),
        Metric(
            "fondue_ide",
            f"{HERE}.fondue_ide:FondueIde",
            "FONDUE by intrinsic dimension: number of latents from the dimensions of mean and sampled representations",
            params=f"{PARAMS}:FondueIdeParams",
            source="Bonheme 2023, Algorithms 5 and 6",
            subject="recipe",
            revision=3,
        ),
        Metric(
            "fondue_beta",
            f"{HERE}.fondue_beta:FondueBeta",
            "largest beta without posterior collapse of any latent, for a given number of latents (FONDUE over beta)",
            params=f"{PARAMS}:FondueBetaParams",
            source="Bonheme 2023, Section 8.9",
            subject="recipe",
            revision=2,
        ),
        Metric(
            "elbow",
            f"{HERE}.elbow:Elbow",
            "elbow method: knees of reconstruction loss and downstream accuracy against the number of latents",
            params=f"{PARAMS}:ElbowParams",
            source="Bonheme 2023, Section 8.4; Satopää et al. 2011; Mai Ngoc & Hwang 2020",
            subject="recipe",
            revision=4,
            units={"distortion": "nats", "distortion_mean": "nats", "distortion_deviation": "nats"},
        ),
        Metric(
            "latent_traces",
            f"{HERE}.latent_traces:LatentTraces",
            "traces of the mean and sampled covariance matrices, and the gap between them (FONDUE)",
            params=f"{PARAMS}:LatentTracesParams",
            source="Bonheme 2023, Algorithm 1",
            revision=2,
        ),
        Metric(
            "information_plane",
            f"{HERE}.information_plane:InformationPlane",
            "information plane: entropy of each layer, mutual information with inputs and reconstructions, in bits",
            params=f"{PARAMS}:InformationPlaneParams",
            source="Bonheme 2023, Appendix D.2; Giraldo et al. 2015",
            units=dict.fromkeys(
                (
                    *("entropy", "entropy_z", "information_input", "information_reconstruction"),
                    *("information_x_reconstruction", "highest"),
                ),
                "bits",
            ),
        ),
        Metric(
            "structure_preservation_index",
            f"{HERE}.structure_preservation:StructurePreservationIndex",
            "structure preservation index: difference of pairwise similarities between data and reconstructions",
            params=f"{PARAMS}:StructurePreservationParams",
            source="Bonheme 2023, Appendix D.2",
            revision=2,
        ),
        Metric(
            "reconstruction_error",
            f"{HERE}.reconstruction_error:ReconstructionError",
            "mean squared reconstruction error, of any autoencoder, and the distortion of the model's own likelihood",
            params=f"{PARAMS}:ReconstructionErrorParams",
            source="Bonheme 2023, Chapter 8",
            revision=4,
            units={"distortion": "nats"},
        ),
        Study(
            "fondue",
            f"{HERE}:study.toml",
            "number of latents that FONDUE finds, by network, objective, search and starting point, on sprites",
            source="Bonheme 2023, Chapter 8 and Appendix D",
        ),
        Study(
            "fondue_digits",
            f"{HERE}:digits.toml",
            "number of latents that FONDUE finds as beta grows, over ten seeds, on digits",
            source="Bonheme 2023, Table 8.2",
        ),
        Study(
            "elbow",
            f"{HERE}:elbow.toml",
            "loss, accuracy, intrinsic dimension and types of latents against the number of latents, on digits",
            source="Bonheme 2023, Figures 8.1, 8.5 to 8.12 and D.1 to D.4",
        ),
    ]
