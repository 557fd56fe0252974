"""A Kafka for tests: the one that KAFKA_BOOTSTRAP names, a real Apache Kafka (SW_KAFKA=apache), or librdkafka's mock cluster.

What they all have: address, kind, options (for SLIPWAY_KAFKA_OPTIONS), topic(), write(), read(), committed(), close(); those that a
test started also kill() and start()."""
import atexit, os, subprocess, threading

_shared = []
_lock = threading.Lock()


class Tool:
    """kafka_records, with a broker's address."""
    def __init__(self, build):
        self.tool = f"{build}/tests/kafka/kafka_records"

    def records(self, *words, lines=None):
        done = subprocess.run([self.tool, "--brokers", self.address, *map(str, words)], input="".join(f"{line}\n" for line in lines or []),
                              capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"kafka_records {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout.splitlines()

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


class Mock(Tool):
    kind = "librdkafka's mock cluster"
    options = "session.timeout.ms=4000 heartbeat.interval.ms=300"  # its first rebalance takes three seconds

    def __init__(self, build, nodes=1):
        super().__init__(build)
        self.lock = threading.Lock()
        self.process = subprocess.Popen([f"{build}/tests/kafka/kafka_mock", "--brokers", str(nodes)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
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


def begin(build, nodes=1):
    """A broker of the test's own, never one that somebody else uses."""
    if os.environ.get("SW_KAFKA") != "apache":
        return Mock(build, nodes)
    import apache

    class Real(apache.Apache, Tool):
        options = "session.timeout.ms=6000 heartbeat.interval.ms=500"

        def __init__(self):
            Tool.__init__(self, build)
            apache.Apache.__init__(self, nodes)
    return Real()


class Given(Tool):
    kind, options = "the Kafka of KAFKA_BOOTSTRAP", "session.timeout.ms=6000"

    def __init__(self, build):
        super().__init__(build)
        self.address = os.environ["KAFKA_BOOTSTRAP"]

    def topic(self, name, partitions=4):
        """Made when it is written to."""

    def close(self):
        pass


def shared(build):
    """One for all cases that only use it; ends with this process."""
    with _lock:
        if not _shared:
            def hold():
                """In a thread that lives as long as this process: what is started ends with the thread that started it."""
                try:
                    _shared.append(Given(build) if os.environ.get("KAFKA_BOOTSTRAP") else begin(build))
                except Exception as e:
                    _shared.append(e)
                there.set()
                threading.Event().wait()
            there = threading.Event()
            threading.Thread(target=hold, daemon=True).start()
            there.wait()
            if not isinstance(_shared[0], Exception):
                atexit.register(_shared[0].close)
        if isinstance(_shared[0], Exception):
            raise _shared[0]
        return _shared[0]
