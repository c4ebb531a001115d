"""Chinese wording: recipes, their knobs, their command, and who watches a run."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "Train a model from text by RECIPE, a name or a script; the same command goes on with a run that stopped.": (
        "按 RECIPE（配方的名字或脚本）从文本训练模型；再次执行同一命令会接着中断处继续。"
    ),
    "There is no text to learn from. Name some: unmask train {recipe} --data FILE": (
        "没有可供学习的文本。请指明：unmask train {recipe} --data 文件"
    ),
    "The model is in {folder}; its curve is {picture}.": "模型在 {folder}；损失曲线是 {picture}。",
    "{size:,.0f} MB": "{size:,.0f} MB",
    "The time is for {share:.0%} of the {speed:,.0f} GFLOP/s that a plain matrix product reaches here.": (
        "时间按本机单纯矩阵乘法速度 {speed:,.0f} GFLOP/s 的 {share:.0%} 估计。"
    ),
    "parameters": "参数",
    "tokens read": "读入的词元",
    "arithmetic": "计算量",
    "gradients": "梯度",
    "optimizer": "优化器",
    "activations": "激活值",
    "memory in all": "内存合计",
    "checkpoints on disk": "磁盘上的检查点",
    "time here, about": "本机用时（约）",
    "List the recipes, or what RECIPE can be told.": "列出全部配方，或 RECIPE 可以调的旋钮。",
    "Text to learn from: a file or a folder of .txt, .jsonl, .tsv, also .gz; may be repeated.": (
        "用来学习的文本：文件，或装有 .txt、.jsonl、.tsv（也可为 .gz）的文件夹；可重复给出。"
    ),
    "Turn a knob of the recipe, such as steps=100; may be repeated.": "调配方的一个旋钮，例如 steps=100；可重复给出。",
    "Where the run is kept, its model in FOLDER/model; else {folder}/RECIPE.": (
        "这次训练存放的地方，模型在其中的 model 里；不给则为 {folder}/RECIPE。"
    ),
    "Only tell what the run would cost: memory, time, disk.": "只说明训练要用多少内存、时间和磁盘。",
    "Write the recipe's script into the folder you are in (or --out), to be edited.": (
        "把配方的脚本写到当前文件夹（或 --out），供您修改。"
    ),
    "{name} cannot be {value!r}; it wants {kind}.": "{name} 不能是 {value!r}；它要的是{kind}。",
    "{name} cannot be {value!r}; it can be {known}. Did you mean {nearest!r}?": (
        "{name} 不能是 {value!r}；可以是 {known}。您是想用 {nearest!r} 吗？"
    ),
    "a whole number": "整数",
    "a number": "数",
    "--set wants NAME=VALUE, such as steps=100; it was given {text!r}.": (
        "--set 要写成 名字=值，例如 steps=100；给出的是 {text!r}。"
    ),
    "There is no knob {name!r}. Did you mean {nearest!r}? All knobs: {known}.": (
        "没有旋钮 {name!r}。您是想用 {nearest!r} 吗？全部旋钮：{known}。"
    ),
    " or ": "或 ",
    "{files} have {sources} and {targets} lines; each line of one needs one in the other. Check the files.": (
        "{files} 各有 {sources} 行和 {targets} 行；两边必须逐行对应。请检查文件。"
    ),
    "Of {count} pairs of texts, {learning} are to learn from and {held} to judge by; give more, or set another validation.": (
        "{count} 对文本中，{learning} 对用来学习，{held} 对用来评估；请给更多文本，或改变 validation。"
    ),
    "Loss of {name}": "{name} 的损失",
    "step": "步数",
    "learning {loss:.3f}": "学习 {loss:.3f}",
    "validation {loss:.3f}": "验证 {loss:.3f}",
    "{name} has no tokenizer to take. Name a folder that has one, or learn one: {kinds}.": (
        "{name} 没有可取用的分词器。请指明带有分词器的文件夹，或学一个：{kinds}。"
    ),
    "{learning:,} tokens to learn from, {held:,} to judge by.": "{learning:,} 个词元用来学习，{held:,} 个用来评估。",
    "{folder} is the vocabulary of another run, of other text or made in another way. Choose another folder with --out, or ask for what it was.": (
        "{folder} 是另一次训练的词表，文本或做法不同。请用 --out 另选文件夹，或照原样要求。"
    ),
    "Learning a vocabulary of up to {vocab:,} tokens ({kind}).": "正在学习词表，最多 {vocab:,} 个词元（{kind}）。",
    "There is no recipe {name!r}. Did you mean {nearest!r}? All recipes: {known}; or name a script of yours.": (
        "没有配方 {name!r}。您是想用 {nearest!r} 吗？全部配方：{known}；也可以指明您自己的脚本。"
    ),
    "There is no file {path}. Make one with: unmask train NAME --copy": (
        "没有文件 {path}。可以这样得到一个：unmask train 名字 --copy"
    ),
    "{path} is no recipe: it has no {missing}.": "{path} 不是配方：它没有 {missing}。",
    "{path} is there already. Remove it, or copy somewhere else with --out.": (
        "{path} 已经存在。请移走它，或用 --out 写到别处。"
    ),
    "TensorBoard's curves need {package}. Run: pip install 'unmask[track]'": (
        "TensorBoard 的曲线需要 {package}。请运行：pip install 'unmask[track]'"
    ),
    "loss {loss:.3f}, {speed:,.0f} tokens/s, {memory:,.0f} MB": (
        "损失 {loss:.3f}，每秒 {speed:,.0f} 词元，{memory:,.0f} MB"
    ),
    "step {step:,} of {steps:,}:": "第 {step:,} 步，共 {steps:,} 步：",
    "Which field of .jsonl, or column of .tsv, is the text.": ".jsonl 的哪个字段、.tsv 的哪一列是文本。",
    "What a document of a .txt is.": ".txt 里什么算一篇文档：整个文件、段落或行。",
    "What is held out to judge by: whole documents, or the end of each (for a few long ones).": (
        "留出什么来评估：整篇文档，或每篇的末尾（文档少而长时）。"
    ),
    "The share that is held out.": "留出的比例。",
    "A published model's, such as gpt2 or bert-base; none: as the next three say.": (
        "已发表模型的大小，如 gpt2、bert-base；none：由下面三个决定。"
    ),
    "The one dial: layers; the width goes with it.": "唯一的刻度：层数；宽度随之而定。",
    "Numbers of a token inside the model; none: 64 times the depth.": (
        "模型内部一个词元的数的个数；none：层数的 64 倍。"
    ),
    "Heads of attention; none: one for each 64 of the width.": "注意力的头数；none：宽度每 64 一个。",
    "Tokens of a row, which are also the longest that the model will read.": "一行的词元数，也是模型最多能读的长度。",
    "Steps of the optimizer.": "优化器的步数。",
    "Rows of a step, of all processes together.": "一步的行数，所有进程合计。",
    "Rows that run at once, fewer to save memory; none: all of them.": "同时计算的行数，少些省内存；none：全部。",
    "The highest learning rate.": "最高学习率。",
    "Steps in which the rate rises to it.": "学习率升到最高所用的步数。",
    "How the rate falls after that.": "此后学习率如何下降。",
    "What is left of the rate at the end, as a share.": "结束时学习率剩下的比例。",
    "How strongly AdamW pulls matrices towards 0.": "AdamW 把矩阵拉向 0 的力度。",
    "How slowly AdamW forgets the size of gradients.": "AdamW 忘记梯度大小的快慢，越大越慢。",
    "The largest norm of a step's gradient; none lets it be.": "一步梯度的最大范数；none：不限。",
    "The share of numbers dropped in learning, against learning by heart.": "学习时随机丢弃的比例，防止死记硬背。",
    "What it computes in: bfloat16 where the machine has units for it, else float32. What learns stays float32.": (
        "计算所用的数：机器有相应运算单元时为 bfloat16，否则为 float32。学习的权重始终是 float32。"
    ),
    "Compute twice what a layer keeps inside, to save memory.": "层内的中间结果重算一遍，省内存。",
    "The decay of a running mean of the weights, which is then what is saved.": (
        "权重滑动平均的衰减；给出后保存的就是平均值。"
    ),
    "Through torch.compile, which takes a minute first.": "经过 torch.compile，开头要等一分钟。",
    "Where to compute: cpu, cuda; none: the best there is.": "在哪里计算：cpu、cuda；none：用最好的。",
    "What processes started by torchrun share: only the rows, or the weights too.": (
        "torchrun 启动的进程分担什么：只分行，还是连权重也分。"
    ),
    "Same seed, same run.": "种子相同，训练相同。",
    "Steps between checkpoints; 0: at the end alone.": "隔多少步存一个检查点；0：只在结束时。",
    "Checkpoints that stay on the disk.": "磁盘上保留几个检查点。",
    "Steps between looks at the validation text; 0: at the end alone.": "隔多少步用留出的文本评估一次；0：只在结束时。",
    "Batches of the validation text at each look.": "每次评估用多少批留出的文本。",
    "Steps between lines of log.jsonl.": "隔多少步往 log.jsonl 写一行。",
    "Write the curves for TensorBoard too.": "也为 TensorBoard 写曲线。",
    "Learn to understand text: a BERT that says hidden words, and whether one sentence follows another.": (
        "学习理解文本：BERT，说出被遮住的词，并判断一段是否接着另一段。"
    ),
    "The vocabulary to learn: wordpiece; or a model or folder to take one from that has [CLS], [SEP] and [MASK].": (
        "要学的词表：wordpiece；或取自某个模型或文件夹，须有 [CLS]、[SEP] 和 [MASK]。"
    ),
    "The most tokens of a vocabulary that is learnt.": "要学的词表最多有多少词元。",
    "The share of tokens that is hidden.": "被遮住的词元的比例。",
    "Hide words as a whole; of Chinese text too, with the extra `chinese`.": (
        "整词遮盖；中文也行，需要附加组件 `chinese`。"
    ),
    "Learn too whether one text follows another.": "同时学习判断一段是否接着另一段。",
    "A text with [MASK] in it for the samples; none: a piece of the validation text.": (
        "示例所用的带 [MASK] 的文本；none：留出文本的一段。"
    ),
    "Learn to fill blanks of any length: a GLM, which reads around a blank and writes into it.": (
        "学习填写任意长的空白：GLM，读空白的前后，再写进去。"
    ),
    "The vocabulary to learn: wordpiece, bytes or unigram; or a model or folder to take a GLM's from.": (
        "要学的词表：wordpiece、bytes 或 unigram；或取自某个 GLM 的模型或文件夹。"
    ),
    "How often a batch has short blanks, beside the next two.": "一批用短空白的频度，与下面两个相比。",
    "How often its blanks are whole sentences.": "用整句作空白的频度。",
    "How often its blank is all of the text's end, for writing.": "把文本的整个末尾作空白的频度，用来学写作。",
    "The share of a text that spans and sentences hide.": "短空白和整句空白遮住的比例。",
    "The most tokens that a sample puts into a blank.": "示例里一个空白最多填多少词元。",
    "Learn to write from any text: a GPT that says each next token.": "从任意文本学习写作：GPT，说出每个下一词元。",
    "The vocabulary to learn: characters, bytes, wordpiece or unigram; or a model or folder to take one from.": (
        "要学的词表：characters、bytes、wordpiece 或 unigram；或取自某个模型或文件夹。"
    ),
    "Whose wiring.": "用谁的结构。",
    "Rows of whole documents kept apart, pieces of the text in one row, or pieces that begin anywhere.": (
        "文档装成行而互不相见、全文连成一行再切段，或从任意处开始的段。"
    ),
    "What the samples go on from.": "示例从什么文字接着写。",
    "Tokens of a sample.": "一个示例的词元数。",
    "How freely it is written; 0 takes the likeliest token.": "写得多自由；0 总取最可能的词元。",
    "The field or column of the text that is read.": "所读文本的字段或列。",
    "The field or column of the text that is written.": "所写文本的字段或列。",
    "The vocabulary of both texts to learn: unigram or bytes; or a model or folder to take one from.": (
        "两边文本共用的、要学的词表：unigram 或 bytes；或取自某个模型或文件夹。"
    ),
    "The share of each target that is spread over the vocabulary, against being too sure.": (
        "每个目标分给整个词表的比例，防止过分自信。"
    ),
    "Pairs of texts are read from tables ({known}) or from plain files two by two, whose lines belong together; there are {count} plain files: {files}.": (
        "成对的文本可以来自表格（{known}），或两两逐行对应的纯文本文件；这里有 {count} 个纯文本文件：{files}。"
    ),
    "What learns: a Transformer (Marian's layout), or a recurrent network as the next five say.": (
        "学习的模型：Transformer（Marian 的布局），或由下面五项决定的循环网络。"
    ),
    "The recurrent network's.": "循环网络的单元。",
    "When the recurrent network looks at the source: before each word, after it, that fed to the next, or never.": (
        "循环网络何时看源文：写每个词之前，之后，之后并把结果传给下一个词，或从不。"
    ),
    "How well a state and a word of the source fit.": "状态与源文的词有多相配的算法。",
    "What makes shares of that.": "由此得出份额的函数。",
    "Where it may look.": "它可以看哪里。",
    "Of what is written: it decides what BLEU takes for a word, in zh a character.": (
        "译文的语言：决定 BLEU 把什么当作词，中文以字为词。"
    ),
    "One vocabulary for both texts; without it, one each.": "两边文本共用一个词表；否则各用一个。",
    "Pairs of the validation text that are translated and scored at each look; at the end all are.": (
        "每次检查时翻译并打分的验证文本对数；结束时全部翻译。"
    ),
    "Hypotheses side by side at the end; each look takes the likeliest token after token.": (
        "结束时并行的候选数；每次检查则逐词取最可能的。"
    ),
    "Rows of full length that a step has room for; of shorter ones it has more.": (
        "一步能容纳的满长行数；行较短时可容纳更多。"
    ),
    "Learn to turn one text into another, such as a translation: the first Transformer, or a recurrent network.": (
        "学习把一段文本变成另一段，例如翻译：最初的 Transformer，或循环网络。"
    ),
}
