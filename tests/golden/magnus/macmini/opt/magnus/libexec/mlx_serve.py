# Written by magnusctl from the inventory; a change made here is undone by the next run.
"""mlx_lm.server, bounded: without bounds it takes all memory, and the kernel of macOS panics."""

import json
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


def hold_to(name, context):
    """By itself it loads whatever a request names, lists whatever a cache holds, reads prompts of any length, and
    answers without a model: here it is one model, by name, with the context that the memory was planned for."""
    responder = server.ResponseGenerator
    generate, tokenize, run = responder.generate, responder._tokenize, responder._run_generate

    def generate_own(self, request, arguments, progress_callback=None):
        if arguments.model.model not in (name, "default_model", self.cli_args.model):
            raise ValueError(f"this server has the model {name} and no other")
        # A request can name an adapter and a draft model too.
        arguments.model = server.ModelDescription(model="default_model", draft="default_model", adapter=None)
        return generate(self, request, arguments, progress_callback)

    def tokenize_own(self, tokenizer, request, arguments):
        found = tokenize(self, tokenizer, request, arguments)
        room = context - len(found[0])
        if room < 1:
            raise ValueError(f"the prompt has {len(found[0])} tokens, and the context is {context}")
        arguments.max_tokens = min(arguments.max_tokens, room)
        return found

    def run_own(self):
        run(self)
        if self._generation_failed:
            # Otherwise it goes on to listen, and nothing starts it again.
            os._exit(1)

    def list_own(handler):
        loaded = handler.response_generator.model_provider.model is not None
        handler._set_completion_headers(200 if loaded else 503)
        handler.end_headers()
        own = {"id": name, "object": "model", "created": handler.created}
        handler.wfile.write(json.dumps({"object": "list", "data": [own] if loaded else []}).encode())
        handler.wfile.flush()

    responder.generate, responder._tokenize, responder._run_generate = generate_own, tokenize_own, run_own
    server.APIHandler.handle_models_request = list_own


if os.environ.get("MAGNUS_MODEL"):
    hold_to(os.environ["MAGNUS_MODEL"], int(os.environ["MAGNUS_CONTEXT"]))
server.main()
