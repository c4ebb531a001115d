/* Products by tiles, as amx.c makes them, over the model of tiles in model.h: to the bit those of AVX-512, and those of
 * the portable kernels as far as sums of floats allow. */
#include "model.h"

#ifdef __x86_64__

extern const Kernels amx_model_kernels;

/* What is asked for: inputs begin..end by panels first..last, to the middle of wider rows. */
typedef struct {
    int64_t first, last, begin, end;
    int biased, add;
} Asked;

static Rounded rounded_rows(const Matrix *m, const float *x, int64_t rows) {
    const int64_t groups = m->padded / m->group;
    Rounded r = {.codes = room((size_t)(rows * m->padded)), .scales = room((size_t)(rows * 4)),
                 .powers = room((size_t)(rows * groups * 4)),
                 .shares = room((size_t)(rows * groups * 4)), .excess = room((size_t)(rows * groups * 4)),
                 .padded = m->padded, .group = m->group, .apart = rows};
    if (m->fine) {
        r.seconds = room((size_t)(rows * m->padded / 4) * sizeof(Second));
        r.fours = room((size_t)(rows * 4));
    }
    for (int64_t row = 0; row < rows; row++) portable_kernels.round_row(x + row * m->width, m->width, &r, row);
    return r;
}

static void forget(Rounded *r) {
    free(r->codes), free(r->scales), free(r->powers), free(r->shares), free(r->excess);
    free(r->seconds), free(r->fours);
}

/* As far apart as sums of the same numbers in another order may be. */
static double slack(const Matrix *m, const Rounded *r, int64_t row) {
    const int64_t groups = m->padded / m->group;
    double sum = 3;
    for (int64_t g = 0; g < groups; g++)
        sum += 2.5 * (double)m->group * (m->bits == 4 ? 16 : 256) * 127 * r->scales[row] *
               (m->fine ? 1 : 1 << (r->powers[g * r->apart + row] >> 23));
    return sum;
}

/* exact: all sums are whole numbers below 2^24. */
static void compare(const Matrix *m, const Rounded *r, Asked a, int exact) {
    const int64_t stride = m->rows + 3, size = a.end * stride;
    float *before = chances(size), *bias = chances(m->rows), *y[3];
    const Kernels *const sets[] = {&amx_model_kernels, &avx512_kernels, &portable_kernels};
    for (int64_t i = 0; exact && i < size; i++) before[i] = rintf(before[i] * 100);
    for (int64_t i = 0; exact && i < m->rows; i++) bias[i] = rintf(bias[i] * 100);
    const int64_t dots = model.dots;
    for (int set = 0; set < 3; set++) {
        y[set] = room((size_t)size * sizeof(float));
        memcpy(y[set], before, (size_t)size * sizeof(float));
        sets[set]->multiply(m, a.first, a.last, r, a.begin, a.end, a.biased ? bias : NULL, a.add, y[set], stride);
    }
    const int tiles = a.end - a.begin >= PANEL && a.last > a.first && (m->bits == 8 || m->group <= 512);
    CHECK((model.dots > dots) == tiles && !model.configured, "%d inputs: %d products of tiles", (int)(a.end - a.begin),
          (int)(model.dots - dots));
    CHECK(!memcmp(y[0], y[1], (size_t)size * sizeof(float)), "%d bits, group %d: %d x %d, inputs %d to %d",
          (int)m->bits, (int)m->group, (int)m->rows, (int)m->width, (int)a.begin, (int)a.end);
    for (int64_t i = 0; i < size; i++) {
        const int64_t row = i / stride, n = i % stride;
        const int made = row >= a.begin && n >= a.first * PANEL && n < a.last * PANEL && n < m->rows;
        const double allowed = made && !exact ? slack(m, r, row) : 0;
        CHECK(close_to(y[0][i], y[2][i], allowed), "%d bits, group %d: [%d, %d] is %g, not %g", (int)m->bits,
              (int)m->group, (int)row, (int)n, y[0][i], y[2][i]);
        if (!made) CHECK(y[0][i] == before[i], "[%d, %d] was written to", (int)row, (int)n);
    }
    free(before), free(bias), free(y[0]), free(y[1]), free(y[2]);
}

/* Scales of 1 and minima of 2: products are whole numbers. */
static void make_whole(Made *made, Rounded *r, int64_t rows) {
    const Matrix *m = &made->matrix;
    const int64_t groups = m->padded / m->group;
    uint16_t *scales = (uint16_t *)m->scales, *minima = (uint16_t *)m->minima;
    for (int64_t i = 0; i < up(m->rows, PANEL) * groups; i++) {
        scales[i] = 0x3c00; /* as float16 */
        if (minima) minima[i] = 0x4000;
    }
    for (int64_t i = 0; i < rows; i++) r->scales[i] = 1;
    for (int64_t i = 0; i < rows * groups; i++) r->powers[i] = 0, r->shares[i] = (float)(-r->excess[i] / 8);
}

static void check_shape(int bits, int minima, int64_t group, int64_t rows, int64_t width, Asked asked) {
    Made made = make_matrix(bits, minima, group ? group : up(width, 8), rows, width, rows == PANEL);
    float *x = chances(asked.end * width);
    for (int64_t i = 0; i < asked.end * width; i += 67) x[i] *= 40; /* some need a second byte */
    for (int fine = 0; fine <= (bits == 8 && !minima && !group); fine++) {
        made.matrix.fine = fine;
        Rounded r = rounded_rows(&made.matrix, x, asked.end);
        compare(&made.matrix, &r, asked, 0);
        int64_t fours = 0;
        for (int64_t row = 0; fine && row < asked.end; row++) fours += r.fours[row];
        if (fine && width >= 64) CHECK(fours > 0, "no second bytes of %d rows", (int)asked.end);
        if (!fine && width <= 300) make_whole(&made, &r, asked.end), compare(&made.matrix, &r, asked, 1);
        forget(&r);
    }
    free_matrix(&made);
    free(x);
}

void check_tiles(void) {
    static const struct {
        int64_t rows, width;
        Asked asked;
    } shapes[] = {
        {37, 100, {0, 3, 0, 16, 1, 0}},  {16, 64, {0, 1, 2, 35, 0, 1}},  {64, 200, {1, 4, 5, 53, 1, 1}},
        {50, 72, {0, 4, 0, 100, 0, 0}},  {33, 256, {1, 3, 3, 50, 1, 0}}, {20, 8, {0, 2, 0, 31, 0, 1}},
        {40, 130, {0, 0, 0, 20, 0, 0}},  {31, 300, {0, 2, 7, 22, 1, 1}}, {48, 40, {0, 3, 1, 130, 1, 1}},
    };
    const int64_t groups[] = {8, 32, 64, 72, 128, 0};
    if (!amx_model_kernels.present()) return;
    for (int bits = 4; bits <= 8; bits += 4)
        for (int minima = 0; minima < 2; minima++) {
            for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
                for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
                    check_shape(bits, minima, groups[g], shapes[s].rows, shapes[s].width, shapes[s].asked);
            /* More than is unpacked at once, and more than tiles unpack. */
            check_shape(bits, minima, 128, 20, 1300, (Asked){0, 2, 0, 33, 1, 0});
            check_shape(bits, minima, 0, 16, 3000, (Asked){0, 1, 0, 18, 0, 0}); /* the largest sums */
            for (int64_t count = 1; count <= 100; count++)
                check_shape(bits, minima, 32, 20, 40, (Asked){0, 2, 0, count, count % 2 == 0, count % 3 == 0});
        }
    printf("%s ", amx_model_kernels.name);
}

#else

void check_tiles(void) {}

#endif
