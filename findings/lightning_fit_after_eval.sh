#!/usr/bin/env bash
# Versions: lightning 2.6.6, torch 2.13.0.
# Expected: Trainer.fit trains in training mode: a model that was put into evaluation mode for a look at it is put back.
# Seen: fit keeps the mode of each submodule. After model.eval() the whole training runs without dropout, the running statistics of
#     batch normalisation never move from 0 and 1, and the model ends in evaluation mode.
# Matters: whoever measures a VAE and then goes on training it trains another model than the recipe says: evaluation and training
#     agree, and there is no error, only a remark among the log lines. Call model.train() before fit.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 lightning==2.6.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import logging

import lightning
import torch
from torch import nn

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Small(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
        self.modes = []

    def training_step(self, batch, index):
        self.modes.append(self.layer.training)
        return self.layer(batch[0]).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(32, 4) + 5), batch_size=8)
found = {}
for name in ("train", "eval"):
    model = getattr(Small(), name)()
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
                                enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(model, data)
    found[name] = (set(model.modes), bool(model.layer[1].running_mean.abs().max() > 0), model.training)
print("lightning", lightning.__version__, "torch", torch.__version__)
print("mode before fit: (modes during fit, running mean moved, mode after)", found)
assert found["train"] == ({True}, True, True)
assert found["eval"] == ({False}, False, False)
PYTHON
