"""Loaded by every Python that has this directory in its PYTHONPATH, before its program.

Patches the process of an instance with the faults that CHAT_FAULT names.
"""

import os
import sys

if os.environ.get("CHAT_FAULT") and "chat_service.instance" in sys.orig_argv:
    # As the instance itself does before it imports gRPC, which some faults do here.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from tests.chaos import faults

    faults.apply(os.environ["CHAT_FAULT"])
