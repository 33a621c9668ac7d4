# Cross entropy alone, on the same pairs as the arms that compare them.
_base_ = ["./_base_/daformer_dg.py"]
