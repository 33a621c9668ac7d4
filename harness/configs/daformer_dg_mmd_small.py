# As daformer_dg_cosine_small, with the maximum mean discrepancy, which compares the two images as sets of positions.
# ruff: noqa: C408
_base_ = ["./daformer_dg_cosine_small.py"]
model = dict(consistency=dict(distance="mmd", loss_weight=1.0, positions=256))
