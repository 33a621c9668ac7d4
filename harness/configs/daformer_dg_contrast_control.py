# The control of contrast: the same loss between two distortions of one appearance, so that what the second appearance
# adds can be told from what contrast does by itself.
# ruff: noqa: C408
_base_ = ["./daformer_dg_contrast.py"]
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="DrawAppearances", count=2, pairs="same", reference="noon"),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=(512, 512)),
            dict(type="FlipAll"),
            dict(type="DistortEach"),
            dict(type="PackAppearances"),
        ],
    ),
)
