"""All that the configs name: importing this puts our parts into mmseg's and mmengine's registries."""

import harness.daformer_head
import harness.datasets
import harness.efficientnet_lite
import harness.hooks
import harness.losses
import harness.metrics
import harness.probe
import harness.resume
import harness.schedule
import harness.segmentor
import harness.transforms  # noqa: F401
