# The L2 distance of channel-normalised features, of the source pair and of the mixed one: about 2 (1 - cos), so half
# the weight of the cosine.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_uda_small.py"]
model = dict(consistency=dict(type="ConsistencyLoss", distance="l2", loss_weight=0.05, stages=(1, 2, 3, 4)))
