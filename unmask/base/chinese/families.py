"""Chinese wording: families, rules and what a checkpoint says of itself."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "Tensor {name!r} gives {target!r} the shape {have}, where the configuration wants {want}. The configuration and the weights are not of the same model.": (
        "张量 {name!r} 使 {target!r} 的形状为 {have}，而配置要求 {want}。配置与权重不属于同一个模型。"
    ),
    "Tensor {name!r} has no place in this model ({count} tensors in the file). Nearest of the model's: {nearest}. Is it a checkpoint of another architecture or size?": (
        "张量 {name!r} 在此模型中没有位置（文件中共有 {count} 个张量）。模型中最接近的名称：{nearest}。这是否是其他架构或尺寸的检查点？"
    ),
    "The checkpoint lacks a tensor for {name!r}. Nearest in the file: {nearest}. Is it complete (all shards there), and of this architecture and size?": (
        "检查点缺少 {name!r} 对应的张量。文件中最接近的名称：{nearest}。文件是否完整（所有分片都在），架构和尺寸是否相符？"
    ),
    "Tensors {first!r} and {second!r} both claim to be {target!r}. Remove one of them.": (
        "张量 {first!r} 和 {second!r} 都声称是 {target!r}。请删除其中之一。"
    ),
    "{where}: {name!r} must be {wanted}, not {value}.": ("{where}：{name!r} 必须是{wanted}，而不是 {value}。"),
    "an object": ("一个对象"),
    "an integer from 1 to {last}": ("1 到 {last} 之间的整数"),
    "a positive number": ("一个正数"),
    "true or false": ("true 或 false"),
    "a text": ("一段文本"),
    "{where}: {name!r} is {value!r}, which is not supported; known are {known}.": (
        "{where}：{name!r} 为 {value!r}，尚不支持；已知的有 {known}。"
    ),
    "{where}: {name!r} is {value!r}; only {unless!r} is supported, anything else would give wrong answers.": (
        "{where}：{name!r} 为 {value!r}；仅支持 {unless!r}，其他取值会得到错误的结果。"
    ),
    "{where}: {name!r} is missing. Nearest there: {nearest}.": ("{where}：缺少 {name!r}。其中最接近的是：{nearest}。"),
    "{where}: there is no tensor 'token_embd.weight'.": ("{where}：没有张量 'token_embd.weight'。"),
    "{where}: rotary scaling {kind!r} is not supported; known are {known}.": (
        "{where}：不支持旋转位置缩放 {kind!r}；已知的有 {known}。"
    ),
    "{where} asks for {depth} layers, and the weights hold only {count} tensors.": (
        "{where} 要求 {depth} 层，而权重中只有 {count} 个张量。"
    ),
    "{where}: {field} is {name!r}, an architecture that unmask does not have. Known are {known}; nearest is {nearest!r}. docs/tour.md shows how to add one.": (
        "{where}：{field} 为 {name!r}，unmask 尚无此架构。已有 {known}；最接近的是 {nearest!r}。docs/tour.md 说明了如何添加架构。"
    ),
    "{path} must hold a JSON object, not a {kind}.": ("{path} 的内容必须是 JSON 对象，而不是 {kind}。"),
    "{folder} has no {file}, so it is not a model in the Hub's layout. Give the folder that holds it.": (
        "{folder} 中没有 {file}，因此不是 Hub 格式的模型。请指定包含该文件的文件夹。"
    ),
    "{path} is not valid JSON: {reason}.": ("{path} 不是有效的 JSON:{reason}。"),
}
