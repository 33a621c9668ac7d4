# Self-training alone: cross entropy on the same pairs and mixtures as the arms that compare them.
_base_ = ["./_base_/daformer_uda_small.py"]
