/* cli_check_setup.c -- what is missing of the settings, the URL, the directory of sockets; see cli_check_priv.h. */
#include "actors/cli.h"
#include "actors/cli_check_priv.h"
#include "common/mem.h"
#include "proto/value.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_missing(const struct sw_conf *conf, const json_t *refused, json_t *rows) {
    struct sw_missing missing[SW_MISSING_MAX];
    const size_t count = sw_cli_missing(conf, missing), before = json_array_size(rows);
    for (size_t i = 0; i < count; i++) {
        const char *name = missing[i].name;
        if (sw_list_has(refused, name)) continue;
        SW_AUTO(sw_text)
        char *mend = sw_printf(
            "set SLIPWAY_%s for %s; README, \"Connect a real workspace\", says where it comes from",
            name, missing[i].roles);
        sw__row(rows, "settings", SW__WARN, mend, "SLIPWAY_%s is not set here: %s", name,
                missing[i].without);
    }
    if (json_array_size(rows) == before && !json_array_size(refused))
        sw__row(rows, "settings", SW__OK, NULL, "all that is needed is set");
}

static void check_url(const struct sw_conf *conf, json_t *rows) {
    sw__row(rows, "base-url", sw_cli_base_is_wrong(conf) ? SW__FAIL : SW__OK,
            "set SLIPWAY_BASE_URL to the https URL at which Slack and browsers reach ingress",
            sw_cli_base_is_wrong(conf) ? "SLIPWAY_BASE_URL %s is no https URL: Slack sends nobody "
                                         "there"
                                       : "SLIPWAY_BASE_URL is %s",
            conf->base_url);
}

static void check_run_dir(const struct sw_conf *conf, json_t *rows) {
    struct stat st = {0};
    const char *dir = conf->run_dir;
    const int failed = stat(dir, &st) < 0 ? errno : 0;
    if (failed == ENOENT) {
        sw__row(rows, "run-dir", SW__OK, NULL, "%s is not there: no actor runs on this machine",
                dir);
    } else if (failed || !S_ISDIR(st.st_mode)) {
        sw__row(rows, "run-dir", SW__FAIL,
                "let SLIPWAY_RUN_DIR name a directory of the actors' own", "%s: %s", dir,
                failed ? strerror(failed) : "it is no directory");
    } else if (st.st_mode & 0022) {
        SW_AUTO(sw_text) char *mend = sw_printf("chmod 700 %s, where it is not a pod's own", dir);
        sw__row(rows, "run-dir", SW__WARN, mend, "others may change %s (mode %04o)", dir,
                (unsigned)st.st_mode & 0777);
    } else if (access(dir, W_OK) < 0) {
        sw__row(rows, "run-dir", SW__WARN, "run this as the user of the actors, or give it to them",
                "this user may not write to %s", dir);
    } else {
        sw__row(rows, "run-dir", SW__OK, NULL, "%s is private", dir);
    }
}

void sw__check_setup(const struct sw_conf *conf, const json_t *refused, json_t *rows) {
    check_missing(conf, refused, rows);
    check_url(conf, rows);
    check_run_dir(conf, rows);
}
