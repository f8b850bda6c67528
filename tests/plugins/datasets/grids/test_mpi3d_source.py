"""MPI3D from files of the published form, in small."""

import numpy as np
import pytest
import torch

from vaehub import DataError
from vaehub.plugins.datasets.grids.mpi3d import Mpi3d
from vaehub.plugins.datasets.grids.params import Mpi3dParams

SIZES = (2, 2, 2, 1, 3, 4, 5)
N = int(np.prod(SIZES))


@pytest.fixture
def write(tmp_path, publish):
    def write(images, variant="toy", key="images"):
        path = tmp_path / f"mpi3d_{variant}.npz"
        np.savez_compressed(path, **{key: images})
        publish(Mpi3d, path, sizes=SIZES)
        return Mpi3d(Mpi3dParams(root=tmp_path, variant=variant))

    return write


def numbered(first=0):
    images = np.zeros((N, 64, 64, 3), np.uint8)
    images[:, 5, 9, 1] = (np.arange(N) + first) % 256
    images[:, 5, 9, 2] = (np.arange(N) + first) // 256
    return images


def test_factors_belong_to_their_images(write):
    data = write(numbered()).load()
    assert data.spec.factor_sizes == SIZES
    assert data.factors.names[5:] == ("horizontal_axis", "vertical_axis")
    # The last factor varies fastest, so its neighbour is as far away as the last has values.
    classes = torch.tensor([[0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 2, 3, 4]])
    images = data.stored.take(data.factors.lookup(classes))
    assert images[:, 1, 5, 9].add(256 * images[:, 2, 5, 9].int()).tolist() == [1, 5, N - 1]
    assert int(images[:, 0].sum()) == 0


def test_variants_are_kept_apart(write):
    toy, real = write(numbered()).load(), write(numbered(7), "real").load()
    row = torch.tensor([0])
    assert int(toy.stored.take(row)[0, 1, 5, 9]) == 0
    assert int(real.stored.take(row)[0, 1, 5, 9]) == 7


def test_each_variant_has_a_file_on_the_card():
    for variant in ("toy", "realistic", "real"):
        source = Mpi3d(Mpi3dParams(variant=variant))
        assert source.card.file(source.file).address.endswith(f"mpi3d_{variant}.npz")
    assert Mpi3d(Mpi3dParams()).shape[0] == 1_036_800


@pytest.mark.parametrize("images", [numbered()[:-1], numbered().astype(np.int16)], ids=["too few", "type"])
def test_another_shape_or_type_is_refused(write, images):
    with pytest.raises(DataError, match=r"mpi3d_toy.npz, array 'images', should have .* of uint8, .* replace the file"):
        write(images).load()


def test_another_name_of_the_array_is_refused(write):
    with pytest.raises(DataError, match="mpi3d_toy.npz has no array 'images'; it has 'pictures'"):
        write(numbered(), key="pictures").load()


def test_a_truncated_or_missing_file_is_refused(write, tmp_path, publish):
    source, path = write(numbered()), tmp_path / "mpi3d_toy.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="mpi3d_toy.npz is not the published file"):
        source.load()
    publish(Mpi3d, path, sizes=SIZES)
    with pytest.raises(DataError, match="mpi3d_toy.npz cannot be read as an archive .*delete the file, or replace it"):
        source.load()
    path.unlink()
    with pytest.raises(DataError, match=r"'mpi3d' is not available: mpi3d_toy.npz is in none of"):
        source.load()
