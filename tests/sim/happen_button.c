/* happen_button.c -- the page's buttons for what happens at GitHub and Heroku; see happen.h. */
#include "happen.h"

static const struct {
    const char *label, *path, *ask;
} buttons[] = {{"Push a commit", "/sim/push", "{}"},
               {"Push one that fails", "/sim/push", "{\"fail\":\"ci\"}"},
               {"Open a pull request", "/sim/pull", "{\"action\":\"open\"}"},
               {"Merge it", "/sim/pull", "{\"action\":\"merge\"}"},
               {"Crash a dyno", "/sim/crash", "{}"}};

void sim_happen_buttons(struct sim *sim, struct sim_req *req) {
    (void)sim;
    json_t *list = json_array();
    for (size_t i = 0; i < SIM_ARRAY_LEN(buttons); i++) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "label", buttons[i].label, "path",
                                              buttons[i].path, "ask",
                                              json_loads(buttons[i].ask, 0, NULL)));
    }
    sim_reply_json(req, 200, json_pack("{s:o}", "buttons", list));
}
