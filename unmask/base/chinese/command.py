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
    "Fetch MODEL: {name}, or a repository of the Hub as OWNER/NAME.": (
        "下载 MODEL：{name}，或 Hub 上的仓库 OWNER/NAME。"
    ),
    "Branch, tag or commit of the repository; else main.": "仓库的分支、标签或提交；默认为 main。",
    "List the models on this machine.": "列出本机已有的模型。",
    "Show what MODEL is: architecture, sizes, context, vocabulary.": "显示 MODEL 的架构、规模、上下文与词表。",
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
    "context       {value:,} tokens": "上下文    {value:,} 个词元",
    "vocabulary    {value:,} tokens": "词表      {value:,} 个词元",
    "chat template {value}": "对话模板  {value}",
    "yes": "有",
    "no": "无",
    # choosing a model and how it answers
    "A pulled name, a Hub repository, a folder or a GGUF file; else {name}.": (
        "已下载的名称、Hub 仓库、文件夹或 GGUF 文件；默认为 {name}。"
    ),
    "Number format of the weights; else as stored.": "权重的数值格式；默认与文件相同。",
    "Where to compute: cpu, cuda; else the best there is.": "计算设备：cpu、cuda；默认选最快的。",
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
    "{name}: context {context:,} tokens. /clear forgets, /system TEXT instructs, /exit or Ctrl-D leaves, "
    "Ctrl-C stops an answer.": (
        "{name}：上下文 {context:,} 个词元。/clear 清空，/system TEXT 设定指示，/exit 或 Ctrl-D 离开，Ctrl-C 停止回答。"
    ),
    "(forgotten)": "（已清空）",
    "(a new chat with these instructions)": "（新对话，采用这些指示）",
    "(stopped; Ctrl-C again leaves)": "（已停止；再按一次 Ctrl-C 离开）",
    "There is no {command}. Did you mean {nearest}? All commands: {known}.": (
        "没有 {command}。您是想用 {nearest} 吗？全部命令：{known}。"
    ),
    # serve
    "Serve a web page and an OpenAI-compatible API with MODEL (else {name}).": (
        "用 MODEL（默认 {name}）提供网页和兼容 OpenAI 的接口。"
    ),
    "Address to listen on; else this machine only.": "监听地址；默认仅限本机。",
    "Port to listen on; else 8000.": "监听端口；默认为 8000。",
    "With the web page, or the API alone.": "带网页，或仅提供接口。",
    "Loading {name}": "正在加载 {name}",
}
