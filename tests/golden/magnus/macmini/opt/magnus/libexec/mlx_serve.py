# Written by magnusctl from the inventory; a change made here is undone by the next run.
"""mlx_lm.server, bounded: without bounds it takes all memory, and the kernel of macOS panics."""

import logging
import logging.handlers
import os

import mlx.core as mx

# With wired memory, streams at the same time and a prompt cache that evicts, the kernel panics (mlx-lm issues 883 and
# 1666, mlx 3186). mlx_lm asks for it by this attribute everywhere, so this disarms it.
mx.set_wired_limit = lambda limit: 0
# bytes
mx.set_memory_limit(42949672960)
mx.set_cache_limit(2147483648)

# launchd holds its own log open whatever rotates it, so this one is rotated here.
rotated = logging.handlers.RotatingFileHandler(
    os.environ["MAGNUS_LOG"], maxBytes=10485760, backupCount=5
)
logging.basicConfig(
    level=logging.INFO,
    format="%(asctime)s %(levelname)s %(message)s",
    handlers=[rotated, logging.StreamHandler()],
)

from mlx_lm import server  # noqa: E402

server.main()
