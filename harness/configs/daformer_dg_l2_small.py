# As daformer_dg_cosine_small, with the L2 distance of channel-normalised features: about twice 1 - cos, so half the
# weight.
# ruff: noqa: C408
_base_ = ["./daformer_dg_cosine_small.py"]
model = dict(consistency=dict(distance="l2", loss_weight=0.05))
