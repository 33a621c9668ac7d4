# The maximum mean discrepancy of features, which compares the two images as sets of positions; of the source pair and
# of the mixed one.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_uda_small.py"]
model = dict(
    consistency=dict(
        type="ConsistencyLoss", distance="mmd", loss_weight=1.0, stages=(1, 2, 3, 4), positions=256, normalised=True
    )
)
