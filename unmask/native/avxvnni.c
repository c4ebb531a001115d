/* Kernels for x86 processors with AVX2 and AVX-VNNI, but without AVX-512: most laptops since 2022. */
#if defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11
#define AVX_VNNI
#include "avx2.c"
#endif
