"""Chinese wording of the guided examples."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "An apple that is sweet, or worth a trillion": "甜的苹果，和值一万亿的苹果",
    "after dinner she peeled a sweet red apple": "饭后她削了一个又红又甜的苹果",
    "the pie wants flour, butter and one more apple": "水果店里有香蕉、梨和苹果",
    "from the tree in the garden fell a ripe apple": "秋天树上结满了熟透的苹果",
    "the new phone and its chips were designed by apple": "这款新手机和芯片出自苹果",
    "worth a trillion dollars on the stock market is apple": "股市上市值万亿美元的公司是苹果",
    "the engineers left their software company and joined apple": "几位工程师离开软件公司加入了苹果",
    "One apple is peeled, the other is listed on the stock market. In these sentences both are written small, so that no capital letter gives the answer away: only the words before it can.": (
        "一个苹果削了皮吃，另一个在股市上交易。中文里两者写法完全一样，字面上看不出区别：能区分它们的只有前面的词。"
    ),
    "apple": "苹果",
    "A cosine says how alike two vectors are, not what they mean. That they part shows that the difference is there to be used, not that the model uses it well.": (
        "余弦只说明两个向量有多像，并不说明它们是什么意思。它们分开，说明这个差别可以被利用，并不说明模型用得好。"
    ),
    "Two kinds of mouse": "两种猫",
    "The cat chased a small grey mouse": "窗台上晒太阳的是一只猫",
    "In the wheat field an owl caught a mouse": "邻居家养了一只橘色的猫",
    "Under the floor lives a family with one very old mouse": "老鼠最怕的动物是猫",
    "I plugged in the keyboard and clicked with the mouse": "宽带师傅上门装了一台光猫",
    "My computer needs a new wireless mouse": "网络断了，请重启路由器和猫",
    "To open the file, move the pointer with your mouse": "早年拨号上网，电话线要接一只猫",
    "A mouse may live in a field or on a desk. To a dictionary of vectors that is one word and one vector: word2vec could not say which. Here too every use begins with what one table holds for the word, but then each layer mixes in what stands around it. Move the layer and watch whether the two kinds part.": (
        "猫可能趴在窗台上，也可能插着网线（调制解调器，俗称“猫”）。对一本向量词典来说，这是一个词、一个向量：word2vec 分不出是哪一种。这里每一处“猫”同样从一张表中的那几个数开始，但随后每一层都会把周围的内容掺进来。拖动层数，看看两种猫会不会分开。"
    ),
    "mouse": "猫",
    "Nobody told the model that there are two kinds. What parts them, as far as they part, is attention: the same word has read different neighbours.": (
        "没有人告诉模型世上有两种猫。它们能分开多少，靠的都是注意力：同一个词，读到了不同的邻居。"
    ),
    "The coffee shop counted once": "只数到过一次的咖啡馆",
    "{name} does not write, so it expects no next word, which this guide is about. Choose a model that writes, such as {example}.": (
        "{name} 不会写作，不会预期下一个词，而这篇导读讲的正是下一个词。请选择会写作的模型，例如 {example}。"
    ),
    "Both times every word that makes sense is ahead of every one that does not.": (
        "两处都是：说得通的词全部排在说不通的词前面。"
    ),
    "But not every word that makes sense is ahead of every one that does not.": (
        "不过，并非每个说得通的词都排在说不通的词前面。"
    ),
    "On Sunday we walked along the river. The children wanted to see the boats, and their mother wanted a cup of tea. On the way home it rained, so we stopped at a coffee shop and waited. The shop was warm, the tea was hot, and the boats came by in the rain.": (
        "星期天 我们 沿着 河边 散步 。 孩子们 想 看 船 ， 妈妈 想 喝 一 杯 热 茶 。 回家 的 路上 下起 了 雨 ， 我们 走进 一家 咖啡 馆 避雨 。 店 里 很 暖和 ， 茶 很 烫 ， 船 在 雨 里 慢慢 开过去 。"
    ),
    "It was raining hard, so they stopped at a coffee": "雨 越 下 越 大 ， 他们 走进 一家 咖啡",
    "It was raining hard, so they ran into the nearest coffee": "雨 越 下 越 大 ， 他们 躲进 附近 的 咖啡",
    "shop house bar cloud river": "馆 店 厅 云 河",
    "After “{pair}” came “{word}”, one time of one: so “{word}” gets 1, and every other word 0, a good one such as “{good}” as much as a foolish one such as “{foolish}”. And “{strange}” never stood in the text: that is 0 of 0, and the model that counts has nothing to say.": (
        "“{pair}”后面出现过“{word}”，一次中的一次：于是“{word}”得 1，其余的词都得 0，合理的如“{good}”，和荒唐的如“{foolish}”，一视同仁。而“{strange}”在这段文字里从未出现：那是 0 次中的 0 次，只会计数的模型无话可说。"
    ),
    "Where nothing was counted it still has an answer: “{word}”, with {share}.": (
        "在什么都没数到的地方，它仍有答案：“{word}”，概率为 {share}。"
    ),
    "{first} {second} {third}": "{first}{second}{third}",
    "Two words are looked back on (a trigram), and the counts are not smoothed. The model's numbers are before temperature and penalties; a word of several tokens has the product of theirs.": (
        "计数时回看两个词（三元组），不做平滑。模型的数字是施加温度与惩罚之前的；由几个词元组成的词取其概率之积。"
    ),
    "Of these words {name} puts the counted one first too: “{word}”, with {share}.": (
        "在这些词中，{name} 也把数到过的那个排在第一：“{word}”，概率为 {share}。"
    ),
    "Of these words {name} would rather put “{word}”, with {share}.": (
        "在这些词中，{name} 更愿意接“{word}”，概率为 {share}。"
    ),
    "counted": "计数",
    "The oldest language model only counts: of all the times that two words stood together in a text, how often did this word follow? Here is its whole library, and in it a coffee shop, counted once.": (
        "最古老的语言模型只会计数：两个词一起出现的那些次里，后面接这个词的有几次？下面是它的全部藏书，其中有一家咖啡馆，只数到过一次。"
    ),
    "What this model shows": "这个模型的表现",
    "To count is to remember whole strings of words, and almost every string is new. A neural model gives each word a vector instead, so what it learnt of one place to sit helps with all others: nothing that can be written gets exactly 0.": (
        "计数就是死记整串的词，而几乎每一串都是新的。神经模型则给每个词一个向量，关于一处可坐之地学到的，也能用在别处：凡是写得出来的，都不会恰好得 0。"
    ),
    "What does “its” refer to?": "“它”指的是什么？",
    "The Law will never be perfect, but its application should be just.": (
        "我们知道，法律永远不会完美，但它的应用应当公正。"
    ),
    "On average over all {count} heads it is {mean}; spread evenly over all that it sees it would be {chance}.": (
        "全部 {count} 个头的平均为 {mean}；若均匀分给它看得到的一切，则为 {chance}。"
    ),
    "its": "它",
    "Law": "法律",
    "Yes: in head {head} of layer {layer} of {name}, {best} of what “{word}” reads comes from “{meant}”.": (
        "找到了：在 {name} 第 {layer} 层的第 {head} 个头里，“{word}”读到的内容有 {best} 来自“{meant}”。"
    ),
    "The head was picked after looking at all of them, and what a head looks at is not yet why the model says what it says (Jain and Wallace 2019).": (
        "这个头是看过所有头之后挑出来的；而一个头看哪里，还不等于模型为什么这么说（Jain 与 Wallace 2019）。"
    ),
    "layer {layer}, head {head}": "第 {layer} 层，第 {head} 个头",
    "heads": "头",
    "In part: the strongest is head {head} of layer {layer} of {name}, where {best} of what “{word}” reads comes from “{meant}”.": (
        "部分如此：最强的是 {name} 第 {layer} 层的第 {head} 个头，“{word}”在那里读到的内容有 {best} 来自“{meant}”。"
    ),
    "Not clearly: no head of {name} stands out. The strongest is head {head} of layer {layer}, where {best} of what “{word}” reads comes from “{meant}”.": (
        "看不清楚：{name} 没有哪个头特别突出。最强的是第 {layer} 层的第 {head} 个头，“{word}”在那里读到的内容有 {best} 来自“{meant}”。"
    ),
    "{first} {second}": "{first}{second}",
    "You know at once what is to be applied justly. Nothing in the word says so: it has to be looked up in the sentence, and attention is how a Transformer looks. Vaswani et al. (2017, figure 4) show two heads of their translator in which the attention of “its” is very sharp.": (
        "什么的应用应当公正，您一眼就明白。但“它”这个字本身没有说：答案要到句子里去找，而 Transformer 寻找的方式就是注意力。Vaswani 等（2017，图 4）展示了其翻译模型的两个头，英文原句中 “its” 的注意力在那里非常集中。"
    ),
    "attention to “{meant}”": "对“{meant}”的注意力",
    "This model reads from left to right: at “{word}” it sees only what stands before. Many heads rest on the first token when they have nothing to do.": (
        "这个模型从左往右读：在“{word}”处只看得到前面的内容。许多头无事可做时，会停在第一个词元上。"
    ),
    "Left: a row for each layer and a column for each head; the stronger the colour, the more of what the head reads at “{word}” comes from “{meant}”. Right: all that the strongest of them reads.": (
        "左图：每层一行，每头一列；颜色越深，这个头在“{word}”处读到的内容来自“{meant}”的就越多。右图：其中最强的那个头读到的全部内容。"
    ),
    "From a dictionary to attention": "从查字典到注意力",
    "The cat did not eat because it": "那只猫没有吃饭，因为它",
    "it": "它",
    "cat": "猫",
    "pear": "梨",
    "lemon": "柠檬",
    "1. Hard: a dictionary": "一、硬查找：字典",
    "2. Soft: what is alike answers together": "二、软查找：相像的一起回答",
    "3. Learned: queries, keys and values": "三、学来的查询、键与值",
    "key": "键",
    "score": "得分",
    "weight": "权重",
    "price": "价格",
    "The first two steps are made up by hand; the third is this model's own.": (
        "前两步是手工编的；第三步是这个模型自己的。"
    ),
    "Attention is looking something up. Three steps lead from a dictionary to what happens inside this model, and all three are computed by one and the same function: attend(query, key, value).": (
        "注意力就是查找。从字典到这个模型内部发生的事，只有三步，而三步都由同一个函数算出：attend(query, key, value)。"
    ),
    "A price list. Each fruit is a key with a direction of its own, (1, 0, 0), (0, 1, 0), (0, 0, 1), and its price is the value. Ask for “{name}”, with a scale so large that only an exact match counts.": (
        "一张价目表。每种水果是一个键，各占一个方向：[1, 0, 0]、[0, 1, 0]、[0, 0, 1]；价格就是值。现在查“{name}”，尺度取得很大，只有完全一致才算数。"
    ),
    "The answer is {result:g}: the dictionary's, as if nothing had been mixed.": (
        "答案是 {result:g}：与字典给出的一样，仿佛什么也没有混合。"
    ),
    "Now describe each fruit by how sweet and how sour it is: {traits}. Ask for a quince, {asked}, which is not in the list. The scale is smaller, so that likeness counts and not only identity.": (
        "现在用有多甜、有多酸来描述每种水果：{traits}。要查的是表里没有的榅桲，{asked}。尺度取小一些，于是相像也算数，不必完全一致。"
    ),
    "The answer is {result:.2f}: {weights}. No key matched, and yet there is an answer, and a small change of the question would change it a little: that is what makes it learnable.": (
        "答案是 {result:.2f}：{weights}。没有一个键对得上，却有答案；问题稍变，答案也稍变：正因如此，它才学得会。"
    ),
    "Nobody writes the vectors by hand any more: three matrices, learnt, make a query, a key and a value of each token, {width} numbers each. Here is head {head} of layer {layer} of {name}, asked by “{word}” in:": (
        "不再有人手写这些向量：三个学来的矩阵，为每个词元算出查询、键和值，各有 {width} 个数。下面是 {name} 第 {layer} 层的第 {head} 个头，由“{word}”来查："
    ),
    "Its query begins {query}. Scores are dot products over the root of {width}.": (
        "它的查询开头是 {query}。得分是点积除以 {width} 的平方根。"
    ),
    "Most weight, {weight}, goes to “{token}”. The answer is a vector again, the values so weighted, and begins {result}. The model itself used these very weights: the largest difference is {gap:.0e}.": (
        "最大的权重 {weight} 给了“{token}”。答案仍是一个向量，即按权重相加的值，开头是 {result}。模型自己用的正是这些权重：最大差别为 {gap:.0e}。"
    ),
    "{name} tells the meanings apart. They lie furthest from one another after layer {depth}: two uses of one meaning are {same:.2f} alike there, two of different meanings {apart:.2f}, and each of the {count} has one of its own meaning nearest.": (
        "{name} 分得清这两种意思。第 {depth} 层之后两者相距最远：那里同义的两处相似度为 {same:.2f}，异义的两处为 {apart:.2f}，而且全部 {count} 处最近的邻居都与自己同义。"
    ),
    "{name} tells the meanings apart a little. They lie furthest from one another after layer {depth}: two uses of one meaning are {same:.2f} alike there, two of different meanings {apart:.2f}, and {right} of the {count} have one of their own meaning nearest.": (
        "{name} 能略微分清这两种意思。第 {depth} 层之后两者相距最远：那里同义的两处相似度为 {same:.2f}，异义的两处为 {apart:.2f}，{count} 处中有 {right} 处最近的邻居与自己同义。"
    ),
    "{name} hardly tells the meanings apart, at any layer: at most, after layer {depth}, two uses of one meaning are {same:.2f} alike and two of different meanings {apart:.2f}; {right} of the {count} have one of their own meaning nearest there. A larger model, or one that has read more of this language, may do better.": (
        "{name} 在哪一层都几乎分不清这两种意思：差别最大的是第 {depth} 层之后，同义的两处相似度为 {same:.2f}，异义的两处为 {apart:.2f}；那里 {count} 处中有 {right} 处最近的邻居与自己同义。更大的模型，或读过更多中文的模型，也许会好一些。"
    ),
}
