/* How threads share out rows. */
#ifndef UNMASK_SHARES_H
#define UNMASK_SHARES_H

#include "pool.h"

enum { ROWS_TOGETHER = 48 }; /* that fall to one thread: a multiple of every kernel's MOST_ROWS */

/* Which of the threads, and how many there are. */
typedef struct {
    int number, of;
} Thread;

/* Some of the rows. They fall to the same thread in every operation, since what it has made of them is near it; and to
 * others that have done all of theirs. */
typedef struct {
    int64_t begin, end;
    Counter *counter; /* of what has been taken of them */
} Share;

/* How many shares there are of so many rows. */
static inline int64_t shares(Thread thread, int64_t rows) {
    const int64_t most = rows / ROWS_TOGETHER;
    return most < 1 ? 1 : most < thread.of ? most : thread.of;
}

/* A thread's own share, or the one that is so many after it. */
static inline Share share_of(Thread thread, int64_t after, int64_t rows, Counter *counters) {
    const int64_t count = shares(thread, rows), whose = (thread.number * count / thread.of + after) % count;
    const int64_t begin = rows * whose / count, end = rows * (whose + 1) / count, half = ROWS_TOGETHER / 2;
    return (Share){(begin + half) / ROWS_TOGETHER * ROWS_TOGETHER,
                   whose + 1 < count ? (end + half) / ROWS_TOGETHER * ROWS_TOGETHER : rows, counters + whose};
}

/* Rows of a share that nobody has taken yet, several of many: who takes some waits until memory has what it wrote. */
static inline int next_rows(const Share *share, int64_t *begin, int64_t *end) {
    const int64_t some = 1 + (share->end - share->begin) / 32;
    *begin = share->begin + take(share->counter, some);
    *end = *begin + some < share->end ? *begin + some : share->end;
    return *begin < *end;
}

#endif
