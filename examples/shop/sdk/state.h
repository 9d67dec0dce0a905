// The state of a C unit: a map of bytes to bytes, which makes snapshot and merge one loop each,
// and the counters and the sum tree of the performance cases.
#pragma once
#include "gsu.h"

typedef struct {
  text key, value;
} entry;

static entry *table;
static uint32_t table_size, entries;

static uint32_t hash(text t) {
  uint32_t h = 2166136261u;
  for (uint32_t i = 0; i < t.length; i++) h = (h ^ (uint8_t)t.at[i]) * 16777619u;
  return h;
}

static entry *state_slot(text key) {
  uint32_t i = hash(key) & (table_size - 1);
  while (table[i].key.at && !text_is(table[i].key, key)) i = (i + 1) & (table_size - 1);
  return &table[i];
}

static bool state_grow(void) {
  entry *old = table;
  uint32_t old_size = table_size;
  entry *bigger = calloc(old_size ? old_size * 2 : 256, sizeof *table);
  if (!bigger) return false;
  table = bigger;
  table_size = old_size ? old_size * 2 : 256;
  for (uint32_t i = 0; i < old_size; i++)
    if (old[i].key.at) *state_slot(old[i].key) = old[i];
  free(old);
  return true;
}

static text state_get(text key) { return table ? state_slot(key)->value : (text){0, 0}; }

// False when memory is used up; the old value then still stands.
static bool state_put(text key, text value) {
  if (entries * 2 >= table_size && !state_grow()) return false;
  entry *e = state_slot(key);
  char *bytes = malloc(value.length ? value.length : 1);
  if (!bytes) return false;
  memcpy(bytes, value.at, value.length);
  if (!e->key.at) {
    char *name = malloc(key.length ? key.length : 1);
    if (!name) return free(bytes), false;
    memcpy(name, key.at, key.length);
    e->key = (text){name, key.length};
    entries++;
  }
  free((void *)e->value.at);
  e->value = (text){bytes, value.length};
  return true;
}

// ---- hand-over between instances: (u32 klen, u32 vlen, key, value)* ----

EXPORT("gsu_snapshot") int64_t gsu_snapshot(void) {
  reply_size = 0;
  put((text){"", 0});
  for (uint32_t i = 0; i < table_size; i++) {
    entry *e = &table[i];
    if (!e->key.at) continue;
    put((text){(const char *)&e->key.length, 4});
    put((text){(const char *)&e->value.length, 4});
    put(e->key);
    put(e->value);
  }
  return ((int64_t)(uintptr_t)reply_bytes << 32) | reply_size;
}

EXPORT("gsu_merge") int32_t gsu_merge(const char *p, uint32_t n) {
  const char *end = p + n;
  int32_t count = 0;
  for (; p < end; count++) {
    uint32_t key, value, left = (uint32_t)(end - p);
    if (left < 8) return -1;
    memcpy(&key, p, 4);
    memcpy(&value, p + 4, 4);
    if (key > left - 8 || value > left - 8 - key) return -1;
    if (!state_put((text){p + 8, key}, (text){p + 8 + key, value})) return -1;
    p += 8 + key + value;
  }
  return count;
}

// ---- performance cases ----

#define FAN 8
#define LEAVES 4096
static uint32_t counters[4096];
static int64_t level0[1], level1[8], level2[64], level3[512], level4[LEAVES];

EXPORT("gsu_update") int64_t gsu_update(uint32_t key, int64_t delta) {
  return counters[key & 4095] += (uint32_t)delta;
}

EXPORT("gsu_tree") int64_t gsu_tree(uint32_t leaf, int64_t value) {
  int64_t *levels[] = {level0, level1, level2, level3, level4};
  uint32_t i = leaf % LEAVES;
  level4[i] = value;
  for (int d = 3; d >= 0; d--) {
    i /= FAN;
    int64_t sum = 0;
    for (uint32_t c = 0; c < FAN; c++) sum += levels[d + 1][i * FAN + c];
    levels[d][i] = sum;
  }
  return level0[0];
}

EXPORT("gsu_pressure") int64_t gsu_pressure(uint32_t i) {
  char key[12] = "p", value[64];
  uint32_t n = 1;
  do key[n++] = (char)('0' + i % 10);
  while (i /= 10);
  memset(value, 'x', sizeof value);
  return state_put((text){key, n}, (text){value, sizeof value}) ? (int64_t)entries : -1;
}

EXPORT("gsu_batch") int64_t gsu_batch(int32_t op, uint32_t n, uint32_t seed) {
  int64_t last = 0;
  for (uint32_t i = 0; i < n; i++) switch (op) {
      case 0: last = gsu_update(seed + i, 1); break;
      case 1: last = gsu_tree(seed + i * 2654435761u, i); break;
      case 3: last = gsu_pressure(seed + i); break;
      default: return -1;
    }
  return last;
}
