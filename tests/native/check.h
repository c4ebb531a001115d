/* What the library's own tests share: chance, numbers next to one another, and matrices whose weights are known. */
#ifndef UNMASK_CHECK_H
#define UNMASK_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pool.h"

#define CHECK(true_that, ...)                                              \
    do {                                                                   \
        if (!(true_that)) {                                                \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #true_that); \
            fprintf(stderr, __VA_ARGS__);                                  \
            fprintf(stderr, "\n");                                         \
            exit(1);                                                       \
        }                                                                  \
    } while (0)

/* A matrix as the library reads it, and the codes that it was made of, row by row. */
typedef struct {
    Matrix matrix;
    uint8_t *plain; /* [rows, padded] */
} Made;

void *room(size_t bytes);              /* exactly so much: the sanitizer sees the first byte beyond it */
float chance(void);                    /* from -1 to 1 */
float *chances(int64_t count);
int close_to(double got, double wanted, double scale); /* to 1e-5 of `scale` */
double half_value(uint16_t bits);
Made make_matrix(int bits, int minima, int64_t group, int64_t rows, int64_t width, int extreme);
void free_matrix(Made *made);
double weight_at(const Made *made, int64_t row, int64_t column);

void check_halves(const Kernels *kernels);
void check_products(Pool *pool);
void check_float_products(const Kernels *kernels);
void check_tiles(void); /* by loops in place of them, and only where the processor has AVX-512 */
void check_rows(const Kernels *kernels);
void check_attention(const Kernels *kernels);
void check_glance(void); /* with the kernels in use */
void check_programs(int every); /* 0: only with the portable kernels */
void check_pools(void);
void check_chunks(void);

#endif
