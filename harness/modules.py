"""All that the configs name: importing this puts our parts into mmseg's and mmengine's registries.

It also puts our reader of weights in the place of mmengine's, which would run code.
"""

import harness.daformer_head
import harness.datasets
import harness.dealing
import harness.efficientnet_lite
import harness.hooks
import harness.losses
import harness.metrics
import harness.mix_transformer
import harness.parallel
import harness.precision
import harness.preprocessor
import harness.probe
import harness.resume
import harness.schedule
import harness.segmentor
import harness.self_training
import harness.target_stream
import harness.targets
import harness.teacher
import harness.transforms  # noqa: F401
from harness.checkpoint import read_nothing_else

read_nothing_else()
