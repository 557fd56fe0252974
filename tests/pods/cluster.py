"""A World whose processes are pods: Redis, the simulator and each role at addresses of their own, a Service before ingress."""
import os, random, select, signal, socket, subprocess, threading

from space import GATEWAY, Place, Pod, keys_of, make_root, secrets_of
from talk import request, until
from world import ROLES, SHORT, World

KUBELET_MS = 100  # between two looks of the kubelet and of what it tells the Service; a real one takes 1 to 10 s
PROBE_S = 1


def probe(pod, path, timeout=PROBE_S):
    """The status that a kubelet sees; 0: none within its patience."""
    try:
        return request(f"http://{pod.address}:9090{path}", timeout=timeout)[0]
    except OSError:
        return 0


class Service(threading.Thread):
    """One address before all ingress that are ready. Whom the kubelet has not taken out yet still gets connections."""

    def __init__(self, ready):
        super().__init__(daemon=True)
        self.ready = ready
        self.listener = socket.create_server((GATEWAY, 0), backlog=256)
        self.url = f"http://{GATEWAY}:{self.listener.getsockname()[1]}"
        self.refused = 0
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        server = None
        try:
            choice = self.ready()
            if choice:
                server = socket.create_connection((random.choice(choice).address, 8080), 5)
                self.pump(client, server)
        except OSError:
            self.refused += 1
        finally:
            for s in (client, server):
                if s:
                    s.close()

    @staticmethod
    def pump(client, server):
        other = {client: server, server: client}
        while True:
            for s in select.select(list(other), [], [], 60)[0]:
                data = s.recv(65536)
                if not data:
                    return
                other[s].sendall(data)


class Cluster(World):
    def __init__(self, slipway, sim, pod_binary, settings=None, wire=True, **more):
        self.pod_binary, self.wire = pod_binary, wire
        self.places = {name: Place(name, isolated=name == "redis") for name in ("redis", "sim")}
        self.pods, self.wanted, self.served = [], dict.fromkeys(ROLES, 0), []
        self.gone, self.stopping, self.lock = [], threading.Event(), threading.RLock()
        self.kubelet, self.service = None, Service(lambda: self.served)
        super().__init__(slipway, sim, {**SHORT, **(settings or {})}, sim_args=("--host", self.places["sim"].address), **more)

    def spawn(self, argv, name, *args, **more):
        if name == "redis":
            argv = [*argv, "--port", "6379", "--bind", self.places["redis"].address, "--protected-mode", "no", "--aclfile", self.make_users()]
        if name in self.places:
            argv = ["nsenter", f"--net=/run/netns/{name}", *argv]
        return super().spawn(argv, name, *args, **more)

    def make_users(self):
        """Each role is a user of its own at Redis. The default one stays, for what a test looks at itself."""
        users = self.dir + "/users"
        if not os.path.isdir(users):
            os.mkdir(users)
            subprocess.run([self.slipway, "acl", users], check=True, stdout=subprocess.DEVNULL)
            with open(users + "/users.acl") as f:
                lines = [line for line in f if not line.startswith("user default ")]
            with open(users + "/users.acl", "w") as f:
                f.writelines([*lines, "user default on nopass ~* &* +@all\n"])
        return users + "/users.acl"

    def make_environment(self, settings, log):
        env, address = super().make_environment(settings, log), self.places["redis"].address
        self.make_users()
        return {**env, "SLIPWAY_REDIS": address + ":6379", "SLIPWAY_BASE_URL": self.service.url, "SLIPWAY_REDIS_USER": "slipway-operator",
                "SLIPWAY_REDIS_PASSWORD_FILE": self.dir + "/users/slipway-operator"}

    def make_volumes(self):
        subprocess.run([self.slipway, "keys", "init"], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        if self.wire:
            subprocess.run([self.slipway, "keys", "curve"], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        self.root = make_root(self.dir + "/root", self.slipway)

    # ---- pods ----
    def pod_environment(self, role, address):
        ours = {k: v for k, v in self.environment.items() if k.startswith("SLIPWAY_") and not k.endswith("_FILE")}
        ours.pop("SLIPWAY_DATA_DIR", None)
        ours.update(SLIPWAY_RUN_DIR="/run/slipway", SLIPWAY_KEY_DIR="/etc/slipway/keys", SLIPWAY_HTTP="0.0.0.0:8080", SLIPWAY_ADMIN="0.0.0.0:9090",
                    SLIPWAY_REDIS_USER=f"slipway-{role}")
        if self.wire:
            ours["SLIPWAY_WIRE"] = f"tcp://{address}:7400"
        return {"PATH": "/usr/bin", **ours}

    def make_pod(self, role, place=None, keys=None, secrets=None, **settings):
        place = place or Place(f"{role}-{Place.last}")
        names = [n for n in secrets_of(role) if n in self.secrets and n != "KAFKA_PASSWORD_FILE"]
        if secrets is None:
            secrets = {n: self.secrets[n].encode() + b"\n" for n in names}
            with open(f"{self.dir}/users/slipway-{role}", "rb") as f:
                secrets["REDIS_PASSWORD_FILE"] = f.read()
        env = {**self.pod_environment(role, place.address), **{"SLIPWAY_" + k: str(v) for k, v in settings.items()}}
        return Pod(self.pod_binary, self.root, f"{self.dir}/{place.name}", place, role, env, keys if keys is not None else keys_of(self.dir + "/keys", role),
                   secrets)

    def add_pod(self, role, **settings):
        pod = self.make_pod(role, **settings)
        self.children.append(pod.start())
        with self.lock:
            self.pods.append(pod)
        return pod

    def of(self, role=None):
        with self.lock:
            return [p for p in self.pods if role in (None, p.role)]

    def remove_pod(self, pod, how=signal.SIGTERM, grace_s=20):
        """Deleted: out of the Service when the kubelet comes by, and its address is never seen again."""
        with self.lock:
            self.pods.remove(pod)
        status = pod.stop(grace_s) if how == signal.SIGTERM else pod.kill()
        pod.place.remove()
        self.gone.append((pod.name, "deleted", status))
        return status

    def look_after(self):
        """What the kubelet and the controllers do: begin again what ended, keep as many pods as are wanted, tell the Service who is ready."""
        while not self.stopping.wait(KUBELET_MS / 1000):
            for pod in self.of():
                if not pod.alive() and not self.stopping.is_set():
                    self.gone.append((pod.name, "ended", pod.child.returncode))
                    self.children.append(pod.start())
            for role, n in list(self.wanted.items()):
                for _ in range(n - len(self.of(role))):
                    self.add_pod(role)
                for pod in self.of(role)[n:] if n else []:
                    threading.Thread(target=self.remove_pod, args=(pod,)).start()
                    until("it is out of the list", lambda: pod not in self.of(role), 5)
            self.served = [p for p in self.of("ingress") if probe(p, "/readyz") == 200]

    def start_up(self, replicas=None):
        self.make_volumes()
        self.admin("/sim/config", {"ingress": self.service.url})
        self.ingress = self.service.url
        self.scale(**dict.fromkeys(ROLES, replicas or 1))
        self.kubelet = threading.Thread(target=self.look_after)
        self.kubelet.start()
        self.all_ready()

    def scale(self, **replicas):
        self.wanted.update(replicas)

    def ready(self, role):
        """With a kubelet's patience: a pod whose network goes while it is asked says nothing more."""
        return sum(probe(p, "/readyz") == 200 for p in self.of(role))

    def all_ready(self, seconds=40):
        """As many as are wanted, and each of them ready; all shards owned."""
        until("all pods are ready", lambda: all(len(self.of(r)) == n and self.ready(r) == n for r, n in self.wanted.items()), seconds, 0.1)
        until("the Service has them", lambda: len(self.served) == self.wanted["ingress"], 5)

    def stop_up(self, seconds=30):
        """The statuses other than 0 with which they end."""
        self.stopping.set()
        if self.kubelet:
            self.kubelet.join()
            self.kubelet = None
        for pod in self.of():
            pod.child.terminate()
        return [(p.name, s) for p in self.of() for s in [p.stop(seconds)] if s != 0]

    def actors(self):
        return {"ingress": self.service.url, "actors": [{"role": p.role, "pid": p.pid(), "admin": f"http://{p.address}:9090"} for p in self.of() if p.alive()]}

    def close(self, keep=False):
        self.stopping.set()
        if self.kubelet:
            self.kubelet.join()
            self.kubelet = None
        for pod in self.of():
            pod.child.kill()
        super().close(keep)
        for place in [p.place for p in self.of()] + list(self.places.values()):
            place.remove()
