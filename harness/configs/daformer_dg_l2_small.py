# The L2 distance of channel-normalised features: about twice 1 - cos, so half the weight.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_dg_small.py"]
model = dict(consistency=dict(type="ConsistencyLoss", distance="l2", loss_weight=0.05, stages=(1, 2, 3, 4)))
