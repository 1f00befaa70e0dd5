/*
 * faults: makes the n-th of a program's fallible calls fail, for tests that go through all of them in turn.
 *
 * The linker sends the calls of Landfall's objects to wrappers here (-Wl,--wrap, tests/integration/meson.build), so the code
 * under test has no hooks. Between faults_arm and faults_disarm the calls of the chosen set are counted, on all threads; the n-th
 * fails in the chosen way, the others go through. In a child process the counting goes on by itself.
 */
#pragma once

#include <stdbool.h>

enum fault_set {
    FAULTS_LIBPQ,  /* what sends to or receives from PostgreSQL */
    FAULTS_MEMORY, /* malloc, calloc, realloc, strdup */
    FAULTS_SYSTEM, /* what starts an embedded cluster */
};

enum fault_kind {
    FAULT_REFUSED, /* the call does nothing and says that it failed, as when memory is short */
    FAULT_CUT,     /* libpq: the connection breaks before the call */
    FAULT_LOST,    /* libpq: the call is done, and the connection breaks before the answer is read */
    FAULT_LASTING, /* memory, system: this call and all after it are refused */
    FAULT_KINDS,
};

void faults_arm(enum fault_set set, enum fault_kind kind, unsigned n);
/* The same, of one function's calls only. */
void faults_arm_function(enum fault_set set, const char *function, enum fault_kind kind, unsigned n);

/* The function whose call failed, and what it was to do; NULL when there were fewer than n. */
const char *faults_disarm(void);

/* Calls counted since faults_arm. */
unsigned faults_counted(void);
