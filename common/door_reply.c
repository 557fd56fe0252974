/* door_reply.c -- a reply as libmicrohttpd sends it; see door_priv.h. */
#include "common/door_priv.h"
#include "common/mem.h"

#include <string.h>

/* Headers that every answer of the kind needs; false where a value could not be a header. */
static bool dress(struct MHD_Response *response, const struct sw_reply *reply, bool close) {
    const char *type = reply->type ? reply->type : "text/plain; charset=utf-8";
    bool good = true;
    if (reply->body) good = MHD_add_response_header(response, "Content-Type", type);
    if (good && !strncmp(type, "text/html", 9)) {
        /* Pages carry links in their address: nothing may keep, frame or pass them on. */
        good = MHD_add_response_header(response, "Cache-Control", "no-store") &&
               MHD_add_response_header(response, "Referrer-Policy", "no-referrer") &&
               MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") &&
               MHD_add_response_header(response, "Content-Security-Policy",
                                       "default-src 'none'; style-src 'unsafe-inline'; "
                                       "base-uri 'none'; frame-ancestors 'none'");
    }
    if (good && reply->location)
        good = MHD_add_response_header(response, "Location", reply->location);
    if (good && reply->cookie)
        good = MHD_add_response_header(response, "Set-Cookie", reply->cookie);
    if (good && reply->id[0]) good = MHD_add_response_header(response, "X-Slipway-Id", reply->id);
    if (good && reply->status == 405)
        good = MHD_add_response_header(response, "Allow", "GET, HEAD, POST");
    if (good && close) good = MHD_add_response_header(response, "Connection", "close");
    return good;
}

struct MHD_Response *sw__response(struct sw_reply *reply, bool close) {
    char *body = sw_take(&reply->body);
    struct sw_reply dressing = *reply;
    dressing.body = body;
    struct MHD_Response *response =
        body ? MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_FREE)
             : MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    if (!response) abort(); /* memory, as in mem.c */
    if (!dress(response, &dressing, close)) {
        MHD_destroy_response(response);
        response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
        if (!response) abort();
        reply->status = 500;
    }
    return response;
}
