"""Worlds with more than one Redis: halves of the shards, or a master with replicas and sentinels."""
import json, os, select, signal, subprocess

from talk import Failed, free_port, redis, shard_of, until
from world import ROLES, World

ONE, TWO = "T0SIM1", "T0SIM2"


class Server:
    """A redis-server: a socket for the tests, a port for everybody else."""

    def __init__(self, world, name, *more, user=None):
        self.world, self.name, self.more, self.user = world, name, more, user
        self.socket, self.port = f"{world.dir}/{name}.sock", free_port()
        os.makedirs(f"{world.dir}/{name}", exist_ok=True)
        self.start()

    def start(self, *more):
        self.process = self.world.spawn(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket", self.socket,
                                         "--dir", f"{self.world.dir}/{self.name}", "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                                         "--repl-diskless-sync-delay", "0", "--daemonize", "no", *self.more, *more], self.name)
        until(f"{self.name} answers", self.answers)

    def ask(self, *args):
        return redis(self.socket, *args, user=self.user)

    def answers(self):
        try:
            return self.ask("PING") == "PONG"
        except (OSError, Failed):
            return False

    def is_master(self):
        try:
            return self.ask("ROLE")[0] == b"master"
        except (OSError, Failed):
            return False

    def stop(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        if how == signal.SIGKILL:
            self.process.wait()


class Halves(World):
    """Each Redis holds half of the shards, so that each simulated team is on another one."""

    def start_redis(self):
        middle = (shard_of(ONE) + shard_of(TWO) + 1) // 2
        low, high = Server(self, "low"), Server(self, "high")
        self.servers = [low, high]
        self.of = {team: low if shard_of(team) < middle else high for team in (ONE, TWO)}
        self.redis_socket = f"0-{middle - 1}={low.socket} {middle}-63=127.0.0.1:{high.port}"

    def redis(self, *args):
        return self.of[ONE].ask(*args)

    def owed(self, actors=None):
        """As World's, of both."""
        total = 0
        for server in self.servers:
            self.redis = server.ask
            more = super().owed(*[actors] if actors else [])
            if more < 0:
                return -1
            total += more
        del self.redis
        return total


class Split(Halves):
    """One Redis at first; `split` spreads its shards over two, as OPERATIONS.md says."""

    def start_redis(self):
        super().start_redis()
        self.halves, self.redis_socket = self.redis_socket, self.servers[0].socket
        self.of = {ONE: self.servers[0], TWO: self.servers[0]}

    def start_up(self, replicas=None):
        self.port = getattr(self, "port", None) or free_port()  # webhooks know it
        self.environment["SLIPWAY_HTTP"] = f"127.0.0.1:{self.port}"
        super().start_up(replicas)

    def split(self):
        low, high = self.servers
        high.ask("REPLICAOF", "127.0.0.1", low.port)
        until("it is in step", lambda: low.ask("WAIT", 1, 100) == 1 and b"master_link_status:up" in high.ask("INFO", "replication"))
        self.stop_up()
        until("all of it is there", lambda: low.ask("WAIT", 1, 100) == 1)
        high.ask("REPLICAOF", "NO", "ONE")
        middle = int(self.halves.split("=")[0][2:]) + 1
        for server, shards in ((low, range(middle, 64)), (high, range(middle))):
            for shard in shards:
                for key in server.ask("KEYS", "sw:{%02d}:*" % shard):
                    server.ask("DEL", key)
        self.of = {team: low if shard_of(team) < middle else high for team in (ONE, TWO)}
        self.environment["SLIPWAY_REDIS"] = self.halves
        self.start_up()


class Replicated(World):
    """A master with replicas; nothing is confirmed before one of them has it. `sentinels` watch over them."""
    replicas_count, sentinels = 1, 0

    def start_redis(self):
        master = Server(self, "first")
        self.servers = [master]
        for n in range(self.replicas_count):
            self.servers.append(Server(self, f"replica{n}", "--replicaof", "127.0.0.1", str(master.port)))
        until("replicas are in step", lambda: master.ask("WAIT", self.replicas_count, 100) == self.replicas_count)
        self.redis_socket = f"127.0.0.1:{master.port}"
        if self.sentinels:
            hosts = [self.start_sentinel(n, master.port) for n in range(self.sentinels)]
            self.redis_socket = "sentinel://main@" + ",".join(hosts)

    def start_sentinel(self, n, master):
        port, path = free_port(), f"{self.dir}/sentinel{n}.conf"
        with open(path, "w") as f:
            f.write(f"port {port}\nbind 127.0.0.1\ndir {self.dir}\nsentinel monitor main 127.0.0.1 {master} 2\n"
                    "sentinel down-after-milliseconds main 1500\nsentinel failover-timeout main 6000\n")
        self.spawn(["redis-server", path, "--sentinel"], f"sentinel{n}")
        return f"127.0.0.1:{port}"

    def master(self):
        return next((s for s in self.servers if s.is_master()), None)

    def redis(self, *args):
        found = self.master()
        if not found:
            raise OSError("no master")
        return found.ask(*args)


class Watched(Replicated):
    replicas_count, sentinels = 2, 3


class Guarded(World):
    """Each role is a process of its own, and a user of its own at a Redis whose default user is off."""
    TESTER = ("tester", "nothing")

    def start_redis(self):
        self.acl = self.dir + "/acl"
        os.makedirs(self.acl)
        with open(self.acl + "/users.acl", "w") as f:
            f.write("user default on nopass ~* &* +@all\nuser tester on nopass ~* &* +@all\n")
        subprocess.run([self.slipway, "acl", self.acl], check=True, stdout=subprocess.DEVNULL, timeout=20)
        self.server = Server(self, "guarded", "--aclfile", self.acl + "/users.acl", user=self.TESTER)
        self.redis_socket = self.server.socket

    def redis(self, *args):
        return self.server.ask(*args)

    def password(self, role):
        with open(f"{self.acl}/slipway-{role}") as f:
            return f.readline().strip()

    def environment_of(self, role):
        return {**self.environment, "SLIPWAY_REDIS_USER": "slipway-" + role, "SLIPWAY_REDIS_PASSWORD_FILE": f"{self.acl}/slipway-{role}"}

    def start_up(self, replicas=None):
        port = free_port()
        self.environment["SLIPWAY_HTTP"] = f"127.0.0.1:{port}"
        subprocess.run([self.slipway, "keys", "init"], env=self.environment_of("operator"), check=True, stdout=subprocess.DEVNULL, timeout=20)
        os.makedirs(self.dir + "/run", mode=0o700, exist_ok=True)
        self.ingress, actors = f"http://127.0.0.1:{port}", []
        for role in ROLES:
            said, tell = os.pipe()
            child = self.spawn([self.slipway, role], role, {**self.environment_of(role), "SLIPWAY_READY_FD": str(tell)}, pass_fds=(tell,))
            os.close(tell)
            if not select.select([said], [], [], 20)[0]:
                raise Failed(f"{role} is not ready: {self.log(role)[-600:]}")
            with os.fdopen(said) as f:
                actors.append({"role": role, "pid": child.pid, "admin": f.readline().split()[-1]})
        with open(self.dir + "/run/actors.json", "w") as f:
            json.dump({"ingress": self.ingress, "actors": actors}, f)
        self.admin("/sim/config", {"ingress": self.ingress})
