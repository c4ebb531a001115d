/* What AMX's tiles do, in plain loops: for tiles.h, where no processor has them. A misuse that a processor would stop
 * at ends the test. Source: Intel's Software Developer's Manual, volume 1, chapter on programming with AMX. */
#ifndef UNMASK_MODEL_H
#define UNMASK_MODEL_H

#include "check.h"

enum { MODEL_TILES = 8, MODEL_ROWS = 16, MODEL_BYTES = 64 };

typedef struct {
    uint8_t bytes[MODEL_ROWS][MODEL_BYTES];
    int rows, width; /* none before tiles are configured */
} ModelTile;

/* Of the thread, as the processor has them. */
typedef struct {
    ModelTile tiles[MODEL_TILES];
    int configured;
    int64_t dots; /* since the thread began */
} ModelTiles;

extern _Thread_local ModelTiles model;

/* `sizes`: a palette, where to start, 14 bytes of 0, 16 times the bytes of a row, 16 times the rows. */
static inline void tiles_configure(const void *sizes) {
    const uint8_t *at = sizes;
    CHECK(at[0] == 1, "palette %d", at[0]);
    for (int i = 1; i < 16; i++) CHECK(at[i] == 0, "byte %d is %d", i, at[i]);
    for (int t = 0; t < 16; t++) {
        const int width = at[16 + 2 * t] + 256 * at[17 + 2 * t], rows = at[48 + t];
        CHECK(t < MODEL_TILES ? width <= MODEL_BYTES && rows <= MODEL_ROWS && !width == !rows : !width && !rows,
              "tile %d: %d rows of %d bytes", t, rows, width);
        if (t < MODEL_TILES) model.tiles[t] = (ModelTile){.rows = rows, .width = width};
    }
    model.configured = 1;
}

static inline void tiles_release(void) {
    for (int t = 0; t < MODEL_TILES; t++) model.tiles[t] = (ModelTile){.rows = 0};
    model.configured = 0;
}

static inline ModelTile *model_tile(int t) {
    CHECK(model.configured && t >= 0 && t < MODEL_TILES && model.tiles[t].rows, "tile %d is not configured", t);
    return &model.tiles[t];
}

static inline void tile_zero(int t) {
    ModelTile *tile = model_tile(t);
    memset(tile->bytes, 0, sizeof tile->bytes);
}

static inline void tile_load(int t, const void *at, int64_t stride) {
    ModelTile *tile = model_tile(t);
    tile_zero(t);
    for (int row = 0; row < tile->rows; row++)
        memcpy(tile->bytes[row], (const char *)at + row * stride, (size_t)tile->width);
}

static inline void tile_store(int t, void *at, int64_t stride) {
    const ModelTile *tile = model_tile(t);
    for (int row = 0; row < tile->rows; row++)
        memcpy((char *)at + row * stride, tile->bytes[row], (size_t)tile->width);
}

/* Four bytes at a time: those of a row of inputs, signed, by those of a column of codes, not signed. Sums wrap. */
static inline void tile_dot(int to, int left, int right) {
    ModelTile *sums = model_tile(to);
    const ModelTile *inputs = model_tile(left), *codes = model_tile(right);
    CHECK(to != left && to != right && left != right, "tiles %d, %d and %d", to, left, right);
    CHECK(sums->rows == inputs->rows && sums->width == codes->width && inputs->width == 4 * codes->rows,
          "%d x %d bytes of %d x %d and %d x %d", sums->rows, sums->width, inputs->rows, inputs->width, codes->rows,
          codes->width);
    for (int m = 0; m < sums->rows; m++)
        for (int n = 0; n < sums->width / 4; n++) {
            uint32_t sum;
            memcpy(&sum, sums->bytes[m] + 4 * n, 4);
            for (int k = 0; k < inputs->width; k++)
                sum += (uint32_t)((int8_t)inputs->bytes[m][k] * (int)codes->bytes[k / 4][4 * n + k % 4]);
            memcpy(sums->bytes[m] + 4 * n, &sum, 4);
        }
    model.dots++;
}

#endif
