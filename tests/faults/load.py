"""People who go on typing while something is changed, and what must be true of all their commands."""
import threading, time

from talk import Failed, for_ms, until
from words import PIPELINES, RUNS

LINES = {"pipelines": PIPELINES, "ps storefront in staging": RUNS}  # with the first words of the answer, which all may see
PAUSE_MS = 150


class Load:
    """Each of `people` (user, team, channel) types a line and again one, as soon as the door has taken the one before."""

    def __init__(self, w, people):
        self.w, self.people, self.refused = w, people, []
        self.typed = dict.fromkeys(people, 0)
        self.before = {p: self.seen(p) for p in people}
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.type, args=(p,)) for p in people]

    def seen(self, person):
        """All that was told where this person types, to everybody and to that person alone; not what goes on changing."""
        user, team, channel = person
        messages = [m for m in self.w.view(user, team, channel) if not m.get("metadata")]
        return [m["text"] for m in messages if not m.get("ephemeral")], [m["text"] for m in messages if m.get("ephemeral")]

    def answers(self, person):
        return len(self.seen(person)[0]) - len(self.before[person][0])

    def asked(self, person):
        """By all who type in that channel."""
        return sum(n for p, n in self.typed.items() if p[2] == person[2])

    def type(self, person):
        user, team, channel = person
        while not self.stop.is_set():
            try:
                answer = self.w.type(list(LINES)[self.typed[person] % len(LINES)], user, team, channel)
                if answer["status"] != 200 or answer["body"]:
                    self.refused.append(str(answer))
            except (OSError, Failed) as e:
                self.refused.append(repr(e))
            self.typed[person] += 1
            for_ms(PAUSE_MS)

    def __enter__(self):
        self.begun = time.monotonic()
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, kind, *_):
        self.stop.set()
        for t in self.threads:
            t.join()
        self.seconds = time.monotonic() - self.begun

    def goes_on(self):
        """All that was typed until now is answered, and something more."""
        asked = {p: self.asked(p) for p in self.people}
        until("all get answers", lambda: all(self.answers(p) > asked[p] for p in self.people), 20, 0.1)

    def ended_well(self):
        """Each command has its answer, and nobody was told anything but that. How many there were."""
        until("all have an answer", lambda: all(self.answers(p) >= self.asked(p) for p in self.people), 30, 0.1)
        self.w.quiet()
        for p in self.people:
            told, alone = self.seen(p)
            told, alone = told[len(self.before[p][0]):], alone[len(self.before[p][1]):]
            bad = alone + [t for t in told if not t.startswith(tuple(LINES.values()))]
            if bad or len(told) != self.asked(p):
                raise Failed(f"{p[0]}: {len(told)} answers to {self.asked(p)} commands; not as they should be: {bad[:3]}")
        if self.refused or self.w.dead():
            raise Failed(f"at the door: {self.refused[:3]}, dead letters: {self.w.dead()}")
        return sum(self.typed.values())
