"""A SIMULATED engine: it speaks the routes of OpenAI's protocol, and does what its script orders.

`python simulated_engine.py SCRIPT.json`; it ends by itself after some minutes.
"""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_LIFE_S = 300
_BEGAN = time.monotonic()


class Engine(BaseHTTPRequestHandler):
    """One request; `script` is what was ordered."""

    script: dict[str, Any]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Health, the list of models, and one route that takes its time."""
        if self.script.get("hangs"):
            time.sleep(_LIFE_S)
        if time.monotonic() - _BEGAN < self.script.get("loading_s", 0):
            return self._say(503, {"error": "loading"})
        if self.path == "/health":
            return self._say(200, {"status": "ok"})
        if not self._knows():
            return self._say(401, {"error": "no key"})
        if self.path == "/slow":
            time.sleep(self.script["slow_s"])
            return self._say(200, {"slow": True})
        if self.path == "/v1/models":
            name = self.script.get("lists", self.script["model"])
            return self._say(200, {"object": "list", "data": [{"id": name, "object": "model"}]})
        return self._say(404, {})

    def do_POST(self) -> None:
        """A completion, or an embedding."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._knows():
            return self._say(401, {"error": "no key"})
        if "status" in self.script:
            return self._say(self.script["status"], {"error": "CUDA error"})
        if self.path == "/v1/embeddings":
            data = [] if self.script.get("mute") else [{"embedding": [0.1]}]
            return self._say(200, {"data": data})
        tokens = self.script.get("tokens", asked["max_tokens"])
        time.sleep(tokens * self.script.get("token_s", 0.002))
        finish = self.script.get("finish", "length")
        # What a model says may look like the end of an answer, and is none.
        choice = {
            "text": ' "finish_reason":"stop" "completion_tokens":99 ',
            "finish_reason": finish,
        }
        usage = {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9 + tokens}
        return self._say(200, {"choices": [choice], "usage": usage})

    def _knows(self) -> bool:
        key = self.script.get("key")
        return key is None or self.headers["Authorization"] == f"Bearer {key}"

    def _say(self, code: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: object) -> None:
        """Its log is what was ordered, and nothing else."""


def main() -> None:
    """Serve to the end of its life."""
    script = json.loads(Path(sys.argv[1]).read_text())
    end = threading.Timer(script.get("ends_s", _LIFE_S), lambda: os._exit(script.get("code", 3)))
    end.daemon = True
    end.start()
    ballast = os.urandom(1 << 20) * script.get("ballast_mib", 0)
    sys.stderr.write(script.get("says", "SIMULATED engine\n"))
    sys.stderr.flush()
    if script.get("silent"):
        time.sleep(_LIFE_S)
    Engine.script = script
    # A server of its own that does not share its port: as engines do it.
    ThreadingHTTPServer.allow_reuse_address = True
    with ThreadingHTTPServer(("127.0.0.1", script["port"]), Engine) as server:
        server.daemon_threads = True
        server.serve_forever()
    del ballast


if __name__ == "__main__":
    main()
