# Class-aware pixel contrast: a place against itself, and against places of other classes by the shared mask.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_dg.py"]
model = dict(
    consistency=dict(type="PixelContrastLoss", loss_weight=0.1, temperature=0.1, stages=(1, 2, 3, 4), positions=64)
)
