# What the full configs of labelled folders share: 4 single images a step, as many as the paired arms see. All that has
# a part in learning is as there; only the supply differs, for a folder has any image at any time and each just once.
# ruff: noqa: C408
_base_ = ["./daformer_dg.py"]

batch_size = 4

train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(
        batch_size=batch_size,
        min_appearances=1,
        max_appearances=1,
        capacity=1024,  # images: as many as 256 bundles of four
        pace=1.0,  # a new image each iteration: 40,000 of them, each used four times
        ordered=True,
        pipeline=[
            dict(type="DrawAppearances", count=1),  # without a reference the feature distance takes the image itself
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=(512, 512)),
            dict(type="FlipAll"),
            dict(type="DistortEach"),
            dict(type="PackAppearances"),
        ],
    ),
)
