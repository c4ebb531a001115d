/* Products, shared out among threads. */
#ifndef UNMASK_PRODUCTS_H
#define UNMASK_PRODUCTS_H

#include <stdlib.h>

#include "kernels.h"
#include "shares.h"

static inline void *floats_for(int64_t count) { return aligned_alloc(64, (size_t)up(count * 4 + 64, 64)); }

/* Room for `rows` rows; 0 where there is none. */
int rounded_new(Rounded *x, int64_t rows, int64_t padded, int64_t groups);
void rounded_free(Rounded *x);
/* The same as `rows` rows or fewer are rounded for a matrix with such groups. */
Rounded rounded_as(const Rounded *all, int64_t rows, int64_t padded, int64_t group, int fine);

/* The panels of a piece: so few that all threads are busy to the end; of many rows two at least, since kernels take these
 * abreast. */
int64_t panels_at_once(int64_t panels, int threads, int64_t rows);
/* A thread's work at a product of rounded rows, with a counter for each share; and at one with a matrix of float32. */
void share_product(Counter *counters, Thread thread, const Matrix *w, const Rounded *x, int64_t rows, const float *bias,
                   int add, float *y, int64_t stride);
void share_floats(Counter *counter, const Matrix *w, const float *x, int64_t x_stride, int64_t inputs, const float *bias,
                  int add, float *y, int64_t stride, float *scratch);

#endif
