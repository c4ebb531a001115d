"""Chinese wording of what the engine says."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "{name} is {value}; it must be at least {least}.": "{name} 为 {value}；至少应为 {least}。",
    "Only the native library keeps keys and values in int8, and this model runs in torch. Leave the cache as it is, or quantize the model.": (
        "只有本地库能以 int8 保存键和值，而该模型由 torch 运行。请保持缓存设置不变，或将模型量化。"
    ),
    "{memory} bytes hold the keys and values of fewer than {tokens} tokens, the least. Give {least} bytes or more.": (
        "{memory} 字节放不下最少所需的 {tokens} 个词元的键和值。请至少给出 {least} 字节。"
    ),
    "The model has stopped after a fault; the server's log has the details.": "模型因故障已停止；详情见服务器日志。",
}
