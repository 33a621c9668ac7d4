# As daformer_dg_cosine_small, without a consistency loss: cross entropy alone on the same pairs.
# ruff: noqa: C408
_base_ = ["./daformer_dg_cosine_small.py"]
model = dict(consistency=None)
