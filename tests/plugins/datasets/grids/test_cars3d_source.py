"""Cars3D from an archive of the published form, with three small cars."""

import io
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from vaehub import DataError
from vaehub.files import FileParams
from vaehub.plugins.datasets.grids.cars3d import Cars3d

ELEVATIONS, AZIMUTHS, CARS = 2, 3, 3


def car(number):
    """Return images (h, w, c, azimuth, elevation) whose colours say what they are; the left half is black."""
    im = np.zeros((128, 128, 3, AZIMUTHS, ELEVATIONS), np.uint8)
    for azimuth, elevation in np.ndindex(AZIMUTHS, ELEVATIONS):
        im[:, 64:, :, azimuth, elevation] = [50 * number, 50 * azimuth, 50 * elevation]
    im[:20, 64:, :, :, :] = 255
    return im


def mat(im):
    stream = io.BytesIO()
    savemat(stream, {"im": im, "mask": np.ones((4, 4), np.uint8)}, do_compression=True)
    return stream.getvalue()


@pytest.fixture
def write(tmp_path, publish):
    def write(files):
        path = tmp_path / "nips2015-analogy-data.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        publish(Cars3d, path, sizes=(ELEVATIONS, AZIMUTHS, CARS))
        return Cars3d(FileParams(root=tmp_path))

    return write


@pytest.fixture(scope="module")
def cars():
    # Not in alphabetical order, and among files that are of other datasets.
    names = {"car_003_mesh": 3, "car_001_mesh": 1, "car_002_mesh": 2}
    return {
        "data/cars/list.txt": b"car_001_mesh\n",
        **{f"data/cars/{name}.mat": mat(car(number)) for name, number in names.items()},
        "data/shapes48.mat": b"another dataset",
        "data/sprites/sprites_1.mat": b"another one",
    }


def test_factors_belong_to_their_images_and_cars_are_in_alphabetical_order(write, cars):
    data = write(cars).load()
    assert data.spec.shape == (3, 64, 64)
    assert data.factors.names == ("elevation", "azimuth", "object")
    colours = data.stored.take(torch.arange(len(data)))[:, :, 40, 48].long()
    expected = torch.stack([data.factors.classes[:, 2] + 1, data.factors.classes[:, 1], data.factors.classes[:, 0]], 1)
    assert torch.equal(colours, 50 * expected)


def test_images_are_upright_and_resized_as_in_the_reference(write, cars):
    data = write(cars).load()
    row = data.factors.lookup(torch.tensor([[1, 2, 0]]))
    image = data.stored.take(row)[0]
    assert int(image[:, :8, 40:].min()) > 250
    assert int(image[:, :, :30].max()) <= 1
    picture = Image.fromarray(np.ascontiguousarray(car(1)[:, :, :, 2, 1])).resize((64, 64), Image.Resampling.LANCZOS)
    assert torch.equal(image, torch.from_numpy(np.asarray(picture).transpose(2, 0, 1).copy()))


def test_cars_are_decoded_once(write, cars, monkeypatch):
    source = write(cars)
    first = source.load().x
    monkeypatch.setattr(Cars3d, "blocks", None)
    assert torch.equal(source.load().x, first)


def test_the_official_grid_has_17568_images():
    assert Cars3d(FileParams()).shape == (17_568, 64, 64, 3)


def test_too_few_cars_are_refused(write, cars):
    del cars["data/cars/car_002_mesh.mat"]
    with pytest.raises(DataError, match=r"tar.gz should hold 3 cars in data/cars, and holds 2; replace the file"):
        write(cars).load()


@pytest.mark.parametrize("im", [car(1)[:64], car(1).astype(float)], ids=["shape", "type"])
def test_a_car_of_another_shape_or_type_is_refused(write, cars, im):
    with pytest.raises(DataError, match=r"car_001_mesh.mat, array 'im', should have shape .* of uint8, and has"):
        write({**cars, "data/cars/car_001_mesh.mat": mat(im)}).load()


def test_a_damaged_car_is_refused(write, cars):
    content = cars["data/cars/car_001_mesh.mat"]
    with pytest.raises(DataError, match=r"car_001_mesh.mat cannot be read as a MATLAB file .*replace the archive"):
        write({**cars, "data/cars/car_001_mesh.mat": content[: len(content) // 2]}).load()


def test_a_truncated_or_missing_archive_is_refused(write, cars, tmp_path, publish):
    source, path = write(cars), tmp_path / "nips2015-analogy-data.tar.gz"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match="tar.gz is not the published file"):
        source.load()
    publish(Cars3d, path, sizes=(ELEVATIONS, AZIMUTHS, CARS))
    with pytest.raises(DataError, match="tar.gz cannot be read as an archive .*delete the file, or replace it"):
        source.load()
    path.unlink()
    with pytest.raises(DataError, match=r"'cars3d' is not available: nips2015.* is in none of .*scottreed.info"):
        source.load()
