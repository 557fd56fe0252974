"""Redis is lost whole, and comes back from a back-up: what stood there goes on."""
import os, shutil, subprocess

import truth
from cases import case
from redis_cases import helps, promoted_once
from talk import Failed, until
from world import PROMOTE


def back_up(w):
    """As OPERATIONS.md says."""
    done = subprocess.run(["redis-cli", "-s", w.redis_socket, "--rdb", w.dir + "/backup.rdb"], capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise Failed(done.stderr)


def lose_and_restore(w):
    """Processes and Redis die together; Redis reads the back-up and keeps a journal again before anybody is let in."""
    if w.stop_up() != 0:
        raise Failed("it did not end well")
    w.end_redis()
    shutil.rmtree(w.dir + "/redis")
    os.mkdir(w.dir + "/redis")
    shutil.copy(w.dir + "/backup.rdb", w.dir + "/redis/dump.rdb")
    w.start_redis("--appendonly", "no")
    w.redis("CONFIG", "SET", "appendonly", "yes")
    until("the journal is written", lambda: b"aof_rewrite_in_progress:0" in w.redis("INFO", "persistence") and b"aof_rewrite_scheduled:0" in w.redis("INFO", "persistence"))
    w.end_redis()
    w.start_redis()
    w.start_up()


def promoted_once_for_all(w):
    promoted_once(w)
    truth.told_at_github(w)
    helps(w)


@case(world=dict(promote_ms="1500-2000"))
def backup_made_while_heroku_promotes_and_the_command_ends(w):
    w.type(PROMOTE)
    until("a poll", lambda: w.journal("GET /pipeline-promotions"))
    back_up(w)
    lose_and_restore(w)
    promoted_once_for_all(w)


@case()
def backup_made_before_the_post_and_the_command_sees_that_it_was_done(w):
    """The command went on to its end after the back-up, which knows nothing of that."""
    w.fault("POST /repos/acme/storefront/deployments", "slow", delay_ms=600, times=1)
    w.type(PROMOTE)
    until("the call before it is under way", lambda: w.faults_met() > 0)
    back_up(w)
    until("the final answer", w.ended, 40)
    w.quiet()
    lose_and_restore(w)
    promoted_once_for_all(w)
