"""Chinese wording: specs, masks, devices and the model core."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "Unknown dtype {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的数据类型 {name!r}；可用的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "Device {name!r} cannot be used here: {reason}. Leave it out to let unmask choose.": (
        "此处无法使用设备 {name!r}：{reason}。不指定设备时由 unmask 自行选择。"
    ),
    "{heads} heads cannot share {kv_heads} key heads evenly; kv_heads must divide heads.": (
        "{heads} 个头无法平均共用 {kv_heads} 个键头；kv_heads 必须整除 heads。"
    ),
    "The cache has room for {context} tokens and {tokens} were to be kept. Ask for a larger capacity.": (
        "缓存可容纳 {context} 个词元，却要保存 {tokens} 个。请申请更大的容量。"
    ),
    "Unknown activation {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的激活函数 {name!r}；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "{mask} wants one integer for each row, a vector [B]; it was given shape {shape} of {dtype}.": (
        "{mask} 需要每行一个整数，即向量 [B]；得到的是 {dtype} 类型、形状 {shape}。"
    ),
    "A head of width {width} cannot be turned; rotary wants an even width.": (
        "宽度为 {width} 的头无法旋转；旋转位置编码要求偶数宽度。"
    ),
    "Rotary's theta is {theta}; it must be larger than 1.": "旋转位置编码的 theta 是 {theta}；它必须大于 1。",
    "Rotary scaling blends from {low} to {high} turns; the first must be smaller.": (
        "旋转位置编码的缩放在 {low} 到 {high} 圈之间过渡；前者必须较小。"
    ),
    "{count} rotary factors for a head of width {width}; {wanted} are needed, one for each pair.": (
        "宽度为 {width} 的头得到 {count} 个旋转系数；需要 {wanted} 个，每对通道一个。"
    ),
    "{where} must be {names}, not {value!r}.": "{where} 必须是 {names}，而不是 {value!r}。",
    "{where} has no {name!r}; known are {known}. Did you mean {nearest}?": (
        "{where} 没有 {name!r}；已知的有 {known}。您是想用 {nearest} 吗？"
    ),
    "{where} lacks a field: {reason}.": "{where} 缺少字段：{reason}。",
    "This model has no head that predicts tokens, so no logits; ask it for hidden states.": (
        "此模型没有预测下一词元的输出头，因此没有 logits；请获取隐藏状态。"
    ),
    "Unknown pooling {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的池化方式 {name!r}；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "There is no {kind} {number}: the model has {count}, counted from 0 to {last}.": (
        "没有编号为 {number} 的 {kind}：模型共有 {count} 个，从 0 数到 {last}。"
    ),
    "To look so closely takes {size:,} MB, and {free:,} MB are free. Choose fewer layers or heads, or a shorter text.": (
        "看得这样细需要 {size:,} MB，而可用的只有 {free:,} MB。请少选几层或几个头，或缩短文本。"
    ),
    "This model predicts no tokens, so its layers cannot be read as words. Choose one that writes or fills blanks.": (
        "这个模型不预测词元，各层无法读成文字。请选择会写作或会填空的模型。"
    ),
    "Calibration needs a text of at least {needed} tokens, better {best:,}; this one has {tokens}.": (
        "校准所用的文本至少需要 {needed} 个词元，最好有 {best:,} 个；此文本只有 {tokens} 个。"
    ),
    "Unknown calibration {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的校准方法 {name!r}；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "{variable} is {name!r}; it may be {known}, as far as this processor has them, or off.": (
        "{variable} 的值是 {name!r}；它可以是 {known}（以本机处理器支持的为限），或者 off。"
    ),
    "native ({kernels}, {threads} threads)": "本机代码（{kernels}，{threads} 个线程）",
    "PyTorch (no compiled library: install unmask again where there is a C compiler)": (
        "PyTorch（没有编译好的库：请在有 C 编译器的环境中重新安装 unmask）"
    ),
    "PyTorch (the compiled library is switched off by {variable})": "PyTorch（编译好的库已被 {variable} 关闭）",
    "There is no memory left to multiply {rows} rows. Take fewer at once.": (
        "内存不足，无法一次计算 {rows} 行的乘积。请减少每次的行数。"
    ),
    "There is no memory left for what the model works with ({count} rows).": (
        "内存不足，容不下模型计算所需的缓冲区（{count} 行）。"
    ),
    "There is no memory left to read {rows} tokens.": "内存不足，无法读入 {rows} 个词元。",
    "The native library has no operation for {what}.": "本机库没有与此对应的运算：{what}。",
    "its mask and head": "它的掩码与输出头",
    "a matrix that is neither quantized nor float32": "既未量化也不是 float32 的矩阵",
    "matrices of different groups side by side": "并列矩阵的分组大小不一致",
    "an embedding that is neither quantized nor float32": "既未量化也不是 float32 的词嵌入",
    "norms of heads that are not RMSNorm": "不是 RMSNorm 的头归一化",
    "This model runs on PyTorch, more slowly: {reason}": "此模型改用 PyTorch 运行，速度较慢：{reason}",
    "segments without positions": "没有位置表的段落嵌入",
    "an encoder whose attention has positions or windows": "注意力带有位置或窗口的编码器",
    "positions that are added to scores": "加在注意力得分上的位置编码",
    "an embedding with blanks": "带填空位置的嵌入",
    "a memory that is looked at with norms or through a mask": "带归一化或掩码的记忆注意力",
    "SameDocument wants one integer for each token, a matrix [B, T]; it was given shape {shape} of {dtype}.": (
        "SameDocument 需要每个词元一个整数，即矩阵 [B, T]；得到的是 {dtype} 类型、形状 {shape}。"
    ),
    "SameDocument has the documents of {have} tokens, and a query could see {want}. Give one for each.": (
        "SameDocument 只有 {have} 个词元的文档编号，而一个查询可以看到 {want} 个。请为每个词元各给一个。"
    ),
    "Unknown starting weights {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的初始权重方案 {name!r}；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "Dropout of {name} is {rate}; it must be at least 0 and below 1.": (
        "{name} 的丢弃率是 {rate}；它必须不小于 0 且小于 1。"
    ),
    "In an encoder-decoder the decoder has the head, and the encoder has none.": (
        "在编码器-解码器模型中，输出头属于解码器，编码器没有。"
    ),
    "In an encoder-decoder each block of the decoder looks at the memory, and no other does.": (
        "在编码器-解码器模型中，解码器的每一层都要关注编码器的输出，其他层都不关注。"
    ),
    "Encoder and decoder have the widths {widths} and the vocabularies {vocabs}; widths must be equal, and to share an embedding vocabularies too.": (
        "编码器与解码器的宽度为 {widths}，词表大小为 {vocabs}；宽度必须相等，要共用嵌入时词表大小也必须相等。"
    ),
    "{buckets} buckets cannot hold relative positions up to {reach}; there must be 4 or more, and a quarter of them below the reach.": (
        "{buckets} 个桶容纳不下 {reach} 以内的相对位置；至少要 4 个桶，而且其中四分之一必须小于这个距离。"
    ),
    "{field} is {name!r}, which is not known; known are {known}. Did you mean {nearest!r}?": (
        "{field} 是 {name!r}，这是未知的；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "A local window reaches {reach} tokens each way; it must be at least 1.": (
        "局部窗口向两侧各延伸 {reach} 个词元；至少须为 1。"
    ),
    "Only a decoder that looks after its last layer can feed its first one what came of it.": (
        "只有在最后一层之后才查看记忆的解码器，才能把查看的结果送回第一层。"
    ),
    "An encoder that reads both ways halves its width, {width}; make it even.": (
        "双向读取的编码器会把宽度 {width} 一分为二；请改为偶数。"
    ),
}
