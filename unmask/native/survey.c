/* Rows of scores: the logarithms of their sums, and the largest of them. */
#include "kernels.h"
#include "pool.h"

typedef struct {
    const float *x;
    int64_t rows, width, stride, count;
    float *values;
    int64_t *places; /* NULL: sums are wanted */
    _Alignas(64) Counter counter; /* on a line of its own: the others are read all the time */
} Survey;

static void survey(void *shared, Pool *pool, int thread) {
    Survey *s = shared;
    (void)pool, (void)thread;
    for (int64_t row; (row = take(&s->counter, 1)) < s->rows;) {
        const float *x = s->x + row * s->stride;
        if (s->places) kernels()->largest(x, s->width, s->count, s->values + row * s->count, s->places + row * s->count);
        else s->values[row] = kernels()->log_sum(x, s->width);
    }
}

void survey_sums(Pool *pool, const float *x, int64_t rows, int64_t width, int64_t stride, float *sums) {
    Survey s = {.x = x, .rows = rows, .width = width, .stride = stride, .values = sums};
    pool_run(pool, survey, &s);
}

void survey_largest(Pool *pool, const float *x, int64_t rows, int64_t width, int64_t stride, int64_t count, float *values,
                    int64_t *places) {
    Survey s = {.x = x, .rows = rows, .width = width, .stride = stride, .count = count, .values = values,
                .places = places};
    pool_run(pool, survey, &s);
}
