"""The peers of the ack figures, in a directory of their own outside the tree; one that is not installed is left out, and said so."""
import os, shutil, socket, subprocess, tempfile

from measure import HERE, Failed, note, read_line, until

NGINX = """
worker_processes 2; daemon off; pid nginx.pid; error_log nginx.log;
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server { listen 127.0.0.1:%d reuseport; location / { return 200; } }
}
"""


class Peer:
    def __init__(self, name, argv, port=None, env=None, cwd=None):
        self.name = name
        self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=None if port else subprocess.PIPE, env=env, cwd=cwd)
        try:
            self.port = port or int(read_line(self.child.stdout, 20, f"the port of {name}").split()[1])
            until(f"{name} listens", self.listens, 10)
        except Failed:
            self.close()
            raise
        self.url = f"http://127.0.0.1:{self.port}"

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def close(self):
        self.child.terminate()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_nginx(directory):
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        note("nginx is not installed (package nginx): going on without it")
        return None
    port, path = free_port(), directory + "/nginx.conf"
    with open(path, "w") as f:
        f.write(NGINX % port)
    return Peer("nginx", [program, "-p", directory, "-c", path, "-e", directory + "/nginx.log"], port=port)


def bolt_modules():
    """Where @slack/bolt is installed; npm puts it there the first time."""
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "slipway-bench")
    modules = cache + "/node_modules"
    if os.path.isdir(modules + "/@slack/bolt"):
        return modules
    os.makedirs(cache, exist_ok=True)
    note(f"installing Slack Bolt for JS in {cache}")
    npm = subprocess.run(["npm", "install", "--prefix", cache, "--no-audit", "--no-fund", "@slack/bolt"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if npm.returncode:
        note("npm could not install it: " + " ".join(npm.stderr.split())[-300:])
        return None
    return modules


def start_bolt(secret):
    if not shutil.which("node") or not shutil.which("npm"):
        note("node and npm are not installed (packages nodejs, npm): going on without Slack Bolt")
        return None
    modules = bolt_modules()
    if not modules:
        return None
    return Peer("bolt", ["node", HERE + "/bolt.js"], env=dict(os.environ, SLACK_SECRET=secret, NODE_PATH=modules, NODE_ENV="production"))


class Peers:
    """Those that are there; `all` of them run, idle, until the end."""

    def __init__(self, secret):
        self.directory = tempfile.mkdtemp(prefix="sw-peers-")
        self.all = []
        for start, argument in ((start_nginx, self.directory), (start_bolt, secret)):
            try:
                peer = start(argument)
            except (Failed, OSError) as e:
                note(f"{start.__name__[6:]} does not start ({e}): going on without it")
                continue
            if peer:
                self.all.append(peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.all:
            peer.close()
        shutil.rmtree(self.directory, ignore_errors=True)
