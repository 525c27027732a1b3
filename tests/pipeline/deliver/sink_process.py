"""An SMTP sink in a process of its own: what it has accepted it writes down, one line each, before it says so.

python sink_process.py FILE [HOST]        prints its port
"""

import socketserver
import sys
import threading
from pathlib import Path

lock = threading.Lock()
log = Path(sys.argv[1]).open("a", encoding="utf-8")  # noqa: SIM115


class Talk(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.wfile.write(b"220 sink ESMTP\r\n")
        recipient = ""
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-sink\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n")
            elif verb == b"DATA":
                self.wfile.write(b"354 go ahead\r\n")
                message_id = ""
                while (content := self.rfile.readline()) != b".\r\n":
                    if not content:
                        return  # the sender died before the final dot: nothing was accepted
                    if content.startswith(b"Message-ID:"):
                        message_id = content.split(b":", 1)[1].decode().strip()
                with lock:
                    log.write(f"{recipient} {message_id}\n")
                    log.flush()
                self.wfile.write(b"250 2.0.0 kept\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                recipient = line.partition(b"<")[2].partition(b">")[0].decode() if verb == b"RCPT" else recipient
                self.wfile.write(b"250 2.0.0 fine\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that was killed in mid-sentence is what we are here for."""


with Server((sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1", 0), Talk) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
