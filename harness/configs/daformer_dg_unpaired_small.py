# Cross entropy alone on twice as many bundles, one appearance of each: as many images a step as the paired arms, and
# more streets. Pairing as such costs something; without this baseline that would be taken for the losses' doing.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_dg_small.py"]
batch_size = 4
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        batch_size=batch_size,
        pipeline=[
            dict(type="DrawAppearances", count=1),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=(128, 256)),
            dict(type="FlipAll"),
            dict(type="DistortEach"),
            dict(type="PackAppearances"),
        ],
    ),
)
