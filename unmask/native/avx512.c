/* Kernels for x86 processors with AVX-512 and its VNNI: 64 products of bytes in one instruction. Included by amx.c for
 * those with tiles too. */
#include "kernels.h"

#ifdef __x86_64__

#if defined(TILES) && !defined(UNMASK_MODEL_TILES)
#define FEATURES "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,amx-tile,amx-int8"
#else
#define FEATURES "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"
#endif
#define TEXT(x) #x
#define PRAGMA(x) _Pragma(TEXT(x))
#ifdef __clang__
PRAGMA(clang attribute push(__attribute__((target(FEATURES))), apply_to = function))
#else
PRAGMA(GCC target(FEATURES))
#endif

#include <immintrin.h>

#define LANES 16
#define MOST_ROWS 6
#define ABREAST 2
#define PATCH 6
#define BESIDE 4
#define ZERO_8 128
#ifndef TILES
#define NAME "avx512-vnni"
#define KERNELS avx512_kernels
#endif

typedef float floats __attribute__((vector_size(64)));
typedef int32_t integers __attribute__((vector_size(64)));
typedef __m512i codes;

static int present(void) {
    const int found = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
#ifdef TILES
    return found && tiles_present();
#else
    return found;
#endif
}

static inline floats load(const float *at) { return (floats)_mm512_loadu_ps(at); }
static inline void store(float *at, floats x) { _mm512_storeu_ps(at, (__m512)x); }
static inline floats same(float x) { return (floats)_mm512_set1_ps(x); }
static inline integers same_integer(int32_t x) { return (integers)_mm512_set1_epi32(x); }
static inline floats larger(floats x, floats y) { return (floats)_mm512_max_ps((__m512)x, (__m512)y); }
static inline floats fused(floats x, floats y, floats z) {
    return (floats)_mm512_fmadd_ps((__m512)x, (__m512)y, (__m512)z);
}
static inline int any(integers x) { return _mm512_test_epi32_mask((__m512i)x, (__m512i)x) != 0; }
static inline unsigned fours_of(integers x) {
    const __m128i bytes = _mm512_cvtepi32_epi8((__m512i)x);
    return _mm_test_epi32_mask(bytes, bytes);
}
static inline float sum_of(floats x) { return _mm512_reduce_add_ps((__m512)x); }
static inline float largest_of(floats x) { return _mm512_reduce_max_ps((__m512)x); }
static inline floats sums_of(const floats *x) {
    /* Neighbours are added until each number is the sum of one vector: in pairs, in fours, then across the quarters. */
    __m512 pairs[8], fours[4], halves[2];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        const __m512 a = (__m512)x[2 * i], b = (__m512)x[2 * i + 1];
        pairs[i] = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const __m512d a = _mm512_castps_pd(pairs[2 * i]), b = _mm512_castps_pd(pairs[2 * i + 1]);
        fours[i] =
            _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        const __m512 a = fours[2 * i], b = fours[2 * i + 1];
        halves[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    }
    return (floats)_mm512_add_ps(_mm512_shuffle_f32x4(halves[0], halves[1], 0x88),
                                 _mm512_shuffle_f32x4(halves[0], halves[1], 0xdd));
}
static inline void transpose(const float *from, int64_t stride, float *to, int64_t to_stride) {
    __m512 x[16], y[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) x[i] = _mm512_loadu_ps(from + i * stride);
    /* Pairs, fours, then quarters of the vectors change places. */
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            const __m512d a = _mm512_castps_pd(y[i + j]), b = _mm512_castps_pd(y[i + j + 2]);
            x[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            x[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const __m512 a = _mm512_shuffle_f32x4(x[i], x[i + 4], 0x44), b = _mm512_shuffle_f32x4(x[i], x[i + 4], 0xee);
        const __m512 c = _mm512_shuffle_f32x4(x[i + 8], x[i + 12], 0x44);
        const __m512 d = _mm512_shuffle_f32x4(x[i + 8], x[i + 12], 0xee);
        _mm512_storeu_ps(to + i * to_stride, _mm512_shuffle_f32x4(a, c, 0x88));
        _mm512_storeu_ps(to + (i + 4) * to_stride, _mm512_shuffle_f32x4(a, c, 0xdd));
        _mm512_storeu_ps(to + (i + 8) * to_stride, _mm512_shuffle_f32x4(b, d, 0x88));
        _mm512_storeu_ps(to + (i + 12) * to_stride, _mm512_shuffle_f32x4(b, d, 0xdd));
    }
}
static inline integers nearest(floats x) { return (integers)_mm512_cvtps_epi32((__m512)x); }
static inline void store_bytes(int8_t *at, integers x) {
    _mm_storeu_si128((void *)at, _mm512_cvtepi32_epi8((__m512i)x));
}
static inline integers load_bytes(const int8_t *at) {
    return (integers)_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)at));
}
static inline floats load_half(const uint16_t *at) {
    return (floats)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)at));
}
static inline void store_half(uint16_t *at, floats x) {
    _mm256_storeu_si256((void *)at, _mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT));
}
static inline float one_half(const uint16_t *at) { return _cvtsh_ss(*at); }
static inline void store_one_half(uint16_t *at, float x) { *at = _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT); }

static inline codes load_codes(const uint8_t *at) { return _mm512_loadu_si512((const void *)at); }
static inline codes low_codes(codes c) { return _mm512_and_si512(c, _mm512_set1_epi8(15)); }
static inline codes high_codes(codes c) { return low_codes(_mm512_srli_epi16(c, 4)); }
static inline integers dot(integers sum, codes c, const int8_t *x, int wide) {
    int32_t four;
    (void)wide;
    __builtin_memcpy(&four, x, 4);
    return (integers)_mm512_dpbusd_epi32((__m512i)sum, c, _mm512_set1_epi32(four));
}

static inline integers dot_pairs(integers sum, integers pairs, const float *x) {
    int32_t two;
    __builtin_memcpy(&two, x, 4);
    return (integers)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)pairs, _mm512_set1_epi32(two));
}

#include "rows.h"

#ifdef __clang__
PRAGMA(clang attribute pop)
#endif

#endif
