/* map.c -- a chained hash table from text to pointers; see util.h. */
#include "util.h"

#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    uint64_t hash;
    void *value;
    char key[];
};

struct sim_map {
    struct node **bucket;
    size_t buckets; /* a power of two */
    size_t count;
};

static uint64_t hash_of(const char *key) {
    uint64_t h = 14695981039346656037u;
    for (; *key != '\0'; key++) {
        h = (h ^ (unsigned char)*key) * 1099511628211u;
    }
    return h ^ h >> 29;
}

struct sim_map *sim_map_create(void) {
    struct sim_map *map = sim_alloc(sizeof(*map));
    map->buckets = 64;
    map->bucket = sim_alloc(map->buckets * sizeof(*map->bucket));
    return map;
}

void sim_map_destroy(struct sim_map *map, void (*value_free)(void *)) {
    if (map == NULL) return;
    for (size_t i = 0; i < map->buckets; i++) {
        for (struct node *n = map->bucket[i], *next; n != NULL; n = next) {
            next = n->next;
            if (value_free != NULL) value_free(n->value);
            free(n);
        }
    }
    free(map->bucket);
    free(map);
}

static struct node **find(const struct sim_map *map, const char *key, uint64_t hash) {
    struct node **at = &map->bucket[hash & (map->buckets - 1)];
    while (*at != NULL && ((*at)->hash != hash || strcmp((*at)->key, key) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void grow(struct sim_map *map) {
    size_t buckets = map->buckets * 2;
    struct node **bucket = sim_alloc(buckets * sizeof(*bucket));
    for (size_t i = 0; i < map->buckets; i++) {
        for (struct node *n = map->bucket[i], *next; n != NULL; n = next) {
            next = n->next;
            n->next = bucket[n->hash & (buckets - 1)];
            bucket[n->hash & (buckets - 1)] = n;
        }
    }
    free(map->bucket);
    map->bucket = bucket;
    map->buckets = buckets;
}

void *sim_map_get(const struct sim_map *map, const char *key) {
    struct node *n = *find(map, key, hash_of(key));
    return n != NULL ? n->value : NULL;
}

void *sim_map_put(struct sim_map *map, const char *key, void *value) {
    uint64_t hash = hash_of(key);
    struct node **at = find(map, key, hash);
    if (*at != NULL) {
        void *old = (*at)->value;
        (*at)->value = value;
        return old;
    }
    size_t len = strlen(key);
    struct node *n = sim_alloc(sizeof(*n) + len + 1);
    n->hash = hash;
    n->value = value;
    memcpy(n->key, key, len + 1);
    *at = n;
    if (++map->count > map->buckets) grow(map);
    return NULL;
}

void *sim_map_take(struct sim_map *map, const char *key) {
    struct node **at = find(map, key, hash_of(key));
    struct node *n = *at;
    if (n == NULL) return NULL;
    void *value = n->value;
    *at = n->next;
    free(n);
    map->count--;
    return value;
}

size_t sim_map_count(const struct sim_map *map) {
    return map->count;
}

void sim_map_each(const struct sim_map *map, void (*fn)(const char *key, void *value, void *arg),
                  void *arg) {
    for (size_t i = 0; i < map->buckets; i++) {
        for (struct node *n = map->bucket[i], *next; n != NULL; n = next) {
            next = n->next;
            fn(n->key, n->value, arg);
        }
    }
}
