"""Chinese wording of what unmask/views says."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "{path}: a view is written as {forms}; let the file's name end in one of these.": (
        "{path}：视图只能写成 {forms}，请让文件名以其中之一结尾。"
    ),
    # Attention
    "Attention in {model}": "{model} 的注意力",
    "Layer {layer} was not watched; choose one of {layers}.": "没有记录第 {layer} 层；请从这些层中选择：{layers}。",
    "Head {head} was not watched; choose one of {heads}.": "没有记录第 {head} 头；请从这些头中选择：{heads}。",
    "layer": "层",
    "head": "头",
    "mean": "平均",
    "from": "从",
    "looks at": "看向",
    "Layer {layer}, head {head}": "第 {layer} 层，第 {head} 头",
    "Layer {layer}, mean of its heads": "第 {layer} 层，各头的平均",
    "All heads. Click one, or walk with the arrow keys.": "所有的头。点击其中一个，或用方向键移动。",
    "One head: each row is where a word looks. Point at a cell to read its weight.": (
        "一个头：每一行是一个词看向哪里。指向一格，可读出权重。"
    ),
    "The same as lines. Point at a word to see only its own; click to keep it so.": (
        "同样的内容画成线。指向一个词，只看它的线；点击则固定。"
    ),
    "Leave out the first column, on which many heads rest, and let each row sum to 1 again": (
        "去掉第一列（许多头把权重停放在那里），并让每一行之和重新为 1"
    ),
    "Every head in numbers": "每个头的数字",
    "entropy": "熵",
    "how widely it spreads, in nats; 0 looks at one token only": "分布有多散，单位奈特；0 表示只看一个词元",
    "token before": "前一词元",
    "mean weight on the token before": "对前一个词元的平均权重",
    "first token": "首词元",
    "mean weight on the first token": "对第一个词元的平均权重",
    "itself": "自身",
    "mean weight on the token itself": "对该词元自身的平均权重",
    "induction": "归纳",
    "mean weight on what came after earlier copies of a token": "对“此前同一词元之后的那个词元”的平均权重",
    "Mean of a layer's heads": "本层各头的平均",
    "Looks at the token before": "看前一个词元",
    "Looks at what came next last time": "看上一次接在后面的词元",
    "Looks at itself": "看自己",
    "Most focused": "最集中",
    "Most spread": "最分散",
    "Of this head only the thumbnail is in this page: each cell is the strongest of several.": (
        "本页只有这个头的缩略图：每一格是若干格中最强的一格。"
    ),
    "Lines drawn: {drawn} of {all}; the weakest are left out.": "画出的线：{drawn} / {all}；最弱的略去。",
    "There are no lines for a thumbnail.": "缩略图没有线。",
    "Attention weights say where a head reads, not why the model answers: a word may be read and not used "
    "(Jain and Wallace 2019; Wiegreffe and Pinter 2019).": (
        "注意力权重说明一个头读了哪里，并不说明模型为何这样回答：读到的词未必被用到"
        "（Jain 与 Wallace 2019；Wiegreffe 与 Pinter 2019）。"
    ),
    "A mean of heads is a mean: no head need look like it.": "各头的平均只是平均：可能没有一个头长成那样。",
    "The colour grows with the square root of the weight, so that small weights can be seen.": (
        "颜色随权重的平方根加深，这样小的权重也看得见。"
    ),
    "Tokens are merged to words: attention to a word is the sum over its tokens, attention from it the mean. "
    "The statistics are of the tokens.": (
        "词元已合并成词：看向一个词的权重是它各词元之和，从一个词看出去的权重是各词元的平均。统计数字按词元计算。"
    ),
    "No token repeats in this text, so there is no induction score.": "这段文字里没有重复的词元，所以没有归纳分数。",
    "Cells drawn: {drawn:,}; left out: {dropped:,}. {whole} of {maps} maps are whole; the others are thumbnails "
    "of {side} x {side} cells, each the strongest of those it stands for. Watch fewer layers or a shorter text to see more.": (
        "画出的格：{drawn:,}；略去的格：{dropped:,}。{maps} 张图中有 {whole} 张是完整的，其余是 {side} x {side} 格的缩略图，"
        "每一格是它所代表的若干格中最强的一格。要看得更多，请少看几层，或缩短文字。"
    ),
    "There is no view {kind!r:.60}; there are {known}. Did you mean {nearest}?": (
        "没有名为 {kind!r:.60} 的视图；可用的有 {known}。是不是想用 {nearest}？"
    ),
    "There is no guide {name!r:.60}; there are {known}. Did you mean {nearest}?": (
        "没有名为 {name!r:.60} 的导读；可用的有 {known}。是不是想用 {nearest}？"
    ),
    "The text is long: {count} of {depth} layers were watched.": "文本较长：{depth} 层中只看了 {count} 层。",
    "shade: probability of the likeliest token": "深浅：最可能词元的概率",
    "shade: place of the final choice": "深浅：最终选择所排的名次",
    "Expected after this token": "预期接在这个词元之后",
    "Read at this place": "在此处读出",
    "Each row is the stream between two layers, read as if it were the last: through the model's own final norm and head (nostalgebraist 2020). Row 0 is before the first layer, the last row is what the model really says. What a middle layer holds need not be written in the last one's terms, so a cell that reads as nonsense is not proof of nonsense.": (
        "每一行是两层之间的数据流，当作最后一层来读：经过模型自己的最终归一化和输出头（nostalgebraist 2020）。第 0 行在第一层之前，最后一行才是模型真正说的。中间层的内容未必用最后一层的说法写成，所以读出来像胡话的格子，并不证明它就是胡话。"
    ),
    "Bold where the likeliest token is already the final choice.": "粗体表示最可能的词元已经是最终的选择。",
    "What {name} would say after each layer": "{name} 在每一层之后会说什么",
    "layers passed": "经过的层数",
    "its final choice": "最终的选择",
    "probability of that here": "它在此处的概率",
    "place of that here": "它在此处的名次",
    "This model fills blanks and none is hidden here: each place is read as what the model takes to stand there.": (
        "这个模型用于填空，而这里没有遮住任何词：每一处读出的，是模型认为那里写着什么。"
    ),
    "Shown are the last {shown} of {length} tokens; {left} are left out.": (
        "显示 {length} 个词元中的最后 {shown} 个；略去 {left} 个。"
    ),
    "The word is empty. Name the word that is to be compared.": "没有给出词。请指明要比较的词。",
    "Sentence {number} lacks the word {word!r:.60}: {sentence!r:.200}. Change it or leave it out.": (
        "第 {number} 句中没有词 {word!r:.60}：{sentence!r:.200}。请修改或去掉这一句。"
    ),
    "{word!r:.60} occurs {count} times in the sentences; from {low} to {high} can be compared.": (
        "{word!r:.60} 在这些句子中出现 {count} 次；可以比较的是 {low} 到 {high} 次。"
    ),
    "with positions": "有位置",
    "without": "没有位置",
    "How far shuffling moves the last token's vector": "打乱顺序使最后一个词元的向量偏移多远",
    "How far shuffling moves a token's vector on average": "打乱顺序使词元的向量平均偏移多远",
    "How {name} knows where a word stands": "{name} 怎样知道一个词在哪里",
    "The table: rows are positions, columns channels": "位置表：行为位置，列为通道",
    "The turns' cosines: rows are positions": "旋转角的余弦：行为位置",
    "This model marks no positions at all: there is nothing to draw.": "这个模型完全不标记位置：没有可画的。",
    "Rotary positions (Su et al. 2021) are no vectors that are added: they turn the queries and keys of every layer, fast in the first pairs of channels and slowly in the last, so that two tokens feel their distance.": (
        "旋转位置（Su 等 2021）不是加上去的向量：它转动每一层的查询和键，前面几对通道转得快，后面的转得慢，于是两个词元能感到彼此的距离。"
    ),
    "The first and the last token stay. Without positions the last one sees after the first layer the very same set as before; but a model that writes sees only what came before, so what the other tokens saw differs, and from the second layer on order leaks through.": (
        "第一个和最后一个词元不动。没有位置时，最后一个词元在第一层看到的是同样的一堆词元；但会写作的模型只看得到前面的内容，其他词元看到的因此不同，从第二层起，顺序便渗了进来。"
    ),
    "How alike two positions are": "两个位置有多像",
    "The same tokens in another order": "同样的词元，换一个顺序",
    "Of what it expects after the last token, {placed} moved elsewhere; without positions {unplaced}.": (
        "最后一个词元之后的预期，有 {placed} 移到了别处；没有位置时为 {unplaced}。"
    ),
    "At the end the moved tokens are {placed:.3f} away from what they were on average; without positions at most {unplaced:.0e}.": (
        "到最后，移动过的词元平均偏离原来 {placed:.3f}；没有位置时最多 {unplaced:.0e}。"
    ),
    "{count} tokens changed places, each of them, by a fixed seed; distances are 1 minus the cosine between a token's vectors in order and shuffled, 0 is no change. Without positions means that every token is told it stands at position 0.": (
        "{count} 个词元互换了位置，个个都动，随机种子固定；距离是 1 减去同一词元在原序与乱序中两个向量的余弦，0 表示没有变化。没有位置，是指告诉每个词元它都在位置 0。"
    ),
    "Drawn are the first {shown} of {context} positions.": "画出 {context} 个位置中的前 {shown} 个。",
    "Each number is the cosine between the mean vectors of the word's tokens; 1 is the same direction. Vectors of one layer tend to point the same way whatever they mean (Ethayarajh 2019), so compare within a layer; shades run from its least number to its greatest.": (
        "每个数字是该词各词元平均向量之间的余弦；1 表示方向相同。同一层的向量不论意思如何，往往大致同向（Ethayarajh 2019），所以请在一层之内比较；深浅从该层最小的数到最大的数。"
    ),
    "“{word}” as {name} holds it in {count} places": "{name} 对 {count} 处“{word}”的理解",
    "the same meaning": "同义",
    "different meanings": "异义",
    "after layer {layer}": "第 {layer} 层之后",
    "This model's vocabulary lacks the word: it reads one and the same sign for all that it does not know, so only the surroundings can make a difference here.": (
        "这个模型的词表里没有这个词：凡是它不认识的，都读成同一个符号，所以这里只有上下文能带来差别。"
    ),
    "This model reads from left to right: at the word it knows only what stands before it.": (
        "这个模型从左往右读：读到这个词时，只知道它前面的内容。"
    ),
    "After layer": "经过的层数：",
    "similarity by layer": "各层的相似度",
    "nearest": "最近",
    "The text has {count} tokens that could change places; give it at least {least} words.": (
        "这段文字只有 {count} 个词元可以互换位置；请给出至少 {least} 个词。"
    ),
    "pseudo-perplexity": "伪困惑度",
    "perplexity": "困惑度",
    "Probabilities are the model's own, before temperature and penalties.": "概率是模型自己的，施加温度与惩罚之前。",
    "How well {name} foresaw this text": "{name} 对这段文字的预见",
    "mean probability": "平均概率",
    "of the tokens were its first choice": "的词元是它的首选",
    "probability": "概率",
    "place among all tokens": "在全部词元中的名次",
    "entropy, nats": "熵（奈特）",
    "This model fills blanks: each token was hidden in turn and guessed from all the others. The result is a pseudo-likelihood (Salazar et al. 2020), not to be compared with that of a model that writes.": (
        "这个模型用于填空：依次遮住每个词元，由其余的词元来猜。结果是伪似然（Salazar 等 2020），不可与会写作的模型相比。"
    ),
    "Tokens that make up a character together are shown as one, with the product of their probabilities.": (
        "合起来才是一个字的几个词元显示为一格，概率为它们之积。"
    ),
    "Nothing comes before the first token, so nothing was expected there.": (
        "第一个词元之前什么也没有，所以那里没有预期。"
    ),
    "Probability": "概率",
    "or less": "或更低",
    "Expected here": "此处的预期",
    "Not shaded, because not asked about: the first {count} tokens.": "前 {count} 个词元没有着色，因为没有问到它们。",
    "Only the first {tried} of {whole} tokens were shuffled; the others were left out.": (
        "只打乱了 {whole} 个词元中的前 {tried} 个，其余的没有参与。"
    ),
    "The change is listed of the first {count} tokens.": "只列出前 {count} 个词元的变化。",
    "Alignment in {model}": "{model} 中的对齐",
    "Each row is a word of the translation, with where the model looked as it said it. That need not be the word it stands for: a decoder may look where it goes next (Koehn and Knowles 2017, section 3.5).": (
        "每一行是译文中的一个词，显示模型写出它时看向何处。那不一定是它所对应的词：解码器也可能看向接下来要译的地方（Koehn 和 Knowles 2017，第 3.5 节）。"
    ),
    "Tokens are merged to words: attention to a word is the sum over its tokens, attention from it the mean.": (
        "词元已合并为词：对一个词的注意力是对其各词元之和，从一个词出发的注意力取其各词元的平均。"
    ),
}
