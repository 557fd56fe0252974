"""What all suites use: figures as JSON lines, the processor time and memory of processes, a world to measure, its load."""
import json, os, re, statistics, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
from talk import Failed, read_line, until  # noqa: E402
from world import ACTORS, ROLES, World  # noqa: E402

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
broken_figures = 0


def note(text):
    print("bench:", text, file=sys.stderr, flush=True)


def figure(suite, name, value, unit, invalid=None, **more):
    """One line. A figure whose run went wrong has no value, but says why."""
    global broken_figures
    line = {"suite": suite, "figure": name, "value": None if invalid or value is None else rounded(value), "unit": unit, **more}
    if invalid:
        line["invalid"] = invalid
        broken_figures += 1
    print(json.dumps(line), flush=True)


def rounded(value):
    return round(value) if abs(value) >= 1000 else round(value, 2 if abs(value) < 100 else 1)


median = statistics.median


def processes():
    """pid -> its parent's pid and its own CPU seconds, of all processes."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                field = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        found[int(pid)] = (int(field[1]), (int(field[11]) + int(field[12])) / TICKS_PER_S)
    return found


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def cpu_s(pid):
    """CPU seconds of a process and those below it."""
    table = processes()
    wanted = {pid}
    for _ in range(4):  # deep enough for nginx and node
        wanted |= {p for p, (parent, _) in table.items() if parent in wanted}
    return sum(table[p][1] for p in wanted if p in table)


def pss_mb(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return int(re.search(r"^Pss:\s+(\d+) kB", f.read(), re.M)[1]) / 1024
    except PermissionError:
        raise Failed("the memory of the actors can only be read by root: they cannot be dumped")


class Bench(World):
    """A world as it is in production (durability disk, default log level), but nothing is shed."""

    def __init__(self, build, settings=None, **more):
        settings = {"OWED_MAX": 1000000, "DRAIN_MS": 500, **(settings or {})}
        try:
            super().__init__(f"{build}/actors/slipway", f"{build}/tests/sim/slipway-sim", settings, log=os.environ.get("SLIPWAY_LOG", "info"), **more)
        except BaseException:  # Ctrl-C too
            self.close()
            raise

    def make_environment(self, settings, log):
        return {**super().make_environment({}, log), **{"SLIPWAY_" + k: str(v) for k, v in settings.items()}}

    @property
    def secret(self):
        return self.secrets["SLACK_SECRET_FILE"]

    def pid_of(self, role):
        return {"redis": self.redis_process.pid, "sim": self.children[1].pid, "up": self.up.pid}.get(role) or self.pids(role)[0]

    def entries_added(self, actor):
        """How many messages Redis ever took into the mailboxes of an actor."""
        script = """local n = 0
            for s = 0, 63 do
              local key = string.format('sw:{%02d}:%s', s, ARGV[1])
              local info = redis.call('EXISTS', key) == 1 and redis.call('XINFO', 'STREAM', key) or {}
              for i = 1, #info, 2 do if info[i] == 'entries-added' then n = n + info[i + 1] end end
            end
            return n"""
        return self.redis("EVAL", script, 0, actor)


class Load:
    """tests/bench/load.c: types commands and hears the answers; `hooks` is the origin where it does."""

    def __init__(self, build, secret):
        self.child = subprocess.Popen([f"{build}/tests/bench/slipway-load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, SLACK_SECRET=secret))
        self.hooks = read_line(self.child.stdout, 5, "the load's own address").split()[1]

    def run(self, world, run_s=5, warmup_s=1.0, **more):
        words = {"ingress": world.ingress, "run_ms": int(run_s * 1000), "warmup_ms": int(warmup_s * 1000), **more}
        self.child.stdin.write((" ".join(f"{k}={v}" for k, v in words.items()) + "\n").encode())
        self.child.stdin.flush()
        return json.loads(read_line(self.child.stdout, run_s + warmup_s + 60, "the load's report"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        try:
            self.child.wait(2)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def wrong(report):
    """Why a load's report is not a measurement; None where it is."""
    bad = {k: report[k] for k in ("told", "refused", "broken", "missing", "doubled", "strange") if report[k]}
    return ", ".join(f"{n} {what}" for what, n in bad.items()) or None
