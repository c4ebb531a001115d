/* The choice of kernels. */
#include <string.h>

#include "kernels.h"

/* The best first. */
static const Kernels *const ALL[] = {
#ifdef __x86_64__
#if defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11
    &amx_kernels,
#endif
    &avx512_kernels,
#if defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11
    &avxvnni_kernels,
#endif
    &avx2_kernels,
#endif
    &portable_kernels,
};

/* Sizes of a product for which every way through a multiplication is gone: two tiles of rows, one, and a few rows more;
 * two panels abreast, and one. Groups fill half of a tile, or one and a half. */
enum { TRIED_ROWS = 3 * PANEL + 3, TRIED = 3 * PANEL, TRIED_WIDTH = 96 };

/* Whether kernels multiply as plain loops do. */
static int right_in(const Kernels *k, const Matrix *w, const Rounded *x) {
    float y[TRIED_ROWS * TRIED], row[TRIED_WIDTH];
    k->multiply(w, 0, TRIED / PANEL, x, 0, TRIED_ROWS, NULL, 0, y, TRIED);
    for (int n = 0; n < TRIED; n++) {
        portable_kernels.take_row(w, n, row);
        for (int m = 0; m < TRIED_ROWS; m++) {
            int32_t sum = 0;
            for (int i = 0; i < TRIED_WIDTH; i++) sum += (int32_t)row[i] * x->codes[m * TRIED_WIDTH + i];
            if ((float)sum != y[m * TRIED + n]) return 0; /* whole numbers below 2^24: exact */
        }
    }
    return 1;
}

/* The same in both widths of codes, and in narrow groups and wide ones. No machine that we have runs all kernels, so
 * each proves itself where it is to be used. */
static int right(const Kernels *k) {
    enum { GROUP = 32, MOST = TRIED_WIDTH / GROUP };
    static const uint16_t ONE = 0x3c00; /* as float16 */
    uint8_t codes[TRIED * TRIED_WIDTH];
    uint16_t scales[TRIED * MOST];
    int8_t x[TRIED_ROWS * TRIED_WIDTH];
    float steps[TRIED_ROWS], shares[TRIED_ROWS * MOST] = {0};
    int32_t powers[TRIED_ROWS * MOST] = {0};
    uint32_t random = 1;
    for (int i = 0; i < TRIED * TRIED_WIDTH; i++) codes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < TRIED * MOST; i++) scales[i] = ONE;
    for (int i = 0; i < TRIED_ROWS; i++) steps[i] = 1;
    for (int i = 0; i < TRIED_ROWS * TRIED_WIDTH; i++)
        x[i] = (int8_t)((int)((random = random * 1664525 + 1013904223) >> 24) % 255 - 127);
    for (int group = GROUP; group <= TRIED_WIDTH; group += TRIED_WIDTH - GROUP) {
        int32_t excess[TRIED_ROWS * MOST] = {0};
        for (int i = 0; i < TRIED_ROWS * TRIED_WIDTH; i++)
            excess[i % TRIED_WIDTH / group * TRIED_ROWS + i / TRIED_WIDTH] -= 8 * x[i];
        const Rounded rounded = {.codes = x, .scales = steps, .powers = powers, .shares = shares, .excess = excess,
                                 .padded = TRIED_WIDTH, .group = group, .apart = TRIED_ROWS};
        for (int bits = 4; bits <= 8; bits += 4) {
            const Matrix w = {codes, scales, NULL, TRIED, TRIED_WIDTH, TRIED_WIDTH, group, bits, 0};
            if (!right_in(k, &w, &rounded)) return 0;
        }
    }
    return 1;
}

static _Atomic(const Kernels *) chosen;

const Kernels *kernels(void) {
    const Kernels *found = chosen;
    for (size_t i = 0; !found; i++)
        if (ALL[i] == &portable_kernels || (ALL[i]->present() && right(ALL[i]))) chosen = found = ALL[i];
    return found;
}

const char *library_kernels(void) { return kernels()->name; }

int library_choose(const char *name) {
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++)
        if (!strcmp(ALL[i]->name, name) && ALL[i]->present() && right(ALL[i])) {
            chosen = ALL[i];
            return 1;
        }
    return 0;
}
