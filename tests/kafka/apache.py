"""A real Apache Kafka in KRaft mode, one node or three, on free ports of 127.0.0.1; for the fault tests and the bench.

What it runs is fetched once by Maven, as pom.xml beside this file says, into ~/.cache/slipway-kafka. It needs Java 17 and Maven:
missing() says which of them is not there. Started nodes end with close(), and with this process.
"""
import base64, ctypes, hashlib, os, re, shutil, signal, socket, subprocess, sys, tempfile, time, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
from talk import free_port  # noqa: E402

VERSION = re.search(r"kafka-tools</artifactId><version>([\d.]+)<", open(HERE + "/pom.xml", encoding="utf-8").read())[1]
START_S = 60


def missing():
    """The first thing that is not there to run it with, or None."""
    for program, test in (("java", ["java", "-version"]), ("mvn", ["mvn", "-v"])):
        if not shutil.which(program):
            return f"no {program}"
        said = subprocess.run(test, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if program == "java":
            version = re.search(r'version "(\d+)', said.stderr + said.stdout)
            if not version or int(version[1]) < 17:
                return "Java is older than 17"
    return None


def jars():
    """The folder of the jars, fetched where that has not been done."""
    with open(HERE + "/pom.xml", "rb") as f:
        stamp = hashlib.sha256(f.read()).hexdigest()[:12]
    at = os.path.expanduser(f"~/.cache/slipway-kafka/{VERSION}-{stamp}")
    if os.path.exists(at + "/complete"):
        return at
    part = f"{at}.{os.getpid()}"
    said = subprocess.run(["mvn", "-B", "-q", "-f", HERE + "/pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime",
                           "-DoutputDirectory=" + part], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if said.returncode:
        shutil.rmtree(part, ignore_errors=True)
        raise RuntimeError("Maven could not fetch Apache Kafka:\n" + (said.stdout + said.stderr)[-2000:])
    open(part + "/complete", "w").close()
    try:
        os.rename(part, at)
    except OSError:  # another process was faster
        shutil.rmtree(part, ignore_errors=True)
    return at


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Apache:
    kind = f"Apache Kafka {VERSION}"

    def __init__(self, nodes=1, partitions=4):
        self.dir = tempfile.mkdtemp(prefix=f"sw-kafka-{os.getpid()}-")
        self.jars = jars()
        self.nodes = nodes
        self.process = [None] * nodes
        ports = set()
        while len(ports) < 2 * nodes:
            ports.add(free_port())
        ports = list(ports)
        self.ports, controllers = ports[:nodes], ports[nodes:]
        self.address = ",".join(f"127.0.0.1:{p}" for p in self.ports)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        copies = min(nodes, 3)
        try:
            for i in range(nodes):
                self._write(i, dict([
                    ("process.roles", "broker,controller"), ("node.id", i + 1),
                    ("controller.quorum.voters", ",".join(f"{n + 1}@127.0.0.1:{p}" for n, p in enumerate(controllers))),
                    ("listeners", f"PLAINTEXT://127.0.0.1:{self.ports[i]},CONTROLLER://127.0.0.1:{controllers[i]}"),
                    ("advertised.listeners", f"PLAINTEXT://127.0.0.1:{self.ports[i]}"),
                    ("controller.listener.names", "CONTROLLER"), ("log.dirs", f"{self.dir}/{i}"),
                    ("num.partitions", partitions), ("default.replication.factor", copies), ("min.insync.replicas", max(1, copies - 1)),
                    ("offsets.topic.replication.factor", copies), ("offsets.topic.num.partitions", 4),
                    ("transaction.state.log.replication.factor", copies), ("transaction.state.log.min.isr", max(1, copies - 1)),
                    ("group.initial.rebalance.delay.ms", 0), ("group.min.session.timeout.ms", 1000), ("auto.create.topics.enable", "true"),
                    ("broker.session.timeout.ms", 3000), ("broker.heartbeat.interval.ms", 500),
                    ("controller.quorum.election.timeout.ms", 500),
                    ("controller.quorum.fetch.timeout.ms", 1000)]))
            made = [self._java(i, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", f"{self.dir}/{i}.properties") for i in range(nodes)]
            for process in made:
                process.wait()
            for i in range(nodes):
                self.start(i, wait=False)
            for i in range(nodes):
                self._wait(i)
        except BaseException:
            self.close()
            raise

    def _write(self, i, properties):
        with open(f"{self.dir}/{i}.properties", "w", encoding="utf-8") as f:
            f.writelines(f"{name}={value}\n" for name, value in properties.items())
        with open(f"{self.dir}/log4j2.properties", "w", encoding="utf-8") as f:
            f.write("rootLogger.level=warn\nrootLogger.appenderRef.out.ref=out\nappender.out.type=Console\nappender.out.name=out\n"
                    "appender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%d %p %c: %m%n\n")

    def _java(self, i, *words):
        log = open(f"{self.dir}/{i}.log", "ab")
        # Small, and quick to start: compiled once and lightly.
        return subprocess.Popen(["java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
                                 f"-Dlog4j2.configurationFile={self.dir}/log4j2.properties", "-cp", self.jars + "/*", *words],
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)

    def start(self, i=0, wait=True):
        self.process[i] = self._java(i, "kafka.Kafka", f"{self.dir}/{i}.properties")
        if wait:
            self._wait(i)

    def _wait(self, i):
        """Until it takes connections: a broker listens only when its cluster has let it in."""
        until = time.monotonic() + START_S
        while True:
            if self.process[i].poll() is not None or time.monotonic() > until:
                with open(f"{self.dir}/{i}.log", encoding="utf-8", errors="replace") as f:
                    raise RuntimeError(f"Kafka's node {i + 1} did not start:\n" + f.read()[-3000:])
            try:
                socket.create_connection(("127.0.0.1", self.ports[i]), 1).close()
                return
            except OSError:
                time.sleep(0.05)

    def kill(self, i=0, number=signal.SIGKILL):
        process, self.process[i] = self.process[i], None
        if process:
            process.send_signal(number)
            process.wait()

    @property
    def children(self):
        """Its processes, while they live."""
        return [process for process in self.process if process]

    def close(self):
        for i in range(self.nodes):
            self.kill(i)
        shutil.rmtree(self.dir, ignore_errors=True)


if __name__ == "__main__":
    import sys
    if missing():
        sys.exit(f"apache.py: {missing()}")
    kafka = Apache(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(kafka.address, flush=True)
    try:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        kafka.close()
