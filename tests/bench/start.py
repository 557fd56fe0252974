"""start: from exec of `slipway up` to its ready line, and each role's own way to readiness when Redis is already there."""
import os, shutil, signal, subprocess, time

from measure import ROLES, Bench, figure, median, note, read_line


def timed(argv, env, ready_fd=None):
    """Starts, waits for one line (on standard output, or on the pipe a role says it is ready by), and ends it; ms."""
    inner, outer = os.pipe()
    if ready_fd:
        env = dict(env, SLIPWAY_READY_FD=str(outer))
    with open(env["SLIPWAY_RUN_DIR"] + ".log", "ab") as log, os.fdopen(inner, "rb", 0) as pipe:
        started = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log if ready_fd else outer, stderr=log, env=env, pass_fds=[outer] if ready_fd else [])
        os.close(outer)
        try:
            read_line(pipe, 20, "that it is ready")
            return (time.monotonic() - started) * 1000
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def suite(build, seconds, rounds):
    took = {}
    with Bench(build) as world:
        world.stop_up()
        up = [world.slipway, "up"]
        for n in range(1, rounds + 1):
            note(f"start {n}/{rounds}")
            took.setdefault("up_redis_there", []).append(timed(up, world.environment))
            own = {k: v for k, v in world.environment.items() if k != "SLIPWAY_REDIS"}
            for key in ("RUN_DIR", "DATA_DIR", "KEY_DIR"):
                own["SLIPWAY_" + key] = f"{world.dir}/own/{key}"
            os.makedirs(world.dir + "/own", exist_ok=True)
            took.setdefault("up_nothing_there", []).append(timed(up, own))
            took.setdefault("up_own_redis", []).append(timed(up, own))
            shutil.rmtree(world.dir + "/own")
            for role in ROLES:
                took.setdefault(role, []).append(timed([world.slipway, role], world.environment, ready_fd=True))
    for name, ms in took.items():
        figure("start", name + "_ms", median(ms), "ms")
