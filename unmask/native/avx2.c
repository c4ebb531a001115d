/* Kernels for x86 processors with AVX2, and, included by avxvnni.c, for those with its VNNI too. */
#include "kernels.h"

#ifdef __x86_64__

#ifdef AVX_VNNI
#define FEATURES "avx2,fma,f16c,avxvnni"
#else
#define FEATURES "avx2,fma,f16c"
#endif
#define TEXT(x) #x
#define PRAGMA(x) _Pragma(TEXT(x))
#ifdef __clang__
PRAGMA(clang attribute push(__attribute__((target(FEATURES))), apply_to = function))
#else
PRAGMA(GCC target(FEATURES))
#endif

#include <cpuid.h>
#include <immintrin.h>

#define LANES 8
#define MOST_ROWS 2
#define ABREAST 1
#define PATCH 3
#define BESIDE 2
#ifdef AVX_VNNI
#define ZERO_8 128
#define NAME "avx2-vnni"
#define KERNELS avxvnni_kernels
#else
#define ZERO_8 0
#define NAME "avx2"
#define KERNELS avx2_kernels
#endif

typedef float floats __attribute__((vector_size(32)));
typedef int32_t integers __attribute__((vector_size(32)));
typedef __m256i codes;

static int present(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
#ifdef AVX_VNNI
    unsigned a = 0, b = 0, c = 0, d = 0; /* older compilers do not know the name */
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 4 & 1;
#else
    return 1;
#endif
}

static inline floats load(const float *at) { return (floats)_mm256_loadu_ps(at); }
static inline void store(float *at, floats x) { _mm256_storeu_ps(at, (__m256)x); }
static inline floats same(float x) { return (floats)_mm256_set1_ps(x); }
static inline integers same_integer(int32_t x) { return (integers)_mm256_set1_epi32(x); }
static inline floats larger(floats x, floats y) { return (floats)_mm256_max_ps((__m256)x, (__m256)y); }
static inline floats fused(floats x, floats y, floats z) {
    return (floats)_mm256_fmadd_ps((__m256)x, (__m256)y, (__m256)z);
}
static inline int any(integers x) { return _mm256_movemask_epi8((__m256i)x) != 0; }
static inline unsigned fours_of(integers x) {
    const int used = ~_mm256_movemask_ps((__m256)_mm256_cmpeq_epi32((__m256i)x, _mm256_setzero_si256()));
    return (unsigned)(((used & 15) != 0) | ((used & 240) != 0) << 1);
}
static inline float sum_of(floats x) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128((__m256)x), _mm256_extractf128_ps((__m256)x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
static inline float largest_of(floats x) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128((__m256)x), _mm256_extractf128_ps((__m256)x, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
static inline floats sums_of(const floats *x) {
    /* Neighbours are added until each number is the sum of one vector: in pairs, in fours, then across the halves. */
    __m256 fours[2];
    for (int i = 0; i < 2; i++) {
        const __m256 first = _mm256_hadd_ps((__m256)x[4 * i], (__m256)x[4 * i + 1]);
        const __m256 second = _mm256_hadd_ps((__m256)x[4 * i + 2], (__m256)x[4 * i + 3]);
        fours[i] = _mm256_hadd_ps(first, second);
    }
    return (floats)_mm256_add_ps(_mm256_permute2f128_ps(fours[0], fours[1], 0x20),
                                 _mm256_permute2f128_ps(fours[0], fours[1], 0x31));
}
static inline void transpose(const float *from, int64_t stride, float *to, int64_t to_stride) {
    __m256 x[8], y[8];
    for (int i = 0; i < 8; i++) x[i] = _mm256_loadu_ps(from + i * stride);
    /* Pairs, fours, then halves of the vectors change places. */
    for (int i = 0; i < 8; i += 2) {
        y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            x[i + 2 * j] = _mm256_shuffle_ps(y[i + j], y[i + j + 2], 0x44);
            x[i + 2 * j + 1] = _mm256_shuffle_ps(y[i + j], y[i + j + 2], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(x[i], x[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(x[i], x[i + 4], 0x31));
    }
}
static inline integers nearest(floats x) { return (integers)_mm256_cvtps_epi32((__m256)x); }
static inline void store_bytes(int8_t *at, integers x) {
    const __m128i pairs = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)x), _mm256_extracti128_si256((__m256i)x, 1));
    _mm_storel_epi64((void *)at, _mm_packs_epi16(pairs, pairs));
}
static inline integers load_bytes(const int8_t *at) {
    return (integers)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)at));
}
static inline floats load_half(const uint16_t *at) {
    return (floats)_mm256_cvtph_ps(_mm_loadu_si128((const void *)at));
}
static inline void store_half(uint16_t *at, floats x) {
    _mm_storeu_si128((void *)at, _mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT));
}
static inline float one_half(const uint16_t *at) { return _cvtsh_ss(*at); }
static inline void store_one_half(uint16_t *at, float x) { *at = _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT); }

static inline codes load_codes(const uint8_t *at) { return _mm256_loadu_si256((const void *)at); }
static inline codes low_codes(codes c) { return _mm256_and_si256(c, _mm256_set1_epi8(15)); }
static inline codes high_codes(codes c) { return low_codes(_mm256_srli_epi16(c, 4)); }
static inline integers dot(integers sum, codes c, const int8_t *x, int wide) {
    int32_t four;
    __builtin_memcpy(&four, x, 4);
    __m256i activations = _mm256_set1_epi32(four);
#ifdef AVX_VNNI
    (void)wide;
    return (integers)_mm256_dpbusd_avx_epi32((__m256i)sum, c, activations);
#else
    if (wide) {
        /* Products are added in pairs, in 16 bits: 255 * 127 * 2 is too much for these, 128 * 127 * 2 is not. So the
         * weight gives its sign to the activation. */
        const __m256i weights = _mm256_xor_si256(c, _mm256_set1_epi8((char)128));
        activations = _mm256_sign_epi8(activations, weights);
        c = _mm256_abs_epi8(weights);
    }
    const __m256i pairs = _mm256_maddubs_epi16(c, activations);
    return sum + (integers)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#endif
}

static inline integers dot_pairs(integers sum, integers pairs, const float *x) {
    int32_t two;
    __builtin_memcpy(&two, x, 4);
#ifdef AVX_VNNI
    return (integers)_mm256_dpwssd_avx_epi32((__m256i)sum, (__m256i)pairs, _mm256_set1_epi32(two));
#else
    return sum + (integers)_mm256_madd_epi16((__m256i)pairs, _mm256_set1_epi32(two));
#endif
}

#include "rows.h"

#ifdef __clang__
PRAGMA(clang attribute pop)
#endif

#endif
