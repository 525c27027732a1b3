"""Services that posts go to, in a process of its own: what one has accepted it writes down, one line each, before it
says so. How it behaves is in the path:

    fine      accepts
    slow      accepts after a while
    late      accepts at once, and says so after a while
    stumbles  answers 503 first
    limits    answers 429 first, and wants us back in half a minute
    drops     accepts and hangs up the first time, without a word
    deaf      accepts and hangs up, always

python service_process.py FILE [PORT]        prints its port
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

lock = threading.Lock()
log = Path(sys.argv[1]).open("a", encoding="utf-8")  # noqa: SIM115
asked: set[str] = set()
PAUSE = 0.2


class Service(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        post = self.headers["webhook-id"] or json.loads(body)["title"]
        behaviour = self.path.split("/")[1]
        with lock:
            is_first = post not in asked
            asked.add(post)
        if is_first and behaviour in ("stumbles", "limits"):
            self.send_response(503 if behaviour == "stumbles" else 429)
            if behaviour == "limits":
                self.send_header("Retry-After", "30")
            self.end_headers()
            return
        if behaviour == "slow":
            time.sleep(PAUSE)
        hangs_up = behaviour == "deaf" or (behaviour == "drops" and is_first)
        with lock:
            log.write(f"{post} {'in doubt' if hangs_up else 'accepted'}\n")
            log.flush()
        if hangs_up:
            self.connection.close()
            return
        if behaviour == "late":
            time.sleep(PAUSE)
        self.send_response(200)
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that was killed in mid-sentence is what we are here for."""


with Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Service) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
