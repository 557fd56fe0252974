/* page.c -- what a browser sees at the sim's own address: GET /, GET /page/NAME, and
 * GET /page/templates with every answer there is; see page.h. */
#include "page.h"

#include "sim.h"
#include "state.h"

#include <string.h>

static const struct sim_page_file *find(const char *path) {
    const char *name = strcmp(path, "/") == 0 ? "page.html" : path + strlen("/page/");
    if (strcmp(name, "templates") == 0) name = "templates.html";
    for (const struct sim_page_file *file = sim_page_files; file->name != NULL; file++) {
        if (strcmp(file->name, name) == 0) return file;
    }
    return NULL;
}

void sim_page_handle(struct sim *sim, struct sim_req *req) {
    (void)sim;
    if (strcmp(req->path, "/page/templates.json") == 0) {
        sim_reply_json(req, 200, sim_page_golden());
        return;
    }
    const struct sim_page_file *file = find(req->path);
    if (file == NULL) {
        sim_reply_error(req, 404, "not_found", "The sim has no such page.");
        return;
    }
    sim_reply_header(req, "Cache-Control", "no-store");
    sim_reply_header(req, "X-Content-Type-Options", "nosniff");
    sim_reply_header(req, "Content-Security-Policy",
                     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                     "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                     "frame-ancestors 'none'");
    sim_reply_data(req, 200, file->type, file->data, file->size_bytes);
}
