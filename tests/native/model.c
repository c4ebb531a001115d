/* The kernels of amx.c once more, over a model of the tiles. */
#define UNMASK_MODEL_TILES
#include "model.h"

_Thread_local ModelTiles model;

#include "amx.c"
