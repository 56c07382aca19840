import os

import torch
from hypothesis import settings

# Small tensors: threads cost more than they bring, and results do not depend on the machine.
torch.set_num_threads(1)

# The first call into PyTorch is slow, which says nothing about the code under test.
settings.register_profile("dsf", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dsf"))
