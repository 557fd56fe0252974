/* page.c -- what a browser sees at the sim's own address; see sim.h. */
#include "sim.h"
#include "state.h"

void sim_page_handle(struct sim *sim, struct sim_req *req) {
    (void)sim;
    sim_reply_text(req, 200, "text/plain; charset=utf-8",
                   "slipway-sim: a simulated Slack and Heroku. For people and tests:\n"
                   "POST   /sim/type {team, user, channel, text}\n"
                   "GET    /sim/view?team=&channel=&viewer=\n"
                   "GET    /sim/journal            (?text=1)\n"
                   "GET    /sim/state\n"
                   "GET    /sim/faults, POST, DELETE\n"
                   "POST   /sim/config, /sim/reset, /sim/release {app}\n"
                   "POST   /sim/revoke {email}, /sim/expire {email}\n"
                   "GET    /sim/actors, POST /sim/kill {pid|role}\n"
                   "GET    /sim/health\n");
}
