# What the small configs of labelled folders share: 4 single images a step, as many as the paired arms see.
# ruff: noqa: C408
_base_ = ["./daformer_dg_small.py"]

batch_size = 4

train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        batch_size=batch_size,
        min_appearances=1,
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
