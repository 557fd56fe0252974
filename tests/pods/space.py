"""Namespaces of the tests' own: whatever is made in here ends with the process that made it, however that ends."""
import glob, os, re, shutil, signal, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
SPACES = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]
USER = 10001
NETWORK, GATEWAY = "10.77", "10.77.0.1"


def skip(why):
    print(f"skipped: {why}", flush=True)
    sys.exit(77)


def permitted():
    """Why not, or nothing."""
    if os.geteuid() != 0:
        return "namespaces need root here"
    if not shutil.which("ip"):
        return "the package iproute2 is not installed"
    tried = subprocess.run([*SPACES, "sh", "-c", f"ip link add sw0 type bridge && setpriv --reuid {USER} --clear-groups true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else "namespaces are not permitted: " + (tried.stderr.strip().splitlines() or ["unshare failed"])[-1]


def outside():
    """Begins this program again inside and ends as it does. Whoever ends this one, in whatever way, ends that one and all that is inside."""
    why = permitted()
    if why:
        skip(why)
    inside = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *SPACES, sys.executable, *sys.argv], env={**os.environ, "SW_INSIDE": "1"})
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: inside.kill())
    status = inside.wait()
    sys.exit(status if status >= 0 else 128 - status)


def enter():
    """Does not return where this program is not inside yet."""
    if os.environ.get("SW_INSIDE") != "1":
        outside()
    here = os.path.realpath(HERE)
    base = next(d for d in ("/mnt", "/media", "/srv") if os.path.isdir(d) and not (here + sys.argv[1]).startswith(d + "/"))
    for place in (base, "/run"):  # memory that nobody else sees
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=1g", "tmpfs", place], check=True)
    os.makedirs("/run/netns")
    os.environ["TMPDIR"] = base
    ip("link set lo up", "link add sw0 type bridge", f"addr add {GATEWAY}/16 dev sw0", "link set sw0 up")
    return base


def ip(*lines, netns=None):
    subprocess.run(["ip", *(["-n", netns] if netns else []), "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True, capture_output=True)


class Place:
    """A network namespace with an address of its own, on the bridge."""
    last = 0

    def __init__(self, name, isolated=False):
        Place.last += 1
        self.name, self.link = name, f"v{Place.last}"
        self.address = f"{NETWORK}.{1 + Place.last // 250}.{1 + Place.last % 250}"
        ip(f"netns add {name}", f"link add {self.link} type veth peer name eth0 netns {name}", f"link set {self.link} master sw0 up")
        ip("link set lo up", f"addr add {self.address}/16 dev eth0", "link set eth0 up", netns=name)
        if isolated:
            self.isolate(True)

    def isolate(self, on):
        """Two places that are both isolated do not see each other: nothing is refused, nothing arrives."""
        subprocess.run(["bridge", "link", "set", "dev", self.link, "isolated", "on" if on else "off"], check=True)

    def plug(self, on):
        ip(f"link set {self.link} {'up' if on else 'down'}")

    def remove(self):
        subprocess.run(["ip", "link", "del", self.link], capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


# ---- what a container sees ----
def make_root(to, slipway):
    """A root file system of the binary, its libraries and the certificates of authorities; nothing else, so no shell."""
    libraries = re.findall(r"(?:=> )?(/\S+) \(0x", subprocess.run(["ldd", slipway], capture_output=True, text=True, check=True).stdout)
    files = {slipway: "/usr/local/bin/slipway", **{path: os.path.join("/usr", path.removeprefix("/usr").lstrip("/")) for path in libraries}}
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    if os.path.exists(certificates):
        files[certificates] = certificates
    for source, target in files.items():
        os.makedirs(os.path.dirname(to + target), exist_ok=True)
        shutil.copy(source, to + target)
    for name in ("lib", "lib64"):
        os.symlink("usr/" + name, f"{to}/{name}")
    for folder in ("proc", "dev", "run/slipway", "etc/slipway/keys", "etc/slipway/secrets"):
        os.makedirs(f"{to}/{folder}")
    return to


def project(folder, files):
    """Files as Kubernetes puts them into a volume: behind ..data, which is exchanged whole; readable by the group."""
    version = f"..{time.time_ns()}"
    os.makedirs(f"{folder}/{version}")
    for name, data in files.items():
        path = f"{folder}/{version}/{name}"
        with open(path, "wb") as f:
            f.write(data)
        os.chown(path, 0, USER)
        os.chmod(path, 0o440)
    old = os.readlink(f"{folder}/..data") if os.path.lexists(f"{folder}/..data") else None
    os.symlink(version, f"{folder}/..new")
    os.rename(f"{folder}/..new", f"{folder}/..data")
    for name in files:
        if not os.path.lexists(f"{folder}/{name}"):
            os.symlink(f"..data/{name}", f"{folder}/{name}")
    for path in (folder, f"{folder}/{version}"):
        os.chown(path, 0, USER)
        os.chmod(path, 0o750)
    if old:
        shutil.rmtree(f"{folder}/{old}")


def secrets_of(role):
    """Names of the secrets of a role, by the table of common/conf.h."""
    with open(os.path.join(HERE, "..", "..", "common", "conf.h")) as f:
        rows = re.findall(r'SECRET\(\w+, "(\w+)", "([^"]*)"', f.read())
    return [name for name, roles in rows if role in roles.split() or roles == "every role"]


def keys_of(folder, role):
    """Its own keys and what is public; the content by name."""
    mine = [f"{role}.key", f"curve-{role}.key", *(["state.key"] if role in ("auth", "ingress") else []), *(["token.key"] if role == "auth" else [])]
    paths = [*glob.glob(folder + "/*.pub"), *(p for p in (f"{folder}/{name}" for name in mine) if os.path.exists(p))]
    return {os.path.basename(p): open(p, "rb").read() for p in paths}


class Pod:
    """One role in a pod: a place, volumes, and one container in it, which may end and begin again."""

    def __init__(self, pod_binary, root, folder, place, role, environment, keys, secrets):
        self.role, self.place, self.folder, self.name = role, place, folder, place.name
        self.address, self.child, self.starts = place.address, None, 0
        os.makedirs(folder)
        for name, files in (("keys", keys), ("secrets", secrets)):
            os.makedirs(f"{folder}/{name}")
            project(f"{folder}/{name}", files)
        os.makedirs(folder + "/run")
        os.chown(folder + "/run", USER, USER)
        os.chmod(folder + "/run", 0o700)
        self.environment = {**environment, **{f"SLIPWAY_{n}": f"/etc/slipway/secrets/{n}" for n in secrets}}
        self.argv = [pod_binary, "-r", root, "-n", f"/run/netns/{place.name}", "-h", self.name, "-p", folder + "/pid", "-b", f"{folder}/keys:/etc/slipway/keys",
                     "-b", f"{folder}/secrets:/etc/slipway/secrets", "-w", f"{folder}/run:/run/slipway", "--", "/usr/local/bin/slipway", role]

    def start(self, *more):
        with open(f"{self.folder}.log", "ab") as log:
            self.child = subprocess.Popen([*self.argv, *more], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.starts += 1
        return self.child

    def pid(self):
        """As this machine counts, of the first process inside; 0: not begun."""
        try:
            with open(self.folder + "/pid") as f:
                return int(f.read())
        except OSError:
            return 0

    def log(self):
        with open(f"{self.folder}.log", errors="replace") as f:
            return f.read()

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def stop(self, grace_s=30):
        """SIGTERM, and SIGKILL when the grace is over, as the kubelet does; its exit status."""
        self.child.terminate()
        try:
            return self.child.wait(grace_s)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.child.kill()
        return self.child.wait()
