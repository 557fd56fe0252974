"""What comes in at the door: forged, stale, again and again, too large, too much; and what must never come out."""
import os, re, signal, threading, urllib.parse

from cases import case
from redis_cases import answered, helps
from talk import Browser, Failed, for_ms, request, signed, slash_form, until
from upstream_cases import ATLAS, nowhere
from world import PROMOTE
from words import CARD_AGAIN, HELP, PIPELINES, SHED


def nothing_stored(w, what, status, reason, before):
    if status[0] not in (400, 401, 413, 431):
        raise Failed(f"{what}: {status[0]} {status[2][:100]}")
    counted = w.metric("ingress", "refused_total", reason=reason)
    if counted != before + 1:
        raise Failed(f"{what}: {reason} counted {counted} times, not {before + 1}")


@case(linked=False)
def forged_and_stale_requests_are_refused_and_store_nothing(w):
    """Commands of somebody's own making: nothing of them reaches the ledger."""
    url = w.ingress + "/slack/commands"
    secret, body = w.secrets["SLACK_SECRET_FILE"], slash_form("help")
    good = signed(secret, body)
    count = lambda reason: w.metric("ingress", "refused_total", reason=reason)

    def refused(what, reason, headers, body=body):
        before = count(reason)
        nothing_stored(w, what, request(url, "POST", body, headers), reason, before)
    refused("another secret", "bad_signature", signed("another", body))
    refused("one bit of the body", "bad_signature", good, body.replace("help", "hemp"))
    refused("cut", "bad_signature", {**good, "X-Slack-Signature": good["X-Slack-Signature"][:-1]})
    refused("upper case", "bad_signature", {**good, "X-Slack-Signature": good["X-Slack-Signature"].upper()})
    refused("another version", "bad_signature", {**good, "X-Slack-Signature": "v1" + good["X-Slack-Signature"][2:]})
    refused("no signature", "no_signature", {k: v for k, v in good.items() if "Signature" not in k})
    refused("no time", "no_signature", {k: v for k, v in good.items() if "Timestamp" not in k})
    refused("301 s old", "stale", signed(secret, body, -302))
    refused("301 s ahead", "stale", signed(secret, body, 302))
    told = [line for line in w.log().splitlines() if "not taken in" in line]
    if len(told) != 1 or '"path":"/slack/commands","reason":"bad_signature"' not in told[0]:
        raise Failed(f"the log says of them: {told}")
    refused("too large", "too_large", signed(secret, slash_form("x" * 66000)), slash_form("x" * 66000))
    for _ in range(3):
        w.quiet()
    if w.redis("DBSIZE") and any(b":seen:" in k or k.endswith(b"}:parser") for k in w.redis("KEYS", "sw:*")):
        raise Failed(f"{w.redis('KEYS', 'sw:*')}")
    for skew in (-298, 298):
        if w.post_slash("help", skew_s=skew)[0] != 200:
            raise Failed(f"{skew} s is within five minutes")
    until("the control: good ones are stored", lambda: any(b":seen:" in k for k in w.redis("KEYS", "sw:*")))


@case(replicas=["ingress=2"])
def replay_a_hundred_times_at_two_doors_is_one_command(w):
    doors = [a["http"] for a in w.actors()["actors"] if a["role"] == "ingress"]
    body = slash_form("help", response_url=w.sim + "/commands/T0SIM1/1/replayed0000000000000000")
    headers, answers, gate = signed(w.secrets["SLACK_SECRET_FILE"], body), [], threading.Barrier(100)

    def send(i):
        gate.wait()
        try:
            status, _, text = request(doors[i % 2] + "/slack/commands", "POST", body, headers)
            answers.append((status, text))
        except OSError as e:
            answers.append((0, repr(e)))
    threads = [threading.Thread(target=send, args=(i,)) for i in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if len(doors) != 2 or answers.count((200, b"")) != 100:
        raise Failed(f"{len(doors)} doors, {set(answers)}")
    until("the answer", lambda: w.journal("POST /commands"))
    w.quiet()
    if len(w.journal("POST /commands")) != 1:
        raise Failed(f"{len(w.journal('POST /commands'))} answers")
    if w.metric("ingress", "acks_total", outcome="duplicate") != 99:
        raise Failed(f"{w.metric('ingress', 'acks_total', outcome='duplicate')} duplicates counted")


@case(settings=dict(OWED_MAX=5))
def more_than_may_be_owed_is_shed_with_a_text(w):
    for pid in w.pids("parser"):
        os.kill(pid, signal.SIGSTOP)
    texts = [answered(w, w.type("help")) for _ in range(8)]
    if texts[:5] != [""] * 5 or not all(SHED in t for t in texts[5:]):
        raise Failed(f"{texts}")
    other = w.type("help", user="U0CYD", team="T0SIM2", channel="C0OTHER")
    if other["body"]:
        raise Failed("another workspace pays for it: " + other["body"])
    w.kill("parser", signal.SIGCONT)
    until("the five are done", lambda: w.told(HELP) == 5, 20)
    helps(w)
    w.quiet()
    if w.redis("HGETALL", w.key("owed")) not in ([b"T0SIM1", b"0"], []):
        raise Failed(f"owed: {w.redis('HGETALL', w.key('owed'))}")
    if w.metric("ingress", "acks_total", outcome="shed") != 3:
        raise Failed("not counted")


@case()
def many_at_once_are_all_answered_and_in_time(w):
    worst, bad = [0], []

    def one(i):
        answer = w.type("help")
        worst[0] = max(worst[0], answer["ms"])
        if answer["status"] != 200 or answer["body"]:
            bad.append(answer)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    until("all are answered", lambda: w.told(HELP) == 60, 30)
    if bad or worst[0] > 2500:
        raise Failed(f"{bad[:2]}, worst {worst[0]} ms")
    return f"worst {worst[0]:.0f} ms"


@case(linked=False, world=dict(log="debug"))
def secrets_are_in_no_log_no_metric_and_not_in_redis(w):
    """Everything that holds a secret once: sign-in, a code, a renewal, a webhook, a refusal, a kill; then all that was written is searched."""
    w.type(PROMOTE)
    until("the card", w.card_url)
    browser = w.link()
    until("the promote goes on", w.ended)
    w.admin("/sim/expire", {"email": "ada@example.com"})
    w.type(ATLAS + " 123456")
    until("the other promote", lambda: w.promoted() == 2, 20)
    w.kill("executor")
    w.fault("POST /commands", "lost", times=1)
    w.type("pipelines")
    w.admin("/sim/release", {"app": "storefront-production"})
    w.post_slash("help", secret="another")
    until("the pipelines", lambda: w.told(PIPELINES), 20)
    w.quiet()
    w.admin("/sim/revoke", {"email": "ada@example.com"})
    w.type("pipelines")
    until("the card", lambda: w.told(CARD_AGAIN), 20)
    w.quiet()
    w.metrics_text = b""
    for actor in w.actors()["actors"]:
        w.metrics_text += request(actor["admin"] + "/metrics")[2]
    for name, value in {**w.secrets, **browser.seen}.items():
        for part in value.split(".") if name in ("link", "state") else [value]:
            if part != "T0SIM1":
                nowhere(w, re.escape(part.encode()), name)
    nowhere(w, rb"HRKU-[0-9A-Za-z]{20,}", "a token of Heroku")
    nowhere(w, rb"/commands/T0SIM", "a response_url")
    nowhere(w, rb"/link/T0SIM1\.", "the address of a sign-in")
    nowhere(w, rb"Bearer ", "a bearer")
    nowhere(w, rb"(?<![0-9A-Za-z])123456(?![0-9A-Za-z])", "the one-time code")
    for u in w.state()["response_urls"]["list"]:
        nowhere(w, re.escape(u["trigger_id"].encode()), "a trigger_id")
    written = b"".join(data for _, data in w.everything_written())
    for control in (b"ada@example.com", b"storefront", b"slipway_commits_total", b'"msg":"effect"'):
        if control not in written:
            raise Failed(f"the search would find nothing: {control!r} is not there either")


@case()
def another_browser_cannot_finish_a_sign_in(w):
    w.type("login", w.BOB)
    url = until("the card", lambda: w.card_url(w.BOB))
    status, headers, page = request(url)
    fields = dict(re.findall(rb'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    form = "&".join(f"{k.decode()}={v.decode()}" for k, v in fields.items())
    plain = {"Content-Type": "application/x-www-form-urlencoded"}
    if request(url, "POST", form, plain)[0] != 403 or request(url, "POST", form, {**plain, "Cookie": "sw_link=x"})[0] != 403:
        raise Failed("taken without the cookie")
    cookie = headers["set-cookie"].split(";")[0]
    status, headers, _ = request(url, "POST", form, {**plain, "Cookie": cookie})
    if status != 303:
        raise Failed(f"{status}")
    if request(url, "POST", form, {**plain, "Cookie": cookie})[0] != 303:
        raise Failed("a double click is an error")
    other = request(url)
    if other[0] != 410:
        raise Failed(f"the link is there for another browser: {other[0]}")
    state = re.search(r"state=([^&]+)", headers["location"]).group(1)
    back = f"{w.ingress}/oauth/heroku/callback?code=x&state={state}" if "callback" not in headers["location"] else \
        re.search(r"redirect_uri=([^&]+)", headers["location"]).group(1).replace("%3A", ":").replace("%2F", "/") + f"?code=x&state={state}"
    if request(back)[0] != 403:
        raise Failed("taken without the cookie")
    if w.journal("POST /oauth/token") or w.journal("POST /api/openid.connect.token"):
        raise Failed("a code of a stranger was exchanged")


@case(linked=False)
def installing_comes_back_to_the_port_that_the_system_chose(w):
    status, headers, _ = request(w.ingress + "/slack/install")
    back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers.get("location", "")).query)).get("redirect_uri")
    if status != 303 or back != w.ingress + "/slack/install/callback":
        raise Failed(f"{status}, back to {back} instead of {w.ingress}")


@case(linked=False)
def a_forwarded_link_links_nobody(w):
    """Bob sends his link to Ada, who opens it, presses all buttons, and is signed in everywhere as herself."""
    w.type("pipelines", w.BOB)
    url = until("the card", lambda: w.card_url(w.BOB))
    try:
        Browser(w.sim, "ada@example.com").walk(url)
        raise Failed("the way came to an end")
    except Failed as why:
        if " 403 " not in str(why) or "you are ada in" not in str(why) or "nothing was linked" not in str(why):
            raise
    if w.journal("GET /oauth/authorize") or w.journal("POST /oauth/token"):
        raise Failed("Heroku was asked")
    if request(url)[0] != 410:
        raise Failed("the link is there still")
    w.link(w.BOB, "bob@example.com")
    until("what he typed goes on, for him", lambda: w.told("bob@example.com", w.BOB))


@case(linked=False, replicas=["ingress=2"])
def a_page_that_is_ready_before_redis_was_heard_is_shown(w):
    """A door that stumbles: what another one appends lets auth find, and answer, entries of which it has not heard itself."""
    doors = [a["http"] for a in w.actors()["actors"] if a["role"] == "ingress"]
    w.type("login", w.BOB)
    path = urllib.parse.urlsplit(until("the card", lambda: w.card_url(w.BOB))).path
    over, answers = threading.Event(), []

    def look(i):
        while not over.is_set():
            answers.append(request(doors[i % 2] + path, timeout=20)[0])
    threads = [threading.Thread(target=look, args=(i,)) for i in range(24)]
    for t in threads:
        t.start()
    for _ in range(30):
        for pid in w.pids("ingress"):
            os.kill(pid, signal.SIGSTOP)
            for_ms(30)
            os.kill(pid, signal.SIGCONT)
            for_ms(20)
    over.set()
    for t in threads:
        t.join()
    if set(answers) != {200} or len(answers) < 100:
        raise Failed(f"of {len(answers)} pages {[a for a in answers if a != 200][:10]}")
    return f"{len(answers)} pages"
