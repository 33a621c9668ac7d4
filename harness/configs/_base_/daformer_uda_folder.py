# What the full self-training configs of labelled folders share: DAFormer as published, 2 single images and 2 target
# images a step. All that has a part in learning is as for bundles; only the supply differs, as in daformer_dg_folder.
# ruff: noqa: C408
_base_ = ["./daformer_uda.py"]

train_dataloader = dict(
    dataset=dict(
        min_appearances=1,
        max_appearances=1,
        capacity=1024,  # images: as many as 256 bundles of four
        pace=0.5,  # a new image every other iteration: each is used four times
        ordered=True,
        pipeline=[
            dict(type="DrawAppearances", count=1),  # without a reference the feature distance takes the image itself
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=(512, 512)),
            dict(type="FlipAll"),
            dict(type="PackAppearances"),
        ],
    ),
)
