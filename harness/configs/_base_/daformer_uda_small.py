# What all small self-training configs share: the small DG recipe, and target images from a folder in Cityscapes' layout
# (`--cfg-options train_dataloader.dataset.target.data_root=DIR`), of which only the images are read. In so short a run
# the teacher follows faster, and is taken for sure sooner: after 220 iterations on the embedded simulator a third of a
# photograph's pixels have a class of probability 0.8 or more, and 99 % of those are right.
# ruff: noqa: C408
_base_ = ["./daformer_dg_small.py"]

crop_size = (128, 256)  # height, width in pixels

model = dict(type="SelfTrainingSegmentor", threshold=0.8, jitter="shared", mixed_support="full")

train_dataloader = dict(
    dataset=dict(
        pipeline=[  # no distortion: the mixed images are augmented instead
            dict(type="DrawAppearances", count=2),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=crop_size),
            dict(type="FlipAll"),
            dict(type="PackAppearances"),
        ],
        target=dict(
            type="CityscapesDataset",
            data_root="data/target",
            data_prefix=dict(img_path="leftImg8bit/train"),
            serialize_data=False,
            pipeline=[
                dict(type="LoadImageFromFile"),
                dict(type="Resize", scale=(512, 256), keep_ratio=True),
                # crops are not as high as the image: margins are the image's, such as IgnoreMargins(bottom=60) here
                dict(type="RandomCrop", crop_size=crop_size),
                dict(type="RandomFlip", prob=0.5),
                dict(type="PackTarget"),
            ],
        ),
    )
)

custom_hooks = [
    dict(type="LiveProgress"),
    dict(type="MarginProbe", interval=55, bundles=4),
    dict(type="FollowStudent", alpha=0.99),
]
