/* signature.c -- the signatures of Slack, Heroku and GitHub; see signature.h. */
#include "actors/signature.h"

#include "common/mem.h"
#include "common/seal.h"

#include <errno.h>
#include <string.h>

#define WINDOW_S 300
#define TIMESTAMP_DIGITS 12
#define PREFIX "v0="
#define PREFIX_GITHUB "sha256="
#define SMALL 4096

static int seconds_of(const char *text, int64_t *ret) {
    size_t size = strspn(text, "0123456789");
    int64_t seconds = 0;
    if (size == 0 || size > TIMESTAMP_DIGITS || text[size]) return -EBADMSG;
    for (size_t i = 0; i < size; i++) {
        seconds = seconds * 10 + (text[i] - '0');
    }
    *ret = seconds;
    return 0;
}

/* "v0:<timestamp>:<body>" */
static size_t base_of(const struct sw_request *request, char *ret) {
    size_t size = strlen(request->slack_timestamp);
    memcpy(ret, "v0:", 3);
    memcpy(ret + 3, request->slack_timestamp, size);
    ret[3 + size] = ':';
    memcpy(ret + 3 + size + 1, request->body, request->body_size);
    return 3 + size + 1 + request->body_size;
}

static bool signed_with(const char *secret, const char *base, size_t size, const char *hex) {
    uint8_t mac[32];
    char expected[SW_SIGNATURE_HEX + 1];
    if (!secret) return false;
    sw_hmac(secret, base, size, mac);
    sw_hex(mac, sizeof(mac), expected);
    return sw_bytes_equal(expected, hex, SW_SIGNATURE_HEX);
}

int sw_signature_slack(const struct sw_secret *secret, int64_t now_ms,
                       const struct sw_request *request, char ret[SW_SIGNATURE_HEX + 1]) {
    const char *hex = request->slack_signature + strlen(PREFIX);
    char small[SMALL];
    SW_AUTO(sw_text) char *large = NULL;
    int64_t seconds = 0;
    if (!secret->current) return -ENOKEY;
    if (!*request->slack_signature || !*request->slack_timestamp) return -ENODATA;
    if (strncmp(request->slack_signature, PREFIX, strlen(PREFIX)) != 0 ||
        strlen(hex) != SW_SIGNATURE_HEX)
        return -EBADMSG;
    int r = seconds_of(request->slack_timestamp, &seconds);
    if (r < 0) return r;
    int64_t away_s = now_ms / 1000 - seconds;
    if (away_s > WINDOW_S || away_s < -WINDOW_S) return -ESTALE;
    size_t most = request->body_size + 4 + TIMESTAMP_DIGITS;
    if (most > sizeof(small)) large = sw_malloc(most);
    char *base = large ? large : small;
    size_t size = base_of(request, base);
    if (!signed_with(secret->current, base, size, hex) &&
        !signed_with(secret->previous, base, size, hex))
        return -EBADMSG;
    memcpy(ret, hex, SW_SIGNATURE_HEX + 1);
    return 0;
}

static bool sealed_with(const char *secret, const struct sw_request *request) {
    uint8_t mac[32];
    if (!secret) return false;
    sw_hmac(secret, request->body, request->body_size, mac);
    SW_AUTO(sw_text) char *expected = sw_base64(mac, sizeof(mac));
    size_t size = strlen(expected);
    return strlen(request->heroku_hmac) == size &&
           sw_bytes_equal(expected, request->heroku_hmac, size);
}

int sw_signature_heroku(const struct sw_secret *secret, const struct sw_request *request) {
    if (!secret->current) return -ENOKEY;
    if (!*request->heroku_hmac) return -ENODATA;
    return sealed_with(secret->current, request) || sealed_with(secret->previous, request)
               ? 0
               : -EBADMSG;
}

int sw_signature_github(const struct sw_secret *secret, const struct sw_request *request) {
    const char *hex = request->github_signature + strlen(PREFIX_GITHUB);
    if (!secret->current) return -ENOKEY;
    if (!*request->github_signature) return -ENODATA;
    if (strncmp(request->github_signature, PREFIX_GITHUB, strlen(PREFIX_GITHUB)) != 0 ||
        strlen(hex) != SW_SIGNATURE_HEX)
        return -EBADMSG;
    bool now = signed_with(secret->current, request->body, request->body_size, hex);
    return now || signed_with(secret->previous, request->body, request->body_size, hex) ? 0
                                                                                        : -EBADMSG;
}
