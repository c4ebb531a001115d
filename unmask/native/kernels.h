/* What each instruction set provides: everything that is done to rows of numbers. One thread runs each call. */
#ifndef UNMASK_KERNELS_H
#define UNMASK_KERNELS_H

#include "interface.h"

/* Second bytes of four columns, which products take together. */
typedef struct {
    int32_t column; /* the first of them */
    int8_t bytes[4];
} Second;

/* Rows rounded to 8 bits: x = scale * 2^power * code, of a row's scale and a group's power. Of fine ones, where a whole
 * row is one group, a few columns have a second byte: x = scale * (code + STEP * second). */
typedef struct {
    int8_t *codes;   /* [rows, padded] */
    float *scales;   /* [rows] */
    int32_t *powers; /* [groups, apart]: 0 to REACH, where a float32 has its exponent; not of fine rows */
    float *shares;   /* [groups, apart]: 2^power times the sum of a group's codes, for weights with minima */
    int32_t *excess; /* [groups, apart]: -8 times that sum, for weights without, whose 4 bits are 8 too high; with what
                        second bytes stand for */
    Second *seconds; /* [rows, padded / 4]: first those that there are; NULL for rows that are not fine */
    int32_t *fours;  /* [rows]: how many */
    int64_t padded, group, apart;
} Rounded;

/* One key head's part of an attention: which queries look at which of its slots. */
typedef struct {
    const void *keys, *values; /* slots of `width` numbers, `stride` bytes apart */
    const int32_t *table;      /* slot s is `far` * table[s / page] bytes on, and then s % page; NULL: all in one row */
    int64_t page, far;
    int64_t width, stride;
    int kept;
    float scale;
    int64_t window; /* 0: all */
    int64_t all;    /* so many slots, all seen by all; 0: a token sees those up to its own */
    const char *next; /* what attend_one will be asked to look at then, as far as anybody knows; or NULL */
} Attention;

/* Bytes of one head of a slot. */
static inline int64_t slot_bytes(int64_t width, int64_t kept) {
    return kept == BYTES ? width + 4 : width * (kept == FLOATS ? 4 : 2);
}

typedef struct {
    const char *name;
    int (*present)(void);
    void (*round_row)(const float *x, int64_t width, const Rounded *out, int64_t row);
    /* Panels first..last of the product of rows begin..end, to y [rows, stride]. */
    void (*multiply)(const Matrix *matrix, int64_t first, int64_t last, const Rounded *x, int64_t begin, int64_t end,
                     const float *bias, int add, float *y, int64_t stride);
    /* The same with rows first..last of a matrix of float32, of inputs as they are. scratch: scratch_floats. */
    void (*multiply_floats)(const Matrix *matrix, int64_t first, int64_t last, const float *x, int64_t x_stride,
                            int64_t inputs, const float *bias, int add, float *y, int64_t stride, float *scratch);
    void (*take_row)(const Matrix *matrix, int64_t row, float *out);
    void (*rms_norm)(const float *x, const float *weight, double epsilon, int64_t width, float *y);
    void (*layer_norm)(const float *x, const float *weight, const float *bias, double epsilon, int64_t width, float *y);
    void (*turn)(float *x, const float *cosines, const float *sines, int64_t width);
    void (*activate)(const float *x, const float *gate, int function, int64_t width, float *y);
    void (*add)(const float *x, int64_t width, float *y);
    float (*log_sum)(const float *x, int64_t width); /* the logarithm of the sum of e^x */
    /* The `count` largest of some numbers and their places, the largest first, of equals the first. */
    void (*largest)(const float *x, int64_t width, int64_t count, float *values, int64_t *places);
    void (*remember)(const float *x, int64_t width, int kept, void *at);
    void (*widen)(const void *from, int kept, int64_t width, float *to);
    void (*narrow)(const float *from, int64_t width, uint16_t *to); /* to bfloat16, halves to even */
    /* Heads of one token, `apart` floats from one to the next, over slots first..last: the mixed values, not yet
     * divided by `sums`, and the largest score of each head. scratch: see scratch_one. */
    void (*attend_one)(const Attention *a, const float *queries, int64_t heads, int64_t apart, int64_t first,
                       int64_t last, float *mixed, float *most, float *sums, float *scratch);
    /* Heads of several tokens: queries and mixed [tokens, heads, width] in rows of `stride`; the first token's slot is
     * `slot`. scratch: see scratch_many. */
    void (*attend_many)(const Attention *a, const float *queries, int64_t heads, int64_t tokens, int64_t slot,
                        int64_t stride, float *mixed, float *scratch);
    /* The same by products of 16 bits, twice as fast: for numbers that are not remembered to more. See whole.h. */
    void (*attend_rounded)(const Attention *a, const float *queries, int64_t heads, int64_t tokens, int64_t slot,
                           int64_t stride, float *mixed, float *scratch);
} Kernels;

enum {
    REACH = 16,  /* powers of 2 by which the scales of a row's groups differ, at most */
    STEP = 254,  /* of second bytes: so that both bytes are from -127 to 127 */
    MEAN = 28,   /* steps that the numbers of a fine row have on average; those beyond 127 get a second byte */
    FINEST = 128, /* a fine row's scale is this part of what it were without second bytes, or more: they hold no more */
    CHUNK = 512, /* slots that one thread looks through for one token, at most */
    BRIEF = 128, /* and at least, where there are so many */
    NEAR = 32,   /* slots whose keys or values are read in one go */
    BLOCK = 64,  /* slots, and tokens, that are looked at together where there are many */
    ACROSS = 64, /* rows of a matrix of float32 that are transposed to columns together, and met by all inputs */
    DEEP = 512,  /* so much of them at a time: what stays near the processor */
};

static inline int64_t up(int64_t number, int64_t step) { return (number + step - 1) / step * step; }

/* How far apart the numbers of two groups of so many rows lie; no power of 2, or they would push one another out of a
 * processor's cache. */
static inline int64_t beside(int64_t rows) { return rows <= PANEL ? rows : up(rows, 2 * PANEL) + PANEL; }

/* Floats of scratch that attend_one and attend_many want. */
static inline int64_t scratch_one(int64_t heads, int64_t width) {
    return heads * CHUNK + (heads + 2 * CHUNK) * up(width, PANEL);
}
static inline int64_t scratch_many(int64_t heads, int64_t width) {
    int64_t rows = heads * BLOCK, wide = up(width, PANEL);
    return rows * (BLOCK + 2 * wide + 1 + PANEL) + 3 * BLOCK * wide;
}

static inline int64_t scratch_rounded(int64_t heads, int64_t width) {
    const int64_t rows = up(heads * BLOCK, PANEL), wide = up(width, PANEL);
    return BLOCK * (2 * wide + 4 * PANEL + 2) + rows * (wide / 2 + wide + 4);
}
static inline int64_t scratch_floats(void) { return ACROSS * DEEP; }

const Kernels *kernels(void); /* those in use */

extern const Kernels portable_kernels, avx2_kernels, avxvnni_kernels, avx512_kernels, amx_kernels;

#endif
