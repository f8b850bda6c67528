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
            "greatest number of latents of which none is passive, by the traces of two covariances",
            params=f"{PARAMS}:FondueParams",
            source="Bonheme 2023, Algorithms 1, 2 and 7",
            subject="recipe",
            suggests=Suggests("n_latents", "latents of which a VAE leaves none unused", model="vae"),
        ),
        Metric(
            "fondue_ib",
            f"{HERE}.fondue_ib:FondueIb",
            "greatest number of latents that hold no more than a reconstruction shows, by entropies",
            params=f"{PARAMS}:FondueIbParams",
            source="Bonheme 2023, Algorithms 3, 4 and 8",
            subject="recipe",
        ),
        Metric(
            "fondue_ide",
            f"{HERE}.fondue_ide:FondueIde",
            "greatest number of latents whose noise adds no dimension, by intrinsic dimensions",
            params=f"{PARAMS}:FondueIdeParams",
            source="Bonheme 2023, Algorithms 5 and 6",
            subject="recipe",
        ),
        Metric(
            "fondue_beta",
            f"{HERE}.fondue_beta:FondueBeta",
            "greatest beta with which no latent is passive, for a given number of latents",
            params=f"{PARAMS}:FondueBetaParams",
            source="Bonheme 2023, Chapter 8",
            subject="recipe",
        ),
        Metric(
            "elbow",
            f"{HERE}.elbow:Elbow",
            "knees of reconstruction error and of downstream accuracy as latents become more",
            params=f"{PARAMS}:ElbowParams",
            source="Satopää et al. 2011; Bonheme 2023, Chapter 8",
            subject="recipe",
        ),
        Metric(
            "latent_traces",
            f"{HERE}.latent_traces:LatentTraces",
            "total variance of the mean and of the sampled representation, and the gap between them",
            params=f"{PARAMS}:LatentTracesParams",
            source="Bonheme 2023, Algorithm 1",
        ),
        Metric(
            "information_plane",
            f"{HERE}.information_plane:InformationPlane",
            "entropy of each layer, and its information on observations and on reconstructions, in bits",
            params=f"{PARAMS}:InformationPlaneParams",
            source="Bonheme 2023, Appendix D.2; Giraldo et al. 2015",
        ),
        Metric(
            "structure_preservation_index",
            f"{HERE}.structure_preservation:StructurePreservationIndex",
            "how far likenesses among reconstructions are from those among observations",
            params=f"{PARAMS}:StructurePreservationParams",
            source="Bonheme 2023, Appendix D.2",
        ),
        Metric(
            "reconstruction_error",
            f"{HERE}.reconstruction_error:ReconstructionError",
            "squared error of reconstructions, of any autoencoder, and the model's own term",
            params=f"{PARAMS}:ReconstructionErrorParams",
            source="Bonheme 2023, Chapter 8",
        ),
        Study(
            "fondue",
            f"{HERE}:study.toml",
            "numbers of latents that FONDUE finds, by network, objective, search and start, on sprites",
            source="Bonheme 2023, Chapter 8 and Appendix D",
        ),
        Study(
            "fondue_digits",
            f"{HERE}:digits.toml",
            "numbers of latents that FONDUE finds as beta grows, over ten seeds, on digits",
            source="Bonheme 2023, Table 8.2",
        ),
    ]
