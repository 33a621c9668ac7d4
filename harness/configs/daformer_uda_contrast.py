# Class-aware pixel contrast, of the source pair and of the mixed one, whose classes are the pseudo labels outside the
# class mask.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_uda.py"]
model = dict(
    consistency=dict(type="PixelContrastLoss", loss_weight=0.1, temperature=0.1, stages=(1, 2, 3, 4), positions=64)
)
