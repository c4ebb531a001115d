/* Kernels for any processor: four lanes, which a compiler maps to SSE2 or NEON, and plain loops. */
#include "kernels.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LANES 4
#define MOST_ROWS 2
#define ABREAST 1
#define PATCH 3
#define BESIDE 2
#define ZERO_8 128
#define NAME "portable"
#define KERNELS portable_kernels

typedef float floats __attribute__((vector_size(16)));
typedef int32_t integers __attribute__((vector_size(16)));
typedef uint8_t codes __attribute__((vector_size(16)));

static int present(void) { return 1; }

static inline floats load(const float *at) {
    floats x;
    __builtin_memcpy(&x, at, sizeof x);
    return x;
}
static inline void store(float *at, floats x) { __builtin_memcpy(at, &x, sizeof x); }
static inline floats same(float x) { return (floats){x, x, x, x}; }
static inline integers same_integer(int32_t x) { return (integers){x, x, x, x}; }
static inline floats larger(floats x, floats y) {
    const integers first = x > y;
    return (floats)((first & (integers)x) | (~first & (integers)y));
}
/* Not left to the compiler, which would fuse them in one place and not in another. */
static inline floats fused(floats x, floats y, floats z) {
#ifdef __FP_FAST_FMAF
    for (int i = 0; i < LANES; i++) z[i] = __builtin_fmaf(x[i], y[i], z[i]);
    return z;
#else
    return x * y + z;
#endif
}
static inline int any(integers x) { return (x[0] | x[1] | x[2] | x[3]) != 0; }
static inline unsigned fours_of(integers x) { return (unsigned)any(x); }
static inline float sum_of(floats x) { return x[0] + x[1] + x[2] + x[3]; }
static inline float largest_of(floats x) {
    const float first = x[0] > x[1] ? x[0] : x[1], second = x[2] > x[3] ? x[2] : x[3];
    return first > second ? first : second;
}
static inline floats sums_of(const floats *x) {
    floats sums;
    for (int i = 0; i < LANES; i++) sums[i] = sum_of(x[i]);
    return sums;
}
static inline void transpose(const float *from, int64_t stride, float *to, int64_t to_stride) {
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANES; j++) to[j * to_stride + i] = from[i * stride + j];
}
static inline integers nearest(floats x) {
    integers whole;
    for (int i = 0; i < LANES; i++) whole[i] = (int32_t)__builtin_rintf(x[i]);
    return whole;
}
static inline void store_bytes(int8_t *at, integers x) {
    for (int i = 0; i < LANES; i++) at[i] = (int8_t)x[i];
}
static inline integers load_bytes(const int8_t *at) {
    integers found;
    for (int i = 0; i < LANES; i++) found[i] = at[i];
    return found;
}

/* A float16's bits as float32: the exponent is moved by a product, which is exact for small numbers, too. */
static inline float one_half(const uint16_t *at) {
    const uint32_t sign = (uint32_t)(*at & 0x8000) << 16, rest = (uint32_t)(*at & 0x7fff) << 13;
    uint32_t bits = rest;
    float x;
    if ((*at & 0x7c00) == 0x7c00) {
        bits |= 0x7f800000; /* an infinity, or no number */
        __builtin_memcpy(&x, &bits, 4);
    } else {
        __builtin_memcpy(&x, &bits, 4);
        x *= 0x1p112f;
    }
    __builtin_memcpy(&bits, &x, 4);
    bits |= sign;
    __builtin_memcpy(&x, &bits, 4);
    return x;
}

/* The nearest float16, halves to even. */
static inline void store_one_half(uint16_t *at, float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) *at = sign | 0x7e00;
    else if (bits >= 0x477ff000) *at = sign | 0x7c00; /* 65520 and more */
    else if (bits < 0x38800000) { /* below 2^-14: steps of 2^-24 */
        float small;
        __builtin_memcpy(&small, &bits, 4);
        *at = sign | (uint16_t)__builtin_rintf(small * 0x1p24f);
    } else {
        const uint32_t rounded = bits - 0x38000000 + 0xfff + (bits >> 13 & 1);
        *at = sign | (uint16_t)(rounded >> 13);
    }
}
static inline floats load_half(const uint16_t *at) {
    return (floats){one_half(at), one_half(at + 1), one_half(at + 2), one_half(at + 3)};
}
static inline void store_half(uint16_t *at, floats x) {
    for (int i = 0; i < LANES; i++) store_one_half(at + i, x[i]);
}

static inline codes load_codes(const uint8_t *at) {
    codes c;
    __builtin_memcpy(&c, at, sizeof c);
    return c;
}
static inline codes low_codes(codes c) { return c & 15; }
static inline codes high_codes(codes c) { return c >> 4; }
static inline integers dot(integers sum, codes c, const int8_t *x, int wide) {
    (void)wide;
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++) sum[i] += (int32_t)c[4 * i + j] * x[j];
    return sum;
}

static inline integers dot_pairs(integers sum, integers pairs, const float *x) {
#ifdef __SSE2__ /* has this, but no product of 32 bits */
    int32_t two;
    __builtin_memcpy(&two, x, sizeof two);
    return sum + (integers)_mm_madd_epi16((__m128i)pairs, _mm_set1_epi32(two));
#else
    int16_t two[2];
    __builtin_memcpy(two, x, sizeof two);
    return sum + (pairs << 16 >> 16) * two[0] + (pairs >> 16) * two[1];
#endif
}

#include "rows.h"
