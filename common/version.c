/* version.c -- see version.h. */
#include "common/version.h"

#include "common/kafka.h"

#include <curl/curl.h>
#include <czmq.h>
#include <hiredis/hiredis.h>
#include <microhttpd.h>
#include <msgpack.h>
#include <sodium.h>
#include <zmq.h>

static json_t *numbers(int major, int minor, int patch) {
    return json_sprintf("%d.%d.%d", major, minor, patch);
}

json_t *sw_version_libraries(void) {
    json_t *all = json_object();
    int major, minor, patch;
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    json_object_set_new(
        all, "curl",
        json_sprintf("%s (%s)", curl->version, curl->ssl_version ? curl->ssl_version : "no TLS"));
    zsys_version(&major, &minor, &patch);
    json_object_set_new(all, "czmq", numbers(major, minor, patch));
    json_object_set_new(all, "hiredis", numbers(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH));
    json_object_set_new(all, "jansson", json_string(jansson_version_str()));
    json_object_set_new(all, "microhttpd", json_string(MHD_get_version()));
    json_object_set_new(all, "msgpack", json_string(msgpack_version()));
    json_object_set_new(all, "rdkafka", json_string(sw_kafka_version()));
    json_object_set_new(all, "sodium", json_string(sodium_version_string()));
    zmq_version(&major, &minor, &patch);
    json_object_set_new(all, "zmq", numbers(major, minor, patch));
    return all;
}
