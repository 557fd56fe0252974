"""The list of named cases; see faults.py."""
import runner
from world import SHORT, World

CASES = []


def case(world=None, replicas=None, linked=True, long=False, settings=None, up=True):
    """Registers a function of one world: SHORT settings and `settings`, ada linked unless said otherwise. `kind` in `world`: another class of it."""
    def register(fn):
        name = fn.__name__.replace("_", "-")

        def run(a):
            more = dict(world or {})
            kind = more.pop("kind", World)
            w = kind(a.slipway, a.sim, {**SHORT, **(settings or {})}, replicas=replicas, up=up, **more)
            failed = True
            try:
                w.seed = f"{a.seed}/{name}"
                if up and linked:
                    w.link()
                    w.quiet()
                    w.reset()
                remark = fn(w)
                failed = False
                return remark
            finally:
                runner.shut(w, failed, a.keep)
        CASES.append((name, run, long))
        return fn
    return register
