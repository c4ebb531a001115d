/* Products of few bits, and rows taken out of matrices, against plain loops. */
#include "check.h"

typedef struct {
    float scale;
    int codes[4096];
} Row;

static float largest(const float *x, int64_t begin, int64_t end) {
    float most = 0;
    for (int64_t k = begin; k < end; k++) most = fmaxf(most, fabsf(x[k]));
    return most;
}

/* A group of a row of `width` in whole numbers, as unmask/quantization/products.py has it. */
static void rounded(const float *x, int64_t width, int64_t begin, int64_t end, int fine, Row *out) {
    const float most = largest(x, begin, end);
    float row = largest(x, 0, width), sum = 0;
    out->scale = row / 127;
    for (int i = 0; i < REACH && !fine && row / 2 >= most; i++, row /= 2) out->scale /= 2;
    for (int64_t k = begin; k < end; k++) sum += fabsf(x[k]);
    if (fine) {
        union {
            float number;
            uint32_t bits;
        } wanted = {sum / (MEAN * (float)(end - begin))};
        wanted.bits &= 0xffff0000;
        out->scale = fmaxf(fminf(out->scale, wanted.number), out->scale / FINEST);
    }
    const float rate = 1 / out->scale;
    for (int64_t k = begin; k < end; k++)
        out->codes[k] = most > 0 ? (int)nearbyintf(fine ? x[k] / out->scale : x[k] * rate) : 0;
}

static void check_product(Pool *pool, const Made *made, const float *x, int64_t count, const float *bias) {
    const Matrix *m = &made->matrix;
    float *y = room((size_t)(count * m->rows) * sizeof(float));
    static Row row;
    CHECK(multiply(pool, m, x, count, bias, y) == 0, "it says that there is no memory");
    for (int64_t i = 0; i < count; i++)
        for (int64_t n = 0; n < m->rows; n++) {
            double sum = bias ? bias[n] : 0, size = fabs(sum);
            for (int64_t begin = 0; begin < m->width; begin += m->group) {
                const int64_t end = begin + m->group < m->width ? begin + m->group : m->width;
                if (n == 0 || m->group < m->padded)
                    rounded(x + i * m->width, m->width, begin, end, (int)m->fine, &row);
                for (int64_t k = begin; k < end; k++) {
                    const double term = weight_at(made, n, k) * row.codes[k] * row.scale;
                    sum += term, size += fabs(term);
                }
            }
            CHECK(close_to(y[i * m->rows + n], sum, size + 1e-30), "%s: %d bits%s%s, group %d: [%d, %d] is %g, not %g",
                  library_kernels(), (int)m->bits, m->minima ? " with minima" : "", m->fine ? ", fine" : "",
                  (int)m->group, (int)i, (int)n,
                  y[i * m->rows + n], sum);
        }
    free(y);
}

static void check_taking(const Made *made) {
    const Matrix *m = &made->matrix;
    const int64_t ids[] = {m->rows - 1, 0, m->rows / 2, m->rows / 2};
    float *out = room((size_t)(4 * m->width) * sizeof(float));
    take_rows(m, ids, 4, out);
    for (int i = 0; i < 4; i++)
        for (int64_t k = 0; k < m->width; k++)
            CHECK(close_to(out[i * m->width + k], weight_at(made, ids[i], k), 1), "%s: [%d, %d]", library_kernels(),
                  (int)ids[i], (int)k);
    take_rows(m, ids, 0, out);
    free(out);
}

static void check_matrix(Pool *pool, int bits, int minima, int64_t group, int64_t rows, int64_t width, int64_t most) {
    Made made = make_matrix(bits, minima, group ? group : up(width, 8), rows, width, most > 1 && rows == 16);
    float *x = chances(most * width), *bias = chances(rows);
    for (int64_t k = 0; k < width; k++) x[k] *= k < width / 2 ? 0.0f : 1e-3f; /* groups of zeros, and small numbers */
    for (int64_t i = 0; i < most; i++) x[i * width + (width - 1 - i % width)] *= 40; /* far from the rest of its row */
    if (most > 1)
        for (int64_t k = 0; k < width; k++) x[width + k] = chance() < 0 ? -1.0f : 1.0f; /* all codes are the largest */
    const int64_t counts[] = {0, 1, 2, 3, 5, most};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int fine = 0; fine <= (bits == 8 && !minima && !group); fine++) {
            made.matrix.fine = fine;
            if (counts[i] <= most) check_product(pool, &made, x, counts[i], i % 2 ? bias : NULL);
        }
    check_taking(&made);
    free_matrix(&made);
    free(x), free(bias);
}

/* Rows far from 1 are as good as others, or 0 where they are too small; what is no number makes its row none, and no
 * other. */
static void check_extremes(Pool *pool, int bits, int minima, int64_t group) {
    enum { WIDTH = 64, COUNT = 6 };
    Made made = make_matrix(bits, minima, group, PANEL, WIDTH, 0);
    made.matrix.fine = group == WIDTH && bits == 8 && !minima;
    const float sizes[COUNT] = {1, 1e30f, 1e-24f, 1e-35f, 1, 1};
    float *x = chances(COUNT * WIDTH), y[COUNT * PANEL];
    for (int i = 0; i < COUNT * WIDTH; i++) x[i] *= sizes[i / WIDTH];
    check_product(pool, &made, x, 3, NULL);
    x[4 * WIDTH + 40] = NAN, x[5 * WIDTH + 9] = -INFINITY;
    CHECK(multiply(pool, &made.matrix, x, COUNT, NULL, y) == 0, "it says that there is no memory");
    for (int i = 0; i < COUNT * PANEL; i++) {
        CHECK(isnan(y[i]) == (i >= 4 * PANEL), "%s: %d bits: %g in row %d", library_kernels(), bits, y[i], i / PANEL);
        CHECK(i / PANEL != 3 || fabsf(y[i]) < 1e-24f, "%s: %d bits: %g", library_kernels(), bits, y[i]);
    }
    check_product(pool, &made, x, 3, NULL);
    free_matrix(&made);
    free(x);
}

/* Some rows of a float32 matrix against sums in double, into the middle of wider rows. */
static void check_floats(const Kernels *kernels, int64_t rows, int64_t width, int64_t inputs, int add, int biased) {
    const int64_t x_stride = width + 3, stride = rows + 5, first = rows > 4 ? 4 : 0;
    float *w = chances(rows * width), *x = chances(inputs * x_stride), *bias = chances(rows);
    float *y = chances(inputs * stride), *scratch = room((size_t)scratch_floats() * sizeof(float));
    float *before = room((size_t)(inputs * stride) * sizeof(float));
    memcpy(before, y, (size_t)(inputs * stride) * sizeof(float));
    const Matrix m = {.codes = (const uint8_t *)w, .rows = rows, .width = width, .bits = 32};
    kernels->multiply_floats(&m, first, rows, x, x_stride, inputs, biased ? bias : NULL, add, y, stride, scratch);
    for (int64_t i = 0; i < inputs; i++)
        for (int64_t n = 0; n < stride; n++) {
            double wanted = (add || n < first || n >= rows) ? before[i * stride + n] : 0, size = 1;
            for (int64_t k = 0; k < width && n >= first && n < rows; k++) {
                const double product = (double)w[n * width + k] * x[i * x_stride + k];
                wanted += product, size += fabs(product);
            }
            if (biased && n >= first && n < rows) wanted += bias[n];
            CHECK(close_to(y[i * stride + n], wanted, size), "%s: %d x %d: [%d, %d] is %g, not %g", kernels->name,
                  (int)rows, (int)width, (int)i, (int)n, y[i * stride + n], wanted);
        }
    free(w), free(x), free(bias), free(y), free(scratch), free(before);
}

void check_float_products(const Kernels *kernels) {
    const int64_t rows[] = {1, 6, ACROSS + 4, 2 * ACROSS + 21}, widths[] = {1, 16, 50, DEEP + 9}, inputs[] = {1, 3, 13, 20};
    for (int i = 0; i < 64; i++)
        check_floats(kernels, rows[i % 4], widths[i / 4 % 4], inputs[i / 16], i % 3 == 0, i % 5 < 3);
}

void check_products(Pool *pool) {
    const int64_t groups[] = {8, 32, 64, 0};
    for (int bits = 4; bits <= 8; bits += 4)
        for (int minima = 0; minima < 2; minima++) {
            for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
                check_matrix(pool, bits, minima, groups[g], 1, 1, 1);
                check_matrix(pool, bits, minima, groups[g], 37, 100, 15);
                check_matrix(pool, bits, minima, groups[g], 16, 64, 13);
            }
            check_matrix(pool, bits, minima, 64, 3, 20, 130);  /* more rows than are shared out at once */
            check_matrix(pool, bits, minima, 0, 16, 3000, 2); /* the largest sums */
            check_matrix(pool, bits, minima, 32, 300, 32, 3);  /* more panels than pieces */
            check_extremes(pool, bits, minima, 32);
            check_extremes(pool, bits, minima, 64);
        }
}
