# What all small configs share: EfficientNet-Lite0 with ImageNet weights, DAFormer's head at 64 channels, half-size
# crops of 512x256 bundles; a few minutes on two CPU cores. No loss between appearances: each arm brings its own.
# ruff: noqa: C408
custom_imports = dict(imports=["harness.modules"], allow_failed_imports=False)
default_scope = "mmseg"

bundle_size = (512, 256)  # width, height in pixels
crop_size = (128, 256)  # height, width in pixels
batch_size = 2  # bundles per iteration; each gives two images
max_iters = 220
seed = 0

model = dict(
    type="PairSegmentor",
    data_preprocessor=dict(
        type="BundlePreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        size=crop_size,
        seg_pad_val=255,
    ),
    backbone=dict(type="EfficientNetLite0", pretrained=True, frozen_statistics=True),
    decode_head=dict(
        type="DAFormerHead",
        in_channels=[24, 40, 112, 320],
        channels=64,
        num_classes=16,
        dropout_ratio=0.1,
        loss_decode=dict(type="BalancedCrossEntropy", num_classes=16, power=0.6),
    ),
    test_cfg=dict(mode="whole"),
)

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,  # the receiver is a thread of this process
    sampler=None,
    collate_fn=dict(type="collate_appearances"),
    dataset=dict(
        type="StreamedBundles",
        endpoint="local",
        bundle_size=bundle_size,
        batch_size=batch_size,
        seed=seed,
        capacity=128,
        first=8,
        pace=0.5,  # new bundles per iteration: each is used about four times, and the run can be repeated
        ordered=True,
        pipeline=[
            dict(type="DrawAppearances", count=2),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=crop_size),
            dict(type="FlipAll"),
            dict(type="DistortEach"),
            dict(type="PackAppearances"),
        ],
    ),
)

val_dataloader = dict(
    batch_size=1,  # bundles; each gives all its appearances
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="collate_appearances"),
    dataset=dict(
        type="HeldBundles",
        endpoint="local",
        bundle_size=bundle_size,
        count=24,
        pipeline=[dict(type="TagsToClasses"), dict(type="PackAppearances")],
    ),
)
val_evaluator = dict(type="BundleIoU")
val_cfg = dict(type="ValLoop")

optim_wrapper = dict(
    type="OptimWrapper",
    # a small rate for the pretrained trunk: at 5e-4 the margin of stage 3 falls below half within 50 iterations
    optimizer=dict(type="AdamW", lr=2e-4, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(custom_keys={"head": dict(lr_mult=12.5)}, norm_decay_mult=0.0),
)
param_scheduler = [dict(type="WarmupPolyLR", by_epoch=False, total=max_iters, warmup=50, power=0.9)]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=1_000_000, fast_forward_on_resume=True)

default_hooks = dict(checkpoint=None, sampler_seed=None, logger=dict(type="LoggerHook", interval=10))
custom_hooks = [dict(type="LiveProgress"), dict(type="MarginProbe", interval=55, bundles=4)]
visualizer = dict(type="Visualizer", vis_backends=[dict(type="LocalVisBackend")], name="visualizer")
randomness = dict(seed=seed)
log_level = "INFO"
