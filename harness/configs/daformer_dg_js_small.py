# The Jensen-Shannon divergence of the predictions, with the weight that SHADE gives it.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_dg_small.py"]
model = dict(consistency=dict(type="LogitConsistencyLoss", loss_weight=10.0))
