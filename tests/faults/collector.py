"""Somebody who listens as a collector of OpenTelemetry does (OTLP/HTTP, JSON), and checks what a strict one would."""
import http.server, json, re, socket, threading

HEX = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


class Collector:
    """`answers`: what the next requests get, (status, headers, body, seconds before it); then each gets 200 {}."""

    def __init__(self, port=0):
        self.spans, self.bodies, self.requests, self.faults = {}, [], 0, []
        self.answers, self.lock, self.connections = [], threading.Lock(), []
        self.later = threading.Event()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, text, wait_s = collector.take(self, body)
                collector.later.wait(wait_s)
                try:
                    self.send_response(status)
                    for name, value in {**headers, "Content-Length": str(len(text))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                found = super().get_request()
                collector.connections.append(found[0])
                return found

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request, body):
        with self.lock:
            self.requests += 1
            status, headers, text, wait_s = self.answers.pop(0) if self.answers else (200, {}, b"{}", 0)
            if request.path != "/v1/traces" or request.headers["Content-Type"] != "application/json":
                self.faults.append(f"{request.path} {request.headers['Content-Type']}")
            self.bodies.append(body)
            if status == 200:
                try:
                    self.keep(json.loads(body))
                except (KeyError, ValueError, TypeError) as e:
                    self.faults.append(f"{e!r} in {body[:300]}")
            return status, headers, text, wait_s

    def keep(self, request):
        for of in request["resourceSpans"]:
            resource = values(of["resource"]["attributes"])
            for span in (s for scope in of["scopeSpans"] for s in scope["spans"]):
                for key, size in HEX.items():
                    if key in span and not re.fullmatch("[0-9a-f]{%d}" % size, span[key]):
                        self.faults.append(f"{key} {span[key]}")
                if not all(isinstance(span[k], str) and span[k].isdigit() for k in ("startTimeUnixNano", "endTimeUnixNano")):
                    self.faults.append(f"times of {span}")
                if span["spanId"] in self.spans:
                    self.faults.append(f"twice: {span}")
                self.spans[span["spanId"]] = {**span, "resource": resource, "is": values(span["attributes"]),
                                              "start": int(span["startTimeUnixNano"]), "end": int(span["endTimeUnixNano"])}

    def of(self, **attributes):
        """The spans with these attributes, dots written as __."""
        with self.lock:
            return [s for s in self.spans.values() if all(s["is"].get(k.replace("__", ".")) == v for k, v in attributes.items())]

    def close(self):
        self.later.set()
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:  # also those that wait for a next request
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def values(attributes):
    """Integers are text in this mapping."""
    return {a["key"]: int(a["value"]["intValue"]) if "intValue" in a["value"] else a["value"]["stringValue"] for a in attributes}
