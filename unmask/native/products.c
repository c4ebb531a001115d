/* What is done with a matrix: products with rows, shared out among threads, and rows taken out of it. */
#include "products.h"

enum { ROWS_AT_ONCE = 96 }; /* a multiple of every kernel's MOST_ROWS */

int rounded_new(Rounded *x, int64_t rows, int64_t padded, int64_t groups) {
    x->codes = aligned_alloc(64, (size_t)up(rows * padded + 64, 64));
    x->scales = floats_for(rows);
    x->powers = floats_for(beside(rows) * groups);
    x->shares = floats_for(beside(rows) * groups);
    x->excess = floats_for(beside(rows) * groups);
    x->seconds = aligned_alloc(64, (size_t)up(rows * padded / 4 * (int64_t)sizeof(Second) + 64, 64));
    x->fours = floats_for(rows);
    return x->codes && x->scales && x->powers && x->shares && x->excess && x->seconds && x->fours;
}

void rounded_free(Rounded *x) {
    free(x->codes);
    free(x->scales);
    free(x->powers);
    free(x->shares);
    free(x->excess);
    free(x->seconds);
    free(x->fours);
}

Rounded rounded_as(const Rounded *all, int64_t rows, int64_t padded, int64_t group, int fine) {
    Rounded x = *all;
    x.seconds = fine ? all->seconds : NULL;
    x.padded = padded;
    x.group = group;
    x.apart = beside(rows);
    return x;
}

int64_t panels_at_once(int64_t panels, int threads, int64_t rows) {
    return up(panels / (threads * 8) + 1, rows > 1 ? 2 : 1);
}

/* Panels and rows are shared out in pieces. */
void share_product(Counter *counters, Thread thread, const Matrix *w, const Rounded *x, int64_t rows, const float *bias,
                   int add, float *y, int64_t stride) {
    const int64_t panels = (w->rows + PANEL - 1) / PANEL, step = panels_at_once(panels, thread.of, rows);
    const int64_t across = (panels + step - 1) / step;
    for (int64_t after = 0; after < shares(thread, rows); after++) {
        const Share share = share_of(thread, after, rows, counters);
        const int64_t down = (share.end - share.begin + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
        for (int64_t piece; (piece = take(share.counter, 1)) < across * down;) {
            const int64_t panel = piece / down * step, row = share.begin + piece % down * ROWS_AT_ONCE;
            kernels()->multiply(w, panel, panel + step < panels ? panel + step : panels, x, row,
                                row + ROWS_AT_ONCE < share.end ? row + ROWS_AT_ONCE : share.end, bias, add, y, stride);
        }
    }
}

/* Rows of a matrix of float32, so many at a time. */
void share_floats(Counter *counter, const Matrix *w, const float *x, int64_t x_stride, int64_t inputs, const float *bias,
                  int add, float *y, int64_t stride, float *scratch) {
    for (int64_t first; (first = take(counter, ACROSS)) < w->rows;)
        kernels()->multiply_floats(w, first, first + ACROSS < w->rows ? first + ACROSS : w->rows, x, x_stride, inputs,
                                   bias, add, y, stride, scratch);
}

typedef struct {
    const Matrix *matrix;
    const float *x, *bias;
    float *y;
    int64_t rows;
    Rounded rounded;
    Counter *counters;
} Single;

static void single(void *shared, Pool *pool, int thread) {
    Single *s = shared;
    const Thread me = {thread, pool_threads(pool)};
    for (int64_t after = 0; after < shares(me, s->rows); after++) {
        const Share share = share_of(me, after, s->rows, s->counters);
        for (int64_t row, end; next_rows(&share, &row, &end);)
            for (; row < end; row++)
                kernels()->round_row(s->x + row * s->matrix->width, s->matrix->width, &s->rounded, row);
    }
    pool_wait(pool);
    share_product(s->counters + me.of, me, s->matrix, &s->rounded, s->rows, s->bias, 0, s->y, s->matrix->rows);
}

int multiply(Pool *pool, const Matrix *matrix, const float *x, int64_t rows, const float *bias, float *y) {
    Single s = {.matrix = matrix, .x = x, .bias = bias, .y = y, .rows = rows};
    Rounded all = {0};
    s.counters = calloc((size_t)pool_threads(pool) * 2, sizeof(Counter));
    const int room = s.counters && rounded_new(&all, rows, matrix->padded, matrix->padded / matrix->group);
    s.rounded = rounded_as(&all, rows, matrix->padded, matrix->group, (int)matrix->fine);
    if (room) pool_run(pool, single, &s);
    rounded_free(&all);
    free(s.counters);
    return !room;
}

void take_rows(const Matrix *matrix, const int64_t *ids, int64_t count, float *out) {
    for (int64_t i = 0; i < count; i++) kernels()->take_row(matrix, ids[i], out + i * matrix->width);
}
