/* Kernels for x86 processors with AMX-INT8 (Sapphire Rapids and later): those of avx512.c, but products of 16 rows and
 * more are made by tiles, 16,384 products of bytes in one instruction (tiles.h).
 *
 * We have no such processor. With UNMASK_MODEL_TILES the same kernels are compiled over plain loops that do what the
 * tiles do: so tests/native/model.c tries them on any processor with AVX-512. */
#if defined(__x86_64__) && (defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11)

#ifdef UNMASK_MODEL_TILES

#define NAME "amx-int8-model"
#define KERNELS amx_model_kernels

static int tiles_present(void) { return 1; }

#else

#define _GNU_SOURCE /* syscall */
#define NAME "amx-int8"
#define KERNELS amx_kernels

#include <cpuid.h>
#include <stdint.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Linux keeps tiles from a process that has not asked for them. Its answer holds for the whole process and its
 * children; it says no where a thread's stack for signals has too little room for tiles. */
static int permitted(void) {
#ifdef __linux__
    enum { REQUEST = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM, for older headers */
    enum { UNASKED, YES, NO };
    static _Atomic int answer = UNASKED;
    if (answer == UNASKED) answer = syscall(SYS_arch_prctl, REQUEST, TILE_DATA) ? NO : YES;
    return answer == YES;
#else
    return 0;
#endif
}

/* Asked only where there is AVX-512, so that XGETBV is known to be there. */
static int tiles_present(void) {
    enum { TILE = 1 << 24, INT8 = 1 << 25, STATES = 1 << 17 | 1 << 18 };
    unsigned a = 0, b = 0, c = 0, d = 0, low, high;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & TILE) || !(d & INT8)) return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & STATES) == STATES && permitted();
}

/* Macros, since the numbers of tiles are a part of the instructions. GCC 12's do not say that loads read memory: what
 * they read might not be written yet, or never. */
#define SETTLED(at) __asm__ volatile("" : : "r"(at) : "memory")
#define tiles_configure(sizes)   \
    do {                         \
        SETTLED(sizes);          \
        _tile_loadconfig(sizes); \
    } while (0)
#define tile_load(tile, at, stride)    \
    do {                               \
        SETTLED(at);                   \
        _tile_loadd(tile, at, stride); \
    } while (0)
#define tile_store(tile, at, stride) _tile_stored(tile, at, stride)
#define tile_zero(tile) _tile_zero(tile)
#define tile_dot(sums, inputs, codes) _tile_dpbsud(sums, inputs, codes)
#define tiles_release() _tile_release()

#endif

#define TILES
#include "avx512.c"

#endif
