"""Chinese wording: families, rules and what a checkpoint says of itself."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "Tensor {name!r} has the shape {have}, where the configuration wants {want}. The configuration and the weights are not of the same model.": (
        "张量 {name!r} 的形状为 {have}，而配置要求 {want}。配置与权重不属于同一个模型。"
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
    "{where}: {name!r} must be {wanted}, not {value}.": "{where}：{name!r} 必须是{wanted}，而不是 {value}。",
    "an object": "一个对象",
    "an integer from {first} to {last}": "{first} 到 {last} 之间的整数",
    "a positive number from {first:g} to {last:g}": "{first:g} 到 {last:g} 之间的正数",
    "true or false": "true 或 false",
    "a text": "一段文本",
    "{where}: {name!r} is {value!r}, which is not supported; known are {known}.": (
        "{where}：{name!r} 为 {value!r}，尚不支持；已知的有 {known}。"
    ),
    "{where}: {name!r} is {value!r}; only {unless!r} is supported, anything else would give wrong answers.": (
        "{where}：{name!r} 为 {value!r}；仅支持 {unless!r}，其他取值会得到错误的结果。"
    ),
    "{where}: {name!r} is missing. Nearest there: {nearest}.": "{where}：缺少 {name!r}。其中最接近的是：{nearest}。",
    "{where}: there is no tensor {name!r}.": "{where}：没有张量 {name!r}。",
    "{where}: rotary scaling {kind!r} is not supported; known are {known}.": (
        "{where}：不支持旋转位置缩放 {kind!r}；已知的有 {known}。"
    ),
    "{where} asks for {depth} layers, and the weights hold only {count} tensors.": (
        "{where} 要求 {depth} 层，而权重中只有 {count} 个张量。"
    ),
    "{where}: {field} is {name!r}, an architecture that unmask does not have. Known are {known}; nearest is {nearest!r}. docs/tour.md shows how to add one.": (
        "{where}：{field} 为 {name!r}，unmask 尚无此架构。已有 {known}；最接近的是 {nearest!r}。docs/tour.md 说明了如何添加架构。"
    ),
    "{path} must hold a JSON object, not a {kind}.": "{path} 的内容必须是 JSON 对象，而不是 {kind}。",
    "{folder} has no {file}, so it is not a model in the Hub's layout. Give the folder that holds it.": (
        "{folder} 中没有 {file}，因此不是 Hub 格式的模型。请指定包含该文件的文件夹。"
    ),
    "{path} is not valid JSON: {reason}.": "{path} 不是有效的 JSON：{reason}。",
    "{path} must hold a JSON list, not a {kind}.": "{path} 的内容必须是 JSON 列表，而不是 {kind}。",
    "{path} has {size:,} bytes; no configuration has so many.": "{path} 有 {size:,} 字节；配置文件不会这么大。",
    "GGUF's {architecture} has no way to say that this model has {what}. Write it in the Hub's layout: unmask convert ... --to hub": (
        "GGUF 的 {architecture} 架构无法说明此模型有{what}。请写成 Hub 格式：unmask convert ... --to hub"
    ),
    "GGUF has no number for pooling by {ways}; it has {known}.": "GGUF 没有 {ways} 池化方式的编号；只有 {known}。",
    "another activation than {usual}": "不同于 {usual} 的激活函数",
    "scores scaled by layer": "按层缩放的注意力得分",
    '{where}: \'attention_types\' is {value}, which does not call each of {depth} layers "global" or "local".': (
        '{where}:\'attention_types\' 为 {value}，没有把 {depth} 层逐一写明为 "global" 或 "local"。'
    ),
    "This model's rotation has a factor for each pair of channels, as GGUF files store it; the Hub's layout has no name for that. Write it as GGUF, or start from the maker's own folder.": (
        "此模型的旋转位置编码为每对通道各有一个系数（GGUF 的存法），Hub 格式没有对应的写法。请写成 GGUF，或从发布者的原始文件夹开始。"
    ),
    "attention with a bias": "带偏置的注意力",
    "Unknown GGUF format {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的 GGUF 格式 {name!r}；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "GGUF has no architecture for {family}. Write it in the Hub's layout: unmask convert ... --to hub": (
        "GGUF 没有 {family} 架构。请写成 Hub 格式：unmask convert ... --to hub"
    ),
    "{name} came without a tokenizer, and a GGUF file must hold one.": (
        "{name} 没有附带分词器，而 GGUF 文件必须包含分词器。"
    ),
    "{path} cannot be read: {reason}.": "无法读取 {path}：{reason}。",
    "{folder}: modules.json names {place!r:.100}, which is not the plain name of a folder in it.": (
        "{folder}：modules.json 写的 {place!r:.100} 不是该文件夹中一个文件夹的名称。"
    ),
    "{folder}: modules.json asks for {kind} in {place!r}, which is not supported; known are a Transformer in the folder itself, Pooling and Normalize.": (
        "{folder}：modules.json 要求在 {place!r} 使用 {kind}，尚不支持；已支持的有文件夹本身中的 Transformer、Pooling 和 Normalize。"
    ),
    "Tensor {name!r} is stored as {dtype}, which are not plain real numbers. Get the model in F32, F16 or BF16, or as GGUF.": (
        "张量 {name!r} 以 {dtype} 存储，不是普通的实数。请获取 F32、F16 或 BF16 版本的模型，或其 GGUF 版本。"
    ),
    # in few bits
    "A quantized model computes in float32, and dtype {dtype} was asked for. Leave out one of the two: --dtype or --quantize.": (
        "量化模型以 float32 计算，却又指定了 dtype {dtype}。--dtype 与 --quantize 请只留其一。"
    ),
    "{path} is quantized already, as {scheme}. Load it without --quantize, or quantize the exact model anew.": (
        "{path} 已量化为 {scheme}。请不带 --quantize 加载，或从精确的模型重新量化。"
    ),
    "{path} stores no blocks that could be used as they are. Choose a scheme, such as --quantize int8.": (
        "{path} 中没有可直接使用的量化块。请选择一种方案，例如 --quantize int8。"
    ),
    "{where}: the weights are quantized by {method!r}, which is not read. Get the model in F32, F16 or BF16, or as GGUF.": (
        "{where}：权重由 {method!r} 量化，无法读取。请获取该模型的 F32、F16 或 BF16 版本，或 GGUF 文件。"
    ),
    "{name} is quantized as {scheme}, and a GGUF file is made of exact weights. Load it without --quantize, and choose the file's format.": (
        "{name} 已量化为 {scheme}，而 GGUF 文件需由精确的权重生成。请不带 --quantize 加载，再选择文件的格式。"
    ),
    "{where}: 'model_type' is 'glm' and there is 'num_hidden_layers', so this is GLM-4, which unmask does not have yet. The GLM of 2022 has 'num_layers'.": (
        "{where}：'model_type' 是 'glm' 且含有 'num_hidden_layers'，因此这是 GLM-4，unmask 尚不支持。2022 年的 GLM 使用 'num_layers'。"
    ),
    "Unknown size {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的模型规模 {name!r}；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "There is no dial for the family {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "模型家族 {name!r} 没有规模旋钮；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "A model of depth {depth} has no layers; the dial begins at 1.": "深度为 {depth} 的模型没有任何层；旋钮从 1 开始。",
    "{where}: model_type is {name!r}, an encoder-decoder, which turns one text into another. Use it with: unmask translate.": (
        "{where}：model_type 是 {name!r}，属于编码器-解码器，用来把一段文本变成另一段。请用：unmask translate。"
    ),
    "{where} is of model_type {name!r}, none of the encoder-decoders that unmask has; these are {known}.": (
        "{where} 的 model_type 是 {name!r}，不是 unmask 支持的编码器-解码器；支持的有：{known}。"
    ),
    "{path}: config.json or generation_config.json names token {id}, and the model writes {vocab}, from 0 on. The configuration and the weights are not of the same model.": (
        "{path}：config.json 或 generation_config.json 提到词元 {id}，而模型能写的只有 {vocab} 个，从 0 起编号。配置和权重不属于同一个模型。"
    ),
    "{path}: bad_words_ids holds {word!r:.60}; only lists of one token id each are supported.": (
        "{path}：bad_words_ids 里有 {word!r:.60}；只支持每个列表恰有一个词元编号。"
    ),
    "The layout of Pegasus has one vocabulary for both texts, and this model has two.": (
        "Pegasus 的布局只有一个词表供两边的文本共用，而这个模型有两个。"
    ),
    "The layout of {name} has no words for this model; it is not wired as the published ones are.": (
        "{name} 的布局无法描述这个模型；它的结构与已发布的模型不同。"
    ),
}
