/* page_golden.c -- the golden files of the templates in one list, for the page that shows them all;
 * see page.h. */
#include "page.h"

#include "util.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#ifndef SIM_GOLDEN
#define SIM_GOLDEN "tests/golden"
#endif

static int is_golden(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

json_t *sim_page_golden(void) {
    const char *dir = getenv("SIM_GOLDEN");
    struct dirent **entries = NULL;
    json_t *list = json_array();
    if (dir == NULL) dir = SIM_GOLDEN;
    int count = scandir(dir, &entries, is_golden, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        SIM_FREE char *path = sim_fmt("%s/%s", dir, name);
        json_t *file = json_load_file(path, 0, NULL);
        if (file != NULL)
            json_array_append_new(list, json_pack("{s:s%, s:O}", "name", name, strlen(name) - 5,
                                                  "message", json_object_get(file, "out")));
        json_decref(file);
        free(entries[i]);
    }
    free(entries);
    return json_pack("{s:o}", "templates", list);
}
