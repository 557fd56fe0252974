"""A Kafka for tests and benches: the one that KAFKA_BOOTSTRAP names; else a real Apache Kafka (apache.py), where Java and Maven are there;
else librdkafka's mock cluster as a process. `kind` says which it is.

What they all have: address, kind, options (for SLIPWAY_KAFKA_OPTIONS), topic(), write(), read(), committed(), close(); those that a
test began also kill() and start(), fails_over (another node takes over), dir and children."""
import atexit, concurrent.futures, functools, os, subprocess, threading

import apache


class Tool:
    """kafka_records, with a broker's address."""
    def __init__(self, build):
        self.tool = f"{build}/tests/kafka/kafka_records"

    def records(self, *words, lines=None, seconds=60):
        done = subprocess.run([self.tool, "--brokers", self.address, *map(str, words)], input="".join(f"{line}\n" for line in lines or []),
                              capture_output=True, text=True, timeout=seconds)
        if done.returncode:
            raise RuntimeError(f"kafka_records {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout.splitlines()

    def topic(self, name, partitions=4):
        self.records("topic", name, partitions)

    def write(self, topic, lines):
        """Lines are KEY TAB VALUE."""
        return int(self.records("write", topic, lines=lines)[0])

    def make(self, topic, count, keys=1, prefix="github/"):
        return int(self.records("write", topic, "--count", count, "--keys", keys, "--prefix", prefix)[0])

    def read(self, topic, count):
        """[partition, offset, key, headers, value] of at least so many."""
        return [line.split("\t", 4) for line in self.records("read", topic, "--count", count)]

    def committed(self, group, topic):
        """{partition: (committed, end)}"""
        rows = [line.split("\t") for line in self.records("committed", group, topic)]
        return {int(p): (int(c), int(e)) for p, c, e in rows}

    def leader(self, topic, partition):
        """The number, from 0, of the node that leads it."""
        return int(self.records("leader", topic, partition)[0]) - 1


class Given(Tool):
    kind, options, dir, children = "the Kafka of KAFKA_BOOTSTRAP", "session.timeout.ms=6000", None, ()

    def __init__(self, build):
        super().__init__(build)
        self.address = os.environ["KAFKA_BOOTSTRAP"]

    def close(self):
        pass


class Real(apache.Apache, Tool):
    fails_over = True
    options = "session.timeout.ms=3000 heartbeat.interval.ms=300 auto.commit.interval.ms=500"

    def __init__(self, build, nodes):
        Tool.__init__(self, build)
        apache.Apache.__init__(self, nodes)


class Mock(Tool):
    fails_over = False
    options = "session.timeout.ms=4000 heartbeat.interval.ms=300 auto.commit.interval.ms=500"  # its first rebalance takes three seconds

    def __init__(self, build, nodes, why):
        super().__init__(build)
        self.kind, self.dir = f"librdkafka's mock cluster: {why}", None
        self.lock = threading.Lock()
        self.process = subprocess.Popen([f"{build}/tests/kafka/kafka_mock", "--brokers", str(nodes)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.children = [self.process]
        self.address = self.process.stdout.readline().split()[1]

    def _say(self, words):
        with self.lock:
            self.process.stdin.write(words + "\n")
            self.process.stdin.flush()
            if self.process.stdout.readline() != "ok\n":
                raise RuntimeError(f"kafka_mock: {words}")

    def topic(self, name, partitions=4):
        self._say(f"topic {name} {partitions}")

    def kill(self, i=0):
        self._say(f"down {i + 1}")

    def start(self, i=0):
        self._say(f"up {i + 1}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@functools.cache
def why_mock():
    """What keeps us from a real one; None: nothing."""
    try:
        why = apache.missing()
        if not why:
            apache.jars()
        return why
    except RuntimeError as e:
        return str(e).splitlines()[0]


def begin(build, nodes=1):
    """A broker of the caller's own, never one that somebody else uses; a real one ends with the thread that began it."""
    return Mock(build, nodes, why_mock()) if why_mock() else Real(build, nodes)


_keeper = concurrent.futures.ThreadPoolExecutor(1)  # its thread lives until the end
_shared, _lock = None, threading.Lock()


def share(build):
    """Begins the one for all that only use it, and does not wait: a future. It ends with this process."""
    global _shared
    with _lock:
        if not _shared:
            _shared = _keeper.submit(lambda: Given(build) if os.environ.get("KAFKA_BOOTSTRAP") else begin(build))
            atexit.register(lambda: _shared.exception() or _shared.result().close())
        return _shared
