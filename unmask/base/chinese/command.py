"""Chinese wording: the command line."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    # program
    "Usage: ": "用法：",
    "Options": "选项",
    "Commands": "命令",
    "Show this help and leave.": "显示此帮助并退出。",
    "Show the version and leave.": "显示版本并退出。",
    "Show where in the source an error arose.": "显示错误在源代码中的位置。",
    "Write one JSON document to standard output.": "将结果以一个 JSON 文档写到标准输出。",
    "Transformer language models: pull one, talk to it, look inside.": "Transformer 语言模型：下载、对话、看清内部。",
    "There is no verb {name!r}. Did you mean {nearest!r}? All verbs: {known}.": (
        "没有命令 {name!r}。您是想用 {nearest!r} 吗？全部命令：{known}。"
    ),
    "unmask: error: {message}": "unmask: 错误：{message}",
    # models
    "Fetch MODEL: {names}, or a repository of the Hub as OWNER/NAME.": (
        "下载 MODEL：{names}，或 Hub 上的仓库 OWNER/NAME。"
    ),
    "Branch, tag or commit of the repository; else main.": "仓库的分支、标签或提交；默认为 main。",
    "List the models on this machine.": "列出本机已有的模型。",
    "No model on this machine yet. Fetch one: unmask pull {name}": "本机还没有模型。可先下载：unmask pull {name}",
    "depth {depth}, width {width}, heads {heads} ({kv_heads} for keys), feed-forward {hidden}": (
        "{depth} 层，宽度 {width}，{heads} 个头（键 {kv_heads} 个），前馈宽度 {hidden}"
    ),
    "name          {value}": "名称      {value}",
    "architecture  {value}": "架构      {value}",
    "sizes         {value}": "规模      {value}",
    "parameters    {value:,}": "参数量    {value:,}",
    "dtype         {value}": "数据类型  {value}",
    "device        {value}": "设备      {value}",
    "quantized on  {value}": "量化运行  {value}",
    "context       {value:,} tokens": "上下文    {value:,} 个词元",
    "vocabulary    {value:,} tokens": "词表      {value:,} 个词元",
    "chat template {value}": "对话模板  {value}",
    "yes": "有",
    "no": "无",
    # evaluate
    "Measure how well MODEL foresees the text in FILE, - is standard input; and how far it is from another.": (
        "测量 MODEL 对 FILE 中文本的预测能力（- 为标准输入），以及它与另一模型的差距。"
    ),
    "Compare with this model of the same vocabulary; else a quantized one with its exact weights.": (
        "与这个词表相同的模型比较；默认将量化模型与其原始精度的权重比较。"
    ),
    "Tokens read together, the second half of which count, as in llama.cpp; else {n}.": (
        "一次读取的词元数，只计后一半，与 llama.cpp 相同；默认为 {n}。"
    ),
    "Move the window by N tokens instead and count each token once: slower, with more before it.": (
        "改为每次将窗口移动 N 个词元，每个词元只计一次：更慢，但上文更长。"
    ),
    "{name} and {other} do not spell this text in the same tokens, so their guesses cannot be compared. Name a model of the same vocabulary.": (
        "{name} 与 {other} 对此文本的分词不同，无法比较它们的预测。请指定词表相同的模型。"
    ),
    "perplexity  {value:.4f} ± {error:.4f}, of {tokens:,} tokens": "困惑度  {value:.4f} ± {error:.4f}，共 {tokens:,} 个词元",
    "reference   {value:.4f}, so this is {ratio:.4f} times as much": "参照    {value:.4f}，此处为其 {ratio:.4f} 倍",
    "divergence  {mean:.5f} nats a token, 99 % under {high:.5f}": (
        "散度    每个词元 {mean:.5f} 奈特，99% 的词元低于 {high:.5f}"
    ),
    "agreement   {first:.2%} on the likeliest token, {few:.2%} of the five likeliest": (
        "一致    最可能的词元 {first:.2%} 相同，前五个中 {few:.2%} 相同"
    ),
    # show
    "Show what MODEL is; with --tokens what texts cost in it, with --memory what it needs. Loads no weights.": (
        "显示 MODEL 是什么；用 --tokens 看文本折合多少词元，用 --memory 看所需内存。不加载权重。"
    ),
    "--memory and --tokens are two different tables. Ask for one at a time.": (
        "--memory 与 --tokens 是两张不同的表，请一次只要一张。"
    ),
    "--price prices the tokens of a text: give --tokens FILE too.": "--price 为文本的词元计价，请同时给出 --tokens FILE。",
    "--context and --users belong to the memory plan: give --memory too.": (
        "--context 与 --users 用于内存规划，请同时给出 --memory。"
    ),
    "{name} came without a tokenizer, so no tokens can be counted.": "{name} 没有附带分词器，无法统计词元。",
    "Count the tokens of a text file by script, - is standard input; may be repeated.": (
        "按文字种类统计文本文件的词元，- 为标准输入；可重复给出。"
    ),
    "With --tokens: what a million tokens cost, in any currency.": "配合 --tokens：每百万词元的价格，币种不限。",
    "{path} is not UTF-8 text: byte {offset} is 0x{byte:02x}. Convert it first, say with iconv.": (
        "{path} 不是 UTF-8 文本：第 {offset} 字节为 0x{byte:02x}。请先转换，例如用 iconv。"
    ),
    "characters": "字符",
    "tokens": "词元",
    "tokens a character": "词元/字符",
    "characters a token": "字符/词元",
    "of the context": "占上下文",
    "cost": "费用",
    "Chinese": "中文",
    "English and other Latin": "英文及其他拉丁文字",
    "other": "其他",
    "all": "合计",
    "{lines:,} lines; the context holds {context:,} tokens": "共 {lines:,} 行；上下文可容纳 {context:,} 个词元",
    "Plan the memory that MODEL needs, in each number format.": "规划 MODEL 在各种数值格式下所需的内存。",
    "With --memory: tokens of a row, prompt and answer; else the model's whole context.": (
        "配合 --memory：每行的词元数，含提示与回答；默认为整个上下文。"
    ),
    "With --memory: rows worked on at once; else 1.": "配合 --memory：同时处理多少行；默认为 1。",
    "MB": "MB（兆字节）",
    "weights": "权重",
    "file": "文件",
    "cache": "缓存",
    "work": "运算",
    "runtime": "运行环境",
    "loading": "加载时",
    "total": "总计",
    "fits": "是否够用",
    "fits: yes": "够",
    "fits: no": "不够",
    "for {users:,} x {context:,} tokens": "按 {users:,} × {context:,} 个词元计",
    "free here: {free:,.0f} MB": "本机可用：{free:,.0f} MB",
    "{dtype}: does not fit at any length": "{dtype}：多短都放不下",
    "{dtype}: {context:,} tokens would fit": "{dtype}：最多放得下 {context:,} 个词元",
    # generate --beams
    "Search for the likeliest text, N at a time, instead of writing it token by token.": (
        "不逐个词元书写，而是同时保留 N 条候选，搜索最可能的文本。"
    ),
    "With --beams: show the N best; else 1.": "配合 --beams：显示最好的 N 条；默认为 1。",
    "With --beams: the power of its length that a text's score is divided by; else 1.": (
        "配合 --beams：文本得分除以其长度的几次方；默认为 1。"
    ),
    "{option} is about a search: give --beams N too.": "{option} 用于搜索，请同时给出 --beams N。",
    "{option} chooses token by token, where --beams looks for the likeliest text as a whole. Leave one of them out.": (
        "{option} 是逐个词元选择，而 --beams 寻找整体最可能的文本。请去掉其中之一。"
    ),
    # choosing a model and how it answers
    "A pulled name, a Hub repository, a folder or a GGUF file; else {name}.": (
        "已下载的名称、Hub 仓库、文件夹或 GGUF 文件；默认为 {name}。"
    ),
    "Hold the weights in few bits: faster, smaller, not exact. stored: a GGUF file's own blocks.": (
        "以低位数保存权重：更快、更小，但不精确。stored 为 GGUF 文件自带的块。"
    ),
    "Weights in {scheme} for speed; --quantize none keeps them exact": (
        "为提速，权重采用 {scheme}；加 --quantize none 可保持精确"
    ),
    "Number format of the weights; else as stored.": "权重的数值格式；默认与文件相同。",
    "Where to compute: cpu, cuda; else the best there is.": "计算设备：cpu、cuda；默认选最快的。",
    "A pulled name, a Hub repository, a folder or a GGUF file.": "已下载的名称、Hub 仓库、文件夹或 GGUF 文件。",
    "Read weights from a .bin file if there are no others; runs no code.": (
        "没有其他权重时读取 .bin 文件；不会运行其中的代码。"
    ),
    "Most tokens to write; else until the end or the context is full.": "最多写多少词元；默认写到结束或上下文用尽。",
    "Stop before this text; may be repeated.": "遇到此文本即停止；可重复给出。",
    "0 always takes the likeliest token; higher is more varied.": "0 总取最可能的词元；越高越多变。",
    "Choose among the K likeliest tokens; 0 is off.": "只在最可能的 K 个词元中选；0 为关闭。",
    "Choose among the likeliest that sum to P.": "只在累计概率达到 P 的词元中选。",
    "Leave out what is less likely than P times the likeliest.": "舍去概率不足最高者 P 倍的词元。",
    "Above 1: weaken every token that was there before.": "大于 1：削弱所有已出现的词元。",
    "Above 0: weaken tokens already used in the answer.": "大于 0：削弱回答中已用的词元。",
    "Above 0: weaken them by how often they were used.": "大于 0：按使用次数削弱词元。",
    "Same seed, same text.": "种子相同，文本相同。",
    # chat, generate, score
    "Talk to a model: once with -p or a pipe, else back and forth until /exit or Ctrl-D.": (
        "与模型对话：用 -p 或管道问一次，否则一直聊到 /exit 或 Ctrl-D。"
    ),
    "What to say; piped text is put after it.": "要说的话；管道传入的文本接在其后。",
    "Instructions that hold for the whole chat.": "对整个对话有效的指示。",
    "Continue a text, taken from PROMPT, a pipe or both. Greedy unless told otherwise.": (
        "续写文本，取自 PROMPT、管道或两者。默认总取最可能的词元。"
    ),
    "--json needs its prompt at once: give -p TEXT, or pipe it in.": (
        "--json 需要事先给出提示：请用 -p TEXT，或用管道传入。"
    ),
    "There is no text to work on: give some, or pipe it in.": "没有可处理的文本：请直接给出，或用管道传入。",
    "Standard input is not UTF-8 text: byte {offset} is 0x{byte:02x}. Convert it first, say with iconv.": (
        "标准输入不是 UTF-8 文本：第 {offset} 字节为 0x{byte:02x}。请先转换，例如用 iconv。"
    ),
    "(cut after {tokens} tokens, at the limit or the end of the context)": (
        "（已写 {tokens} 个词元，因到达上限或上下文用尽而截断）"
    ),
    "Score a text, from TEXT, a pipe or both: each token's log-probability (natural), total, perplexity.": (
        "为文本打分，取自 TEXT、管道或两者：每个词元的自然对数概率、总和与困惑度。"
    ),
    "total {total:.4f}  perplexity {perplexity:.4f}": "总和 {total:.4f}  困惑度 {perplexity:.4f}",
    "{name}: context {context:,} tokens. /help lists what else can be done, Ctrl-C stops an answer, Ctrl-D leaves.": (
        "{name}：上下文 {context:,} 个词元。/help 列出其他操作，Ctrl-C 停止回答，Ctrl-D 离开。"
    ),
    "(forgotten)": "（已清空）",
    "(a new chat with these instructions)": "（新对话，采用这些指示）",
    "(stopped; Ctrl-C again leaves)": "（已停止；再按一次 Ctrl-C 离开）",
    "There is no {command}. Did you mean {nearest}? All commands: {known}.": (
        "没有 {command}。您是想用 {nearest} 吗？全部命令：{known}。"
    ),
    "(there is no answer yet)": "（还没有回答）",
    "(at temperature {warm}: at 0 the same answer would come again)": "（温度取 {warm}：温度为 0 时会得到同样的回答）",
    "Say to which file: /save FILE": "请指明文件：/save FILE",
    "There is something at {path} already. Name another file.": "{path} 处已有内容。请换一个文件。",
    "(saved to {path})": "（已保存到 {path}）",
    "answers your last message anew": "重新回答您的上一条消息",
    "goes on with an answer that was cut or stopped": "继续被截断或停止的回答",
    "forgets what was said, but not the instructions": "清空对话，但保留指示",
    "begins a new chat with these instructions, or without any": "按这些指示（或不带指示）开始新对话",
    "writes the conversation to a JSON file": "将对话写入 JSON 文件",
    "shows this list; Alt-Enter begins a new line, the arrow keys recall what you typed": (
        "显示此列表；Alt-Enter 换行，方向键调出输入过的内容"
    ),
    "leaves, as Ctrl-D does": "离开，与 Ctrl-D 相同",
    # convert, push
    "Write MODEL to OUT: a folder that transformers loads, or a GGUF file that llama.cpp loads.": (
        "将 MODEL 写到 OUT：transformers 可读的文件夹，或 llama.cpp 可读的 GGUF 文件。"
    ),
    "A folder or a GGUF file; else a file if OUT ends in .gguf.": (
        "写成文件夹（hub）或 GGUF 文件；默认在 OUT 以 .gguf 结尾时写成文件。"
    ),
    "Number format of a GGUF's matrices; else f16.": "GGUF 中矩阵的数值格式；默认为 f16。",
    "Write over what is at OUT.": "覆盖 OUT 处已有的内容。",
    "Only list which tensors of MODEL are used; write nothing.": "只列出 MODEL 中用到的张量，不写文件。",
    "Say where to write: unmask convert MODEL OUT. Or only look, with --report.": (
        "请指明写到哪里：unmask convert MODEL OUT。若只想查看，请用 --report。"
    ),
    "--quantize is for folders; choose a GGUF file's format with --type.": (
        "--quantize 用于文件夹；GGUF 文件的格式请用 --type 选择。"
    ),
    "--type is for GGUF files; for a folder, choose with --dtype.": (
        "--type 只用于 GGUF 文件；写成文件夹时请用 --dtype 选择。"
    ),
    "{path} is a folder, and a GGUF is one file. Name the file: {path}/model.gguf": (
        "{path} 是文件夹，而 GGUF 是单个文件。请写明文件名：{path}/model.gguf"
    ),
    "{path} is a file, and a model in the Hub's layout is a folder. Name another.": (
        "{path} 是文件，而 Hub 格式的模型是文件夹。请换一个名称。"
    ),
    "There is something at {path} already. Name another place, or add --force.": (
        "{path} 处已有内容。请换一个位置，或加上 --force。"
    ),
    "(a GGUF file has no place for {names}; left out)": "（GGUF 文件中没有 {names} 的位置，已略去）",
    "used     {name}": "已用  {name}",
    "ignored  {name}": "忽略  {name}",
    "rounded  {name}": "重新取整  {name}",
    "{used} used, {ignored} ignored": "已用 {used} 个，忽略 {ignored} 个",
    "Upload MODEL to the Hub as OWNER/NAME, where it is made if need be. Needs your token.": (
        "将 MODEL 上传到 Hub，名为 OWNER/NAME，没有则新建。需要您的令牌。"
    ),
    "For everyone to see; else private.": "对所有人公开；默认为私有。",
    # fill, embed
    "Fill in each [MASK] of TEXT (or of a pipe) with the likeliest words, a guess a line.": (
        "完形填空：为 TEXT（或管道传入的文本）中的每个 [MASK] 填上最可能的词，每行一个猜测。"
    ),
    "How many guesses for each blank; else 5.": "每个空给出几个猜测；默认为 5。",
    "blank {number}": "第 {number} 空",
    "Turn texts into vectors: each TEXT, else each line of a pipe. Writes a JSON array a line.": (
        "将文本转为向量：每个 TEXT，或管道中的每一行。每行写一个 JSON 数组。"
    ),
    "Write them to this numpy file instead: float32, a row a text.": "改为写到此 numpy 文件：float32，每个文本一行。",
    "Cut texts that are too long for the model, rather than refuse them.": "截断模型读不下的长文本，而不是拒绝。",
    "Text {number} is empty, so it has no vector. Take it out; where texts are piped in, each line is one.": (
        "第 {number} 个文本为空，因此没有向量。请将它去掉；用管道传入时，每行是一个文本。"
    ),
    "Wrote {count:,} vectors of {width} numbers to {path}": "已将 {count:,} 个 {width} 维向量写到 {path}",
    "({count:,} texts were cut to {longest} tokens)": "（{count:,} 个文本被截断为 {longest} 个词元）",
    # serve
    "Serve a web page and an OpenAI-compatible API with MODEL (else {name}). Further models are loaded when a request "
    "names them.": "用 MODEL（默认 {name}）提供网页和兼容 OpenAI 的接口。其余模型在请求指定它们时才加载。",
    "Answer only who knows a key; one a line. Or in UNMASK_KEYS, with commas. Without the web page.": (
        "只回应持有密钥者；文件中每行一个密钥。也可写在 UNMASK_KEYS 中，用逗号分隔。此时没有网页。"
    ),
    "How long further models stay loaded when nobody uses them; else 300.": (
        "其余模型无人使用时保持加载的秒数；默认 300。"
    ),
    "How long answers may go on when the server is stopped; else 30.": (
        "停止服务器时，正在写的回答还可继续的秒数；默认 30。"
    ),
    "Longest request; else 4194304.": "请求的最大字节数；默认 4194304。",
    "Most tokens of a prompt; else the model's context.": "提示词最多有多少词元；默认为模型的上下文长度。",
    "Most requests at a time; else 512.": "同时处理的请求上限；默认 512。",
    "Most answers that wait to be begun; else 64.": "等待开始的回答的上限；默认 64。",
    "How long an answer may wait to be begun; else 300.": "回答最多等多少秒开始；默认 300。",
    "How long an answer may take; else 3600.": "回答最多用时多少秒；默认 3600。",
    "How long a client may neither send nor take anything; else 60.": "客户端最多可以多少秒既不发送也不接收；默认 60。",
    "Address to listen on; else this machine only.": "监听地址；默认仅限本机。",
    "Port to listen on; else 8000.": "监听端口；默认为 8000。",
    "With the web page, or the API alone.": "带网页，或仅提供接口。",
    "Loading {name}": "正在加载 {name}",
    "Where to write it: a page (.html), a picture (.svg) or its numbers (.json).": (
        "写到哪里：网页（.html）、图片（.svg）或数据（.json）。"
    ),
    "sense: the word that all the sentences have.": "sense：所有句子中都有的词。",
    "Where is it to go? Give --out FILE.html, or --json.": "要写到哪里？请给出 --out FILE.html 或 --json。",
    "sense, and only sense, wants --word WORD: the word that all the sentences have.": (
        "sense 需要 --word WORD（所有句子中都有的词），其他视图都不需要。"
    ),
    "Wrote {title} to {path}": "已将“{title}”写到 {path}",
    "With --quantize: round by what the model does with a text (--text), not each weight by itself.": (
        "与 --quantize 一起使用：按模型处理某段文本（--text）的情况来取整，而不是逐个权重取整。"
    ),
    "What to calibrate on: like what the model will read.": "用于校准的文本：应与模型将要读到的内容相似。",
    "--calibrate and --text go together: a method, and a file to calibrate on.": (
        "--calibrate 与 --text 须一起给出：一个方法，一个用于校准的文件。"
    ),
    "--calibrate says how to round, not to what: give --quantize int4, for example.": (
        "--calibrate 说明如何取整，而不是取整成什么：请同时给出 --quantize，例如 --quantize int4。"
    ),
    # bench
    "Measure a server under load.": "测量服务器在负载下的表现。",
    "Ask a server for many answers and tell how soon they come: MODEL (else {name}) is served for it, unless there is a --url.": (
        "向服务器请求许多回答，并报告回答来得多快：为此提供 MODEL（默认 {name}）的服务，除非给出了 --url。"
    ),
    "Any OpenAI-compatible API, up to /v1; MODEL is its name there, else the first. A key is taken from {variable}.": (
        "任何兼容 OpenAI 的接口，写到 /v1 为止；MODEL 是模型在那里的名字，默认为第一个。密钥取自 {variable}。"
    ),
    "Cut the prompts from this text; else they are words by chance.": "从这个文本中截取提示词；默认为随机的单词。",
    "So many requests at once, each followed by the next; may be repeated.": (
        "同时进行这么多请求，一个结束后接着下一个；可重复给出。"
    ),
    "So many requests a second at random times, whether answered or not; may be repeated.": (
        "每秒在随机时刻发出这么多请求，无论之前的是否已得到回答；可重复给出。"
    ),
    "Requests of each load; else 32.": "每种负载的请求数；默认 32。",
    "Tokens of a prompt, about; else 128.": "提示词的大致词元数；默认 128。",
    "Tokens of an answer; else 128.": "回答的词元数；默认 128。",
    "A good answer begins within so many milliseconds.": "好的回答须在这么多毫秒内开始。",
    "A good answer takes at most so many milliseconds a token.": "好的回答每个词元最多用这么多毫秒。",
    "Give a request up after so many seconds; else 600.": "请求超过这么多秒即放弃；默认 600。",
    "Same seed, same prompts at the same times.": "种子相同，提示词及其时刻就相同。",
    "With --url the server holds its model as it does; leave --quantize out.": (
        "给出 --url 时，模型的存放方式由那个服务器决定；请去掉 --quantize。"
    ),
    "{path} has no words in it, so no prompts can be cut from it.": "{path} 中没有单词，无法从中截取提示词。",
    "{model} could not be served, so there is nothing to measure.": "无法提供 {model} 的服务，因此没有可测量的对象。",
    "{rate:g} a second": "每秒 {rate:g} 个",
    "{count} at once": "同时 {count} 个",
    "requests": "请求",
    "failed: {fault}": "失败：{fault}",
    "first text, ms": "首个文本，毫秒",
    "between texts, ms": "文本间隔，毫秒",
    "tokens read a second": "每秒读入词元",
    "tokens written a second": "每秒写出词元",
    "requests a second": "每秒请求",
    "good answers a second": "每秒好的回答",
    "prompts known before": "先前已知的提示词",
    "Most answers that are written at a time; else 32.": "同时生成的回答数上限；默认 32。",
    "Room for the keys and values of each model; else 96 or one whole context, if that is more.": (
        "每个模型的键值缓存大小；默认 96，若一个完整上下文更大则取后者。"
    ),
    "Keep keys and values in 8 bits, as quantized models do by themselves, or in twice the room.": (
        "以 8 位保存键和值（量化模型默认如此），或以两倍空间完整保存。"
    ),
    "Guess what repeats itself and check it all at once: faster, the same text. On by itself.": (
        "猜测会重复的内容并一次性验证：更快，文本不变。默认开启。"
    ),
    "Look inside MODEL while it reads TEXT (or a pipe): its attention, what it expected (tokens), what it would say after each layer (lens), a word in several sentences (sense), the order of words (positions); or, of a translator, where each word of a translation looks (alignment of TEXT and perhaps its translation). guide: an explained example of that name; without a name, a list of them.": (
        "观察 MODEL 读 TEXT（或管道输入）时的内部：注意力（attention）、它的预期（tokens）、每层之后它会说什么（lens）、一个词在几个句子里的含义（sense）、词序（positions）；若是翻译模型，还可看译文的每个词看向何处（alignment，给出 TEXT，也可再给出其译文）。guide：该名称的讲解示例；不给名称则列出全部。"
    ),
    "attention, alignment: show this layer first, from 0.": "attention、alignment：先显示这一层，从 0 起。",
    "attention, alignment: show this head first, from 0.": "attention、alignment：先显示这个头，从 0 起。",
    "--layer and --head belong to the views of attention and of alignment.": (
        "--layer 和 --head 只用于 attention 和 alignment 这两种视图。"
    ),
    "Only sense takes several texts, and alignment two. Put each into quotation marks of its own.": (
        "只有 sense 接受多段文本，alignment 接受两段。请把每段文本各自放在引号中。"
    ),
    "Translate FILE (or a pipe, or what you type) with MODEL, an encoder-decoder: a line out for each line in.": (
        "用编码器-解码器模型 MODEL 翻译 FILE（或管道输入、键入的文字）：每输入一行，输出一行。"
    ),
    "Write the translations to this file; it is there when it is whole.": (
        "把译文写入这个文件；全部完成后文件才会出现。"
    ),
    "Put before each line: a task of T5's, or the language that a model of several is to write.": (
        "加在每行之前：T5 的任务，或多语种模型要写的语言。"
    ),
    "Hypotheses that are written side by side; 1 takes the likeliest token each time.": (
        "同时写出的候选译文数；1 表示每步取最可能的词元。"
    ),
    "With --json: so many hypotheses of each line.": "与 --json 合用：每行给出这么多个候选译文。",
    "The power of its length that a hypothesis' score is divided by.": "候选译文的分数除以其长度的几次方。",
    "Above 0: weaken hypotheses that leave words of the line unseen.": "大于 0：削弱漏看原文词语的候选译文。",
    "Most tokens of a translation; else until the context is full.": "译文最多的词元数；否则直到上下文写满。",
    "Draw by chance instead of searching: higher is more varied.": "不搜索，改为随机抽取：越高越多样。",
    "A translation is either searched for or drawn by chance: leave out one of them.": (
        "译文要么搜索，要么随机抽取：请去掉其中一种。"
    ),
    "Several hypotheses of a line are only told with --json.": "一行的多个候选译文只与 --json 合用时给出。",
    "Type a line to have it translated; Ctrl-D ends.": "键入一行即可翻译；按 Ctrl-D 结束。",
    "{name}, line {number}: not UTF-8 text. Convert it first, say with iconv.": (
        "{name} 第 {number} 行：不是 UTF-8 文本。请先转换，例如用 iconv。"
    ),
    "(line {number} has {tokens:,} tokens, more than the {context} that {name} reads at once: translated in {parts} parts)": (
        "（第 {number} 行有 {tokens:,} 个词元，超过 {name} 一次能读的 {context} 个：已分 {parts} 部分翻译）"
    ),
    "(line {number}: {unknown} of its {tokens} tokens are unknown to {name})": (
        "（第 {number} 行：其 {tokens} 个词元中有 {unknown} 个是 {name} 不认识的）"
    ),
    "Wrote {count:,} lines to {path}": "已把 {count:,} 行写入 {path}",
    "Standard input": "标准输入",
}
