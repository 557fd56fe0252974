"""A pipeline in its channels: each subject once, in one thread, whatever the order of its events and whatever dies meanwhile."""
import json, random, re, time

from cases import case
from install_cases import CYD, OWN, THERE, TWO, There, install
from notices import STEP_MS, all_threads, commit, deploy, doubles, key_of, pace, posts, push, route, subjects, thread, words
from talk import Browser, Failed, for_ms, until
from words import HELP, PIPELINES

WORLD = dict(sim_args=("--event-ms", str(STEP_MS)))
QUICK = dict(UPDATE_MS=300)
LIVE = ("✔ Live: SHA in *storefront-staging* (staging) as v?, by <@U0ADA>\nMore about it, at dashboard.heroku.example",
        sorted(["Asked for, by <@U0ADA>", "… Building, by <@U0ADA>", "Built", "… Releasing v?: release phase", "✔ Released as v?", "✔ Live: v? is up"]), [])


TELLS = ("responder",)  # where pipelines are looked after all the time, others are never done


def green(message, branch="main"):
    return ("✔ <@U0ADA> pushed 1 commit to *acme/storefront* `%s` (SHA): %s\nCI passed: all 5 checks" % (branch, message),
            sorted([f"<@U0ADA> pushed 1 commit to `{branch}`", "… `lint` began", "… `CI` began", "… `ci/test` began", "… `continuous-integration/heroku` began",
                    "✔ `CI` passed", "✔ `ci/test` passed", "✔ `continuous-integration/heroku` passed", "✔ `lint` passed", "✔ `test` passed"]), [])


def less(told, whole):
    """What is told of a thread in which a beginning came after its end, or in the same second: ends stay, beginnings may lack."""
    return told and told[0] == whole[0] and set(told[1]) <= set(whole[1]) and {l for l in whole[1] if l[0] in "✔✖"} <= set(told[1])


def ends(w, key, whole, seconds=40, **where):
    try:
        until(f"the end of {key}", lambda: less(thread(w, key, **where), whole), seconds)
    except Failed as e:
        raise Failed(f"{e}: {thread(w, key, **where)} instead of {whole}, all: {list(all_threads(w, **where))}")


def single(w, kills=0, **where):
    if doubles(w, **where) > kills:
        raise Failed(f"{doubles(w, **where)} doubles: {[(k, [m['text'] for m in v], [[r['text'] for r in m['thread']] for m in v]) for k, v in subjects(w, **where).items()]}")
    if w.dead():
        raise Failed(f"dead letters: {w.dead()}")


def told_all(w, pushes):
    """Both subjects of each push to main; the deploy's key is known when Heroku told of it. Histories wait for all messages."""
    seconds = 60 + 5 * len(pushes)
    for sha, message in pushes:
        ends(w, commit(sha), green(message), seconds)
        until("the deploy's subject", lambda: deploy(w, sha), seconds)
        ends(w, deploy(w, sha), LIVE, seconds)


@case(world=WORLD, settings=QUICK)
def notice_a_push_is_told_in_two_threads(w):
    route(w)
    sha = push(w, message="Fix the cart")
    told_all(w, [(sha, "Fix the cart")])
    w.quiet()
    single(w)
    told_all(w, [(sha, "Fix the cart")])
    if len(subjects(w)) != 2:
        raise Failed(f"{list(subjects(w))}")
    pace(w)
    sha = push(w, message="Break the cart", fail="ci")
    until("it is red", lambda: (thread(w, commit(sha)) or " ")[0].startswith("✖ <@U0ADA> pushed"), 60)
    w.quiet()
    single(w)
    if "CI failed" not in thread(w, commit(sha))[0] or len(subjects(w)) != 3:
        raise Failed(f"{all_threads(w)}")


def any_order(w, seeds):
    route(w)
    pushes = [(push(w, message="In order"), "In order")]
    w.admin("/sim/config", {"repeat_events": True})
    chance = random.Random(w.seed)
    for _ in range(seeds):
        seed = chance.randrange(1, 1 << 20)
        w.admin("/sim/config", {"shuffle_events": seed})
        pushes.append((push(w, message=f"Shuffled by {seed}"), f"Shuffled by {seed}"))
        for_ms(STEP_MS * 8)
    told_all(w, pushes)
    until("all webhooks left", lambda: w.admin("/sim/webhooks")["stories"] == 0)
    w.quiet()
    told_all(w, pushes)
    single(w)
    if len(subjects(w)) != 2 * len(pushes):
        raise Failed(f"{list(subjects(w))}")
    pace(w)


@case(world=WORLD, settings=QUICK)
def notice_any_order_and_repeats_end_in_the_same_threads(w):
    any_order(w, 4)


@case(world=WORLD, settings=dict(QUICK, DIGEST=1000), long=True)
def notice_any_of_thirty_orders(w):
    any_order(w, 30)


def kills(w, roles, times, meanwhile):
    """Kills one role after the other at moments that the seed decides, each once the one before is back."""
    chance = random.Random(w.seed)
    count = 0
    for n in range(times):
        meanwhile(n)
        for_ms(chance.randrange(50, 700))
        role = chance.choice(roles)
        before = w.pids(role)
        w.kill(role)
        count += role == "responder"
        w.renewed(role, before)
        # What is tried for the fourth time is poison, although it was innocent; a busy machine loses leases besides.
        until("what was begun is done", lambda: not any(w.redis("XLEN", w.key(lane)) for lane in ("notifier:bulk", "responder:bulk", "responder")), 60)
    return count


def kill_at_random(w, times):
    """What GitHub could not deliver is fetched: it does not try again by itself."""
    route(w)
    w.admin("/sim/config", {"hook_retry_ms": 100})
    pushes = []

    def more(n):
        if n % 2 == 0:
            pushes.append((push(w, message=f"Push {n}"), f"Push {n}"))
    count = kills(w, ("notifier", "responder", "ingress"), times, more)
    told_all(w, pushes)
    w.quiet(actors=TELLS)
    told_all(w, pushes)
    single(w, count)
    pace(w)
    return f"{doubles(w)} doubles of {count} kills of responder"


@case(world=WORLD, settings=dict(QUICK, TEND_MS=1500, LEASE_MS=2000))
def notice_kills_lose_nothing_and_double_once_at_most(w):
    return kill_at_random(w, 7)


@case(world=WORLD, settings=dict(QUICK, TEND_MS=1500, DIGEST=1000), long=True)
def notice_forty_kills(w):
    return kill_at_random(w, 40)


@case(world=WORLD, settings=QUICK)
def notice_a_kill_in_flight_doubles_once_and_is_counted(w):
    """Slack posts, and whoever was to hear of it is gone."""
    route(w)
    w.admin("/sim/config", {"build_ms": [1500, 1500]})
    for told in (0, 1):
        w.fault("POST /api/chat.postMessage", "late", delay_ms=1500, times=1)
        sha = push(w, branch=f"side{told}", message="Whoever hears")
        until("Slack has it", lambda: subjects(w).get(commit(sha)))
        before = w.pids("responder")
        w.kill("responder")
        w.renewed("responder", before)
        last = lambda: words((subjects(w)[commit(sha)])[-1])
        until("the end", lambda: last() == green("Whoever hears", f"side{told}")[0], 60)
        w.quiet()
        # Which of its lives counted it is gone with the next kill.
        if len(subjects(w)[commit(sha)]) != 2 or doubles(w) != 1 + told or w.metric("responder", "answer_repeated_total") != 1:
            raise Failed(f"{doubles(w)} doubles, {w.metric('responder', 'answer_repeated_total')} counted")
    pace(w)


@case(world=WORLD, settings=QUICK)
def notice_threads_outlive_those_who_tell(w):
    """Nobody remembers but Redis."""
    route(w)
    w.admin("/sim/config", {"build_ms": [3000, 3000]})
    sha = push(w, message="Wait for me")
    until("the deploy has begun", lambda: deploy(w, sha) and thread(w, deploy(w, sha))[1])
    w.quiet()
    for role in ("notifier", "responder"):
        before = w.pids(role)
        w.kill(role)
        w.renewed(role, before)
    told_all(w, [(sha, "Wait for me")])
    w.quiet()
    single(w)
    if len(subjects(w)) != 2:
        raise Failed(f"{list(subjects(w))}")


@case(world=WORLD, settings=dict(QUICK, TEND_MS=1500))
def notice_redis_dies_in_the_middle(w):
    route(w)
    w.admin("/sim/config", {"hook_retry_ms": 100})
    pushes = [(push(w, message="Before"), "Before")]
    for n in range(2):
        until("it has begun", lambda: thread(w, commit(pushes[-1][0])))
        w.end_redis()
        for_ms(random.Random(f"{w.seed}{n}").randrange(100, 900))
        pushes.append((push(w, message=f"Away {n}"), f"Away {n}"))
        for_ms(300)
        w.start_redis()
    told_all(w, pushes)
    w.quiet(actors=TELLS)
    told_all(w, pushes)
    single(w, 2)


def answered(w, line, words, seconds, channel):
    """How long a command of a person takes, with many notices waiting: the time is told, what they wait for is looked at."""
    told = lambda: sum(words in m["text"] for m in w.view(channel=channel))
    before = told()
    began = time.monotonic()
    w.type(line, channel=channel)
    until(f"an answer to {line} in {channel}", lambda: told() > before, seconds)
    return time.monotonic() - began


@case(world=WORLD, settings=dict(QUICK, DIGEST=1000))
def notice_a_storm_and_429s_delay_no_command(w):
    """Slack refuses all messages of one channel for a while; each release has a message and a history to post."""
    route(w)
    for kind in ("chat.postMessage", "chat.update"):
        w.fault("POST /api/" + kind, "429", retry_after=1, body="C0DEPLOY")
    releases = [w.admin("/sim/vars", {"app": "storefront-staging", "name": f"VAR_{n}"})["version"] for n in range(8)]
    until("Slack refuses", lambda: w.faults_met() > 1)
    took = [answered(w, "help", HELP, 30, "C0OPS"), answered(w, "help", HELP, 30, "C0DEPLOY"), answered(w, "pipelines", PIPELINES, 30, "C0DEPLOY"),
            answered(w, "restart storefront in development", "storefront", 30, "C0OPS")]
    for_ms(2000)
    if subjects(w):
        raise Failed("posted although it was refused")
    w.heal()
    until("they are told", lambda: len(subjects(w)) >= 2, 60)
    took.append(answered(w, "restart storefront in development", "storefront-dev", 30, "C0DEPLOY"))
    if sum(len(m["thread"]) for parents in subjects(w).values() for m in parents) == len(releases):
        raise Failed("the storm was over before the command")
    keys = lambda: sorted(key.rsplit("/", 1)[1] for key in subjects(w))
    until("each release", lambda: keys() == sorted(map(str, releases)), 40)
    w.quiet(60)
    single(w)
    for key in subjects(w):
        if not thread(w, key)[0].startswith("✔"):
            raise Failed(f"{key}: {thread(w, key)}")
    pace(w, burst=3)
    return " ".join(f"{t:.2f}" for t in took)


@case(world=WORLD, settings=dict(QUICK, DIGEST=5))
def notice_sixty_subjects_are_a_digest_that_names_failures(w):
    route(w)
    for n in range(57):
        w.admin("/sim/vars", {"app": "storefront-staging", "name": f"VAR_{n}"})
    w.admin("/sim/config", {"fail": {"app": "storefront-production", "where": "release", "times": 1}})
    w.admin("/sim/vars", {"app": "storefront-production", "name": "BROKEN"})
    bad = [push(w, branch=f"b{n}", message=f"Bad {n}", fail="ci") for n in range(2)]
    digests = lambda: [m for m in w.view(w.BOB) if "more* in *storefront*" in m["text"]]
    several = lambda: sum(int(m["text"].split()[0].strip("*")) for m in digests())
    until("all sixty are told", lambda: several() + len(subjects(w)) == 60, 40)
    said = lambda: "\n".join(words(m) for m in w.view(w.BOB))
    until("what failed is named", lambda: all(word in said() for word in ("SHA): Bad 0", "SHA): Bad 1", "The release v? of *storefront-production*")), 60)
    until("that it failed", lambda: all(line.startswith("✖") for line in said().split("\n") if "Bad" in line or "storefront-production" in line), 60)
    w.quiet(60)
    single(w)
    # The minute may end meanwhile.
    if len(digests()) > 2 or len(subjects(w)) > 5 * len(digests()) + 5:
        raise Failed(f"{len(digests())} digests, {len(subjects(w))} messages")
    pace(w)
    return f"{len(posts(w))} messages"


def direct(w, words):
    """Ada is told alone."""
    return [m for m in w.view(channel=w.ADA) if words in m["text"]]


def route_id(w):
    w.type("route storefront")
    return until("the route's id", lambda: re.findall(r"`(r[0-9a-z]{3,15})`", json.dumps(w.view()[-1:])))[-1]


@case(world=WORLD, settings={**QUICK, **OWN}, linked=False)
def notice_a_channel_that_closes_pauses_its_routes(w):
    install(w, w.TEAM, Browser(w.sim, "ada@example.com", team=w.TEAM, slack="ada"))
    w.link()
    route(w, "route storefront to #ops")
    name = route_id(w)
    shown = lambda: subjects(w, channel="C0OPS")

    def told(message):
        sha = push(w, branch="side", message=message)
        ends(w, commit(sha), green(message, "side"), channel="C0OPS")
    told("Open")
    w.admin("/sim/channel", {"channel": "C0OPS", "do": "archive"})
    until("ada is told", lambda: direct(w, "is archived: nothing is reported there meanwhile"))
    sha = push(w, branch="side", message="Nobody reads this")
    until("CI is over", lambda: w.admin("/sim/webhooks")["stories"] == 0)
    w.quiet()
    if commit(sha) in shown():
        raise Failed("shown in an archive")
    w.admin("/sim/channel", {"channel": "C0OPS", "do": "unarchive"})
    until("ada is told again", lambda: direct(w, "is open again"))
    told("Open again")
    w.admin("/sim/channel", {"channel": "C0OPS", "do": "hide"})
    w.admin("/sim/channel", {"channel": "C0OPS", "do": "remove_bot"})
    until("ada is told that the bot is out", lambda: direct(w, "The bot was removed from"))
    w.admin("/sim/channel", {"channel": "C0OPS", "do": "invite_bot"})
    w.type(f"route resume {name} storefront")
    until("it goes on", lambda: w.told("is reported here again") or any("is reported here again" in m["text"] for m in w.view(channel="C0OPS")), 60)
    told("Back")
    single(w, channel="C0OPS")
    if len(direct(w, "nothing is reported there meanwhile")) != 2:
        raise Failed(f"{[m['text'] for m in w.view(channel=w.ADA)]}")


def in_two(w, user="U0CYD"):
    return dict(viewer=user, team=TWO, channel=THERE)


@case(world=WORLD, settings={**QUICK, **OWN}, linked=False)
def notice_workspaces_hear_their_own_only(w):
    """They share webhooks, and nothing else."""
    install(w, w.TEAM, Browser(w.sim, "ada@example.com", team=w.TEAM, slack="ada"))
    install(w, TWO)
    w.link()
    There(w).link()
    route(w)
    told_all(w, [(push(w, message="One hears"), "One hears")])
    if subjects(w, **in_two(w)):
        raise Failed(f"not routed there: {list(subjects(w, **in_two(w)))}")
    route(w, "route storefront to #general", CYD, TWO, THERE)
    sha = push(w, message="Both hear")
    told_all(w, [(sha, "Both hear")])
    there = ("✔ <@U0CYD> pushed", "✔ Live: SHA in *storefront-staging* (staging) as v?")

    def hears(sha):
        keys = (commit(sha), deploy(w, sha, **in_two(w)))
        return all((thread(w, key, **in_two(w)) or " ")[0].startswith(begin) for key, begin in zip(keys, there))
    try:
        until("both subjects there", lambda: hears(sha))
    except Failed:
        raise Failed(f"{all_threads(w, **in_two(w))}")
    w.type("unroute storefront")
    until("it is removed", lambda: w.told("not reported"), 60)
    w.quiet()
    before = len(subjects(w))
    sha = push(w, message="Two hears")
    until("both subjects there", lambda: hears(sha))
    w.quiet()
    single(w)
    single(w, **in_two(w))
    if len(subjects(w)) != before or len(subjects(w, **in_two(w))) != 4:
        raise Failed(f"{list(subjects(w))}, {list(subjects(w, **in_two(w)))}")


@case(world=WORLD, settings=QUICK)
def notice_what_a_command_causes_is_told_once(w):
    """In the channel of the command by its own message, in another one by the subject's."""
    route(w)
    route(w, "route storefront to #ops")
    there = lambda: subjects(w, channel="C0OPS")
    for line, kinds in (("deploy storefront to staging", ["deploy"]), ("promote storefront from staging to production", ["deployment", "release"])):
        before = set(there())
        new = lambda: [key for key in there() if key not in before]
        w.type(line)
        until(f"the end of {line}", lambda: sum(m["text"].startswith("✔") for m in w.parents() if not key_of(m)) > (line[0] == "p"), 40)
        until("told in #ops", lambda: sorted(key.split("/")[0] for key in new()) == kinds, 60)
        for key in new():
            until(f"the end of {key}", lambda: re.match(r"✔ (Live|.* is live)", (thread(w, key, channel="C0OPS") or " ")[0]), 60)
        w.quiet()
        if sorted(key.split("/")[0] for key in new()) != kinds:
            raise Failed(f"{line}: {new()}")
    if subjects(w):
        raise Failed(f"told twice: {all_threads(w)}")
    single(w, channel="C0OPS")


@case(world=WORLD, settings=QUICK)
def notice_who_sees_no_repository_hears_nothing_of_it(w):
    """Cyd sees the pipeline at Heroku, and not its repository; ada does, and tells another channel."""
    w.link(w.BOB, "cyd@example.com", slack="bob")
    route(w, "route storefront to #ops")
    route(w, user=w.BOB)
    sha = push(w, message="A secret plan")
    ends(w, commit(sha), green("A secret plan"), channel="C0OPS")
    until("Heroku's part", lambda: (thread(w, deploy(w, sha)) or " ")[0].startswith("✔ Live"), 60)
    w.quiet()
    seen = json.dumps(subjects(w))
    if list(subjects(w)) != [deploy(w, sha)] or any(word in seen for word in ("secret plan", "Asked for", "acme/", "`main`")):
        raise Failed(f"{all_threads(w)}")


@case(world=WORLD, settings=QUICK)
def notice_the_only_route_is_of_who_sees_no_repository(w):
    w.link(w.BOB, "cyd@example.com", slack="bob")
    route(w, user=w.BOB)
    push(w, message="A secret plan")
    until("CI is over", lambda: w.admin("/sim/webhooks")["stories"] == 0)
    until("Heroku's part", lambda: len(subjects(w)) == 1, 60)
    w.quiet()
    if "secret plan" in json.dumps(w.view(w.BOB)) or not list(subjects(w))[0].startswith("deploy/"):
        raise Failed(f"{all_threads(w)}")
