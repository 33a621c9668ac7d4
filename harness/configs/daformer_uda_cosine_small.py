# The cosine distance of features on all stages, of the source pair and of the mixed one.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_uda_small.py"]
model = dict(consistency=dict(type="ConsistencyLoss", distance="cosine", loss_weight=0.1, stages=(1, 2, 3, 4)))
