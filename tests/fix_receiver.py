"""A webhook receiver on this machine that answers as it is told; a real HTTP server."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET_PATH = "/services/T000/B000/s3cr3t"


@dataclass
class Answer:
    status: int = 200
    body: str = "ok"
    headers: dict = field(default_factory=dict)
    wait: threading.Event | None = None


@dataclass
class Receiver:
    """`got` are the messages that were taken, `asked` all that came; `refusals` maps a message's text to an answer."""

    url: str
    answer: Answer = field(default_factory=Answer)
    refusals: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    @property
    def got(self):
        return [body["text"] for _, body, status in self.asked if status == 200]


@contextmanager
def receiving(answer=None):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = receiver.refusals.get(body["text"], receiver.answer)
            receiver.asked.append((self.path, body, answer.status))
            if answer.wait:
                answer.wait.wait(5)
            self.send_response_only(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}{SECRET_PATH}", answer or Answer())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
