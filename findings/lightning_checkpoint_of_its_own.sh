#!/usr/bin/env bash
# Versions: lightning 2.6.6, torch 2.13.0, numpy 2.4.6.
# Expected: load_from_checkpoint reads what Trainer.save_checkpoint of the same version wrote, whatever save_hyperparameters() kept.
# Seen: a learning rate that came from NumPy (numpy.float64, as logspace or a sweep gives it) is written without a remark and
#     refused on reading, as only plain types may be unpickled by default. With the same number as a float it is read.
# Matters: trainings of a sweep end well and cannot be opened afterwards. Convert hyper-parameters with float() before they reach
#     the module, or pass weights_only=False for a file of one's own. A reader of weights alone must expect both kinds of file.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 lightning==2.6.6 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import logging
import pickle

import lightning
import numpy as np
import torch
from torch import nn

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Small(lightning.LightningModule):
    def __init__(self, rate):
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(4, 2)

    def training_step(self, batch, index):
        return self.layer(batch[0]).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), float(self.hparams.rate))


data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(8, 4)), batch_size=4)
outcome = {}
for name, rate in (("numpy", np.logspace(-3, -2, 2)[0]), ("float", 1e-3)):
    trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
                                enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(Small(rate), data)
    trainer.save_checkpoint(f"{name}.ckpt")
    try:
        Small.load_from_checkpoint(f"{name}.ckpt")
        outcome[name] = "read"
    except pickle.UnpicklingError:
        outcome[name] = "refused"
Small.load_from_checkpoint("numpy.ckpt", weights_only=False)
print("lightning", lightning.__version__, "torch", torch.__version__, "numpy", np.__version__, outcome)
assert outcome == {"numpy": "refused", "float": "read"}
PYTHON
