// What a gaesup-unit/1 written in C needs: the request cut into parts, a JSON reply, and the
// three exports that say "I am a unit and here is how to hand me bytes".
// One instance is entered by one caller at a time, so plain globals are safe.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define LITERAL(s) ((text){(s), sizeof(s) - 1})

typedef struct {
  const char *at;
  uint32_t length;
} text;

static bool text_is(text a, text b) {
  return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

// ---- memory: the host writes a request where gsu_alloc says ----

EXPORT("gsu_abi") int32_t gsu_abi(void) { return 1; }
EXPORT("gsu_alloc") void *gsu_alloc(uint32_t n) { return malloc(n ? n : 1); }
EXPORT("gsu_free") void gsu_free(void *p, uint32_t n) {
  (void)n;
  free(p);
}

// ---- log: a line of this replica, through the one function the host offers ----

enum { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

__attribute__((import_module("gaesup"), import_name("log"))) void host_log(int32_t level, const char *at, uint32_t length);

#define LOG(level, s) host_log(level, s, sizeof(s) - 1)

// ---- request: METHOD SP target CRLF (name: value CRLF)* CRLF body ----

typedef struct {
  text method, path, query, body;
} request;

static bool request_parse(text raw, request *out) {
  const char *end = raw.at + raw.length;
  const char *space = memchr(raw.at, ' ', raw.length);
  if (!space) return false;
  const char *stop = space + 1;
  while (stop < end && *stop != '\r' && *stop != ' ') stop++;
  const char *mark = memchr(space + 1, '?', (size_t)(stop - space - 1));
  const char *path_end = mark ? mark : stop;
  out->method = (text){raw.at, (uint32_t)(space - raw.at)};
  out->path = (text){space + 1, (uint32_t)(path_end - space - 1)};
  out->query = mark ? (text){mark + 1, (uint32_t)(stop - mark - 1)} : (text){stop, 0};
  out->body = (text){end, 0};
  for (const char *p = stop; p + 4 <= end; p++)
    if (memcmp(p, "\r\n\r\n", 4) == 0) {
      out->body = (text){p + 4, (uint32_t)(end - p - 4)};
      return true;
    }
  return false;
}

// Takes "/carts" off the front of "/carts/7/items"; false when nothing is left.
static bool path_next(text *rest, text *segment) {
  if (rest->length < 2 || rest->at[0] != '/') return false;
  uint32_t n = 1;
  while (n < rest->length && rest->at[n] != '/') n++;
  *segment = (text){rest->at + 1, n - 1};
  *rest = (text){rest->at + n, rest->length - n};
  return segment->length > 0;
}

// ---- flat JSON in: the value of one member, wherever it stands ----

static bool json_value(text json, text name, const char **value) {
  const char *end = json.at + json.length;
  for (const char *p = json.at; p + name.length + 2 < end; p++) {
    if (*p != '"' || memcmp(p + 1, name.at, name.length) != 0 || p[name.length + 1] != '"') continue;
    const char *v = p + name.length + 2;
    while (v < end && (*v == ' ' || *v == ':')) v++;
    *value = v;
    return v < end;
  }
  return false;
}

static bool json_string(text json, text name, text *out) {
  const char *v, *end = json.at + json.length;
  if (!json_value(json, name, &v) || *v != '"') return false;
  const char *close = memchr(v + 1, '"', (size_t)(end - v - 1));
  if (!close) return false;
  *out = (text){v + 1, (uint32_t)(close - v - 1)};
  return true;
}

static bool json_number(text json, text name, uint32_t *out) {
  const char *v, *end = json.at + json.length;
  if (!json_value(json, name, &v) || *v < '0' || *v > '9') return false;
  uint32_t n = 0;
  for (; v < end && *v >= '0' && *v <= '9' && n < 100000000; v++) n = n * 10 + (uint32_t)(*v - '0');
  *out = n;
  return true;
}

// ---- reply: CGI head, then JSON; stays valid until the next call ----

#define HEAD_ROOM 96
static char *reply_bytes;
static uint32_t reply_size, reply_capacity;

static void put(text t) {
  if (reply_size + t.length > reply_capacity) {
    uint32_t capacity = (reply_size + t.length) * 2;
    char *grown = realloc(reply_bytes, capacity);
    if (!grown) __builtin_trap();
    reply_bytes = grown;
    reply_capacity = capacity;
  }
  memcpy(reply_bytes + reply_size, t.at, t.length);
  reply_size += t.length;
}

#define PUT(s) put(LITERAL(s))

static void put_number(uint64_t n) {
  char digits[20];
  uint32_t at = sizeof digits;
  do digits[--at] = (char)('0' + n % 10);
  while (n /= 10);
  put((text){digits + at, (uint32_t)sizeof digits - at});
}

// A quoted JSON string; what JSON forbids inside one becomes '?'.
static void put_quoted(text t) {
  PUT("\"");
  for (uint32_t i = 0; i < t.length; i++) {
    char c = t.at[i];
    bool plain = (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f && c != '"' && c != '\\';
    put((text){plain ? &c : "?", 1});
  }
  PUT("\"");
}

static void reply_begin(void) {
  static const char room[HEAD_ROOM];
  reply_size = 0;
  put((text){room, HEAD_ROOM});
}

// Writes the head right before the body that `put` collected since reply_begin.
static int64_t reply_end(int status) {
  char head[HEAD_ROOM] = "Status: 000\r\nContent-Type: application/json\r\n\r\n";
  head[8] = (char)('0' + status / 100);
  head[9] = (char)('0' + status / 10 % 10);
  head[10] = (char)('0' + status % 10);
  uint32_t n = (uint32_t)strlen(head), start = HEAD_ROOM - n;
  memcpy(reply_bytes + start, head, n);
  return ((int64_t)(uintptr_t)(reply_bytes + start) << 32) | (reply_size - start);
}

static int64_t reply_error(int status, text message) {
  reply_begin();
  PUT("{\"error\":");
  put_quoted(message);
  PUT("}\n");
  return reply_end(status);
}
