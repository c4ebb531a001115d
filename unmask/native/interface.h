/* What the library and its callers share: matrices, a model as a list of operations, and what is asked of it.
 *
 * All memory belongs to the caller, but what `program_new` takes. Sizes are in elements unless they say bytes.
 */
#ifndef UNMASK_INTERFACE_H
#define UNMASK_INTERFACE_H

#include <stddef.h>
#include <stdint.h>

enum { PANEL = 16 }; /* rows of a matrix that lie side by side */

/* A matrix [rows, width] of few bits in panels; unmask/quantization/packed.py tells how codes lie.
 * weight = scale * (code - zero), zero being half of the codes; with minima, scale * code + minimum. Of 32 bits the codes
 * are float32 [rows, width], as they are. */
typedef struct {
    const uint8_t *codes;
    const uint16_t *scales; /* float16 [panels, groups, PANEL] */
    const uint16_t *minima; /* as scales, or NULL */
    int64_t rows;
    int64_t width;
    int64_t padded; /* width, up to a whole number of groups */
    int64_t group;  /* a multiple of 8 */
    int64_t bits;   /* 4, 8 or 32 */
    int64_t fine;   /* whether a few inputs of a row get 16 bits; then all of it is one group, without minima */
} Matrix;

/* What an operation does to rows of float32 buffers. Numbers in brackets name the fields of Operation that it reads. */
enum {
    EMBED,      /* tokens -> `target`: rows of `matrix` times number, plus rows of the table `weight` from `offset` on by
                   position */
    RMS_NORM,   /* `source` -> `target`: weight, number = epsilon */
    LAYER_NORM, /* `source` -> `target`: weight, bias, number = epsilon */
    MULTIPLY,   /* what was rounded last, or `source` for a matrix of 32 bits -> `target`: matrix, bias; added to what is
                   there with ADD */
    SETTLE,     /* queries, keys, values in `source`, `beside`, `target`: RMS norms of heads by `weight`, `bias`
                   (number = epsilon), turned by the tables `cosines`, `sines`; keys and values are remembered for `layer` */
    ATTEND,     /* queries in `source`, and what `layer` remembers -> `target`: number = scale, window (0: all) */
    ATTEND_ALL, /* the same among the rows of each text: keys in `beside`, values in `values`, all see all */
    ATTEND_MEMORY, /* the same over what `layer` has of the memory that a row's text looks at; all see all */
    ACTIVATE,   /* `source` bent by `function`, times `beside` if that is not -1 -> `target` */
    LOGITS,     /* as MULTIPLY, into the caller's logits */
    COPY,       /* `source` -> `target` */
    HIDDEN      /* `source` -> the caller's hidden states */
};

/* Flags: only the wanted rows, which are side by side from then on; add; the next one need not wait for this one; round a
 * few to 16 bits. */
enum { WANTED = 1, ADD = 2, ALONG = 4, FINE = 8 };

enum { RELU, SILU, GELU, GELU_TANH };

/* Numbers as they are remembered. BYTES: each head of a slot by its own scale, which lies behind it as float32. BRAINS are
 * bfloat16, of tensors alone. */
enum { FLOATS, HALVES, BYTES, BRAINS };

typedef struct {
    int32_t kind, flags;
    int32_t source, beside, target; /* buffers */
    int32_t layer, heads, kv_heads, head_width, window, function;
    int32_t values;
    int64_t round; /* then round the rows of `target` in groups of so many, for the MULTIPLYs that follow; 0: no */
    int64_t offset;
    double number;
    const Matrix *matrix;
    const float *weight, *bias;
    const float *cosines, *sines; /* [positions, head_width / 2] */
} Operation;

/* Tokens of several texts, those of each one after another: text i has rows starts[i] to starts[i + 1]. A text that
 * writes follows slots[i] remembered tokens, and its own are remembered after them, in pages: slot s is at
 * s % page of page tables[i * table + s / page]. */
typedef struct {
    const int64_t *tokens;
    int64_t length;        /* of all texts together */
    int64_t texts;
    const int64_t *starts; /* [texts + 1] */
    const int64_t *slots;  /* [texts]; NULL where nothing is remembered */
    const int64_t *apart;  /* [texts]: whether each of its rows looks back by itself, as one token would, bit for bit */
    const int64_t *wanted; /* [count]: rows whose logits are wanted */
    int64_t count;
    void *const *keys;     /* of each layer: [pages, kv_heads, page] slots of head_width numbers */
    void *const *values;
    const int32_t *tables; /* [texts, table] */
    int64_t table, page;
    int64_t kept;          /* which numbers keys and values are */
    int64_t memories;      /* other texts, read before, that these look at */
    const int64_t *readers; /* [memories + 1]: texts readers[m] to readers[m + 1] look at memory m */
    const int64_t *begins, *lengths; /* [memories]: its rows of the following, which are float32 */
    void *const *memory_keys; /* of each layer: rows of kv_heads * head_width numbers */
    void *const *memory_values;
    float *logits;         /* [count, vocabulary] */
    float *hidden;         /* [length, width] */
} Call;

/* Heads of rows of tokens that lie anywhere: head h of token t of row r is `row` * r + `head` * h + `token` * t numbers
 * from the beginning, its own numbers side by side. */
typedef struct {
    void *numbers;
    int64_t row, head, token;
} Tensor;

/* Attention of tensors of one kind of numbers, FLOATS or BRAINS. */
typedef struct {
    Tensor queries, keys, values, mixed;
    int64_t rows, heads, kv_heads, tokens, slots, width;
    const int64_t *lengths; /* [rows]: the slots that all tokens of a row see; NULL: all, or those up to their own */
    int64_t causal;
    int64_t kept;
    double scale;
} Glance;

/* Calls work(shared) once in each of some threads that its owner has, the caller's among them: libgomp's GOMP_parallel. */
typedef void Parallel(void (*work)(void *), void *shared, unsigned threads, unsigned flags);

typedef struct Pool Pool;
typedef struct Program Program;

const char *library_kernels(void);                 /* the instruction set in use */
int library_choose(const char *name);              /* another one; 0 if this processor has not got it */
Pool *pool_new(int threads);                       /* NULL if the system gives no more threads */
void pool_free(Pool *pool);
int multiply(Pool *pool, const Matrix *matrix, const float *x, int64_t rows, const float *bias, float *y);
void take_rows(const Matrix *matrix, const int64_t *ids, int64_t count, float *out);
void survey_sums(Pool *pool, const float *x, int64_t rows, int64_t width, int64_t stride, float *sums);
void survey_largest(Pool *pool, const float *x, int64_t rows, int64_t width, int64_t stride, int64_t count, float *values,
                    int64_t *places); /* of each row: [rows, count] */
int glance(Parallel *parallel, int threads, const Glance *glance); /* 0, or 1 where there is no memory */
Program *program_new(const Operation *operations, int count, const int64_t *widths, int buffers, int64_t most_rows);
void program_free(Program *program);
int program_run(Pool *pool, Program *program, const Call *call); /* 0, or 1 where there is no memory */

#endif
