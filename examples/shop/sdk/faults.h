// The ways a version of an example unit can be bad, each chosen by a build flag. They count
// requests instead of drawing lots, so that a demonstration and a test see the same every time.
#pragma once
#include "gsu.h"

static uint32_t fault_requests;

#ifdef FAULT_SLOW_EVERY
#ifndef FAULT_SLOW_ROUNDS
#define FAULT_SLOW_ROUNDS 14000000u // 30-60 ms on a 2020s server core; there is no sleep inside
#endif
static void burn(void) {
  volatile uint32_t x = fault_requests;
  for (uint32_t i = 0; i < FAULT_SLOW_ROUNDS; i++) x = x * 1664525u + 1013904223u;
}
#endif

// Runs before each request. A reply other than 0 is given instead of the real one.
static int64_t fault_before(void) {
  fault_requests++;
#ifdef FAULT_TRAP
  __builtin_trap();
#endif
#ifdef FAULT_CRASH_AFTER
  if (fault_requests > FAULT_CRASH_AFTER) {
    LOG(LOG_ERROR, "line table is corrupt, giving up");
    __builtin_trap();
  }
#endif
#ifdef FAULT_SPIN_EVERY
  if (fault_requests % FAULT_SPIN_EVERY == 0)
    for (volatile uint32_t forever = 1; forever;) forever = 1;
#endif
#ifdef FAULT_SLOW_EVERY
  if (fault_requests % FAULT_SLOW_EVERY == 0) burn();
#endif
#ifdef FAULT_ERROR_EVERY
  if (fault_requests % FAULT_ERROR_EVERY == 0) {
    LOG(LOG_ERROR, "price service lost");
    return reply_error(500, LITERAL("price service lost"));
  }
#endif
  return 0;
}

EXPORT("gsu_health") int32_t gsu_health(void) { return 0; }

EXPORT("gsu_ready") int32_t gsu_ready(void) {
#ifdef FAULT_NOT_READY
  return 1;
#else
  return 0;
#endif
}
