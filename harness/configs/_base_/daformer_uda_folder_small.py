# What the small self-training configs of labelled folders share: 2 single images and 2 target images a step.
# ruff: noqa: C408
_base_ = ["./daformer_uda_small.py"]

train_dataloader = dict(
    dataset=dict(
        min_appearances=1,
        pipeline=[
            dict(type="DrawAppearances", count=1),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=(128, 256)),
            dict(type="FlipAll"),
            dict(type="PackAppearances"),
        ],
    ),
)
