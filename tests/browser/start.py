"""Starts a whole Slipway for run.mjs: one line of JSON says where it is; it ends with its input."""
import json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
from world import World, end_with_the_tests


def main():
    slipway, sim, base = sys.argv[1:]
    end_with_the_tests()
    with World(slipway, sim, {"BASE_URL": base}) as world:
        print(json.dumps({"sim": world.sim, "ingress": world.ingress}), flush=True)
        secrets = json.loads(sys.stdin.readline() or "[]")  # what the browsers saw that no file may hold
        world.quiet()
        problems = world.complaints() + [f"a dead letter of {actor}: {reason}" for actor, reason in world.dead()]
        for name, data in world.everything_written():
            problems += [f"{name} holds {what}" for what, text in secrets if text.encode() in data]
        print(json.dumps(sorted(set(problems))), flush=True)


if __name__ == "__main__":
    main()
