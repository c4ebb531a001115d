"""Chinese wording: the server and its web page."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    # The server
    "Will not listen on {host!r}: without keys, only this machine may ask. Give keys with --keys FILE, or use "
    "127.0.0.1, and a tunnel (ssh -L) from elsewhere.": (
        "不在 {host!r} 上监听：没有密钥时只接受本机的请求。请用 --keys FILE 给出密钥，或使用 127.0.0.1，从别处访问时用隧道（ssh -L）。"
    ),
    "Port {port} does not exist; ports go from 0 to 65535.": "端口 {port} 不存在；端口号的范围是 0 到 65535。",
    "Cannot listen on {host}:{port}: {reason}. Choose another port with --port.": (
        "无法在 {host}：{port} 上监听：{reason}。请用 --port 换一个端口。"
    ),
    "Serving needs {package}. Run: pip install 'unmask[serve]'": (
        "启动服务需要 {package}。请运行：pip install 'unmask[serve]'"
    ),
    "Page: {address}": "网页：{address}",
    "API:  {address}  (stop with Ctrl-C)": "接口：{address}（按 Ctrl-C 停止）",
    "{path}: the keys cannot be read: {reason}.": "{path}：无法读取密钥：{reason}。",
    "{path} has no key in it, so nobody could ask. Write one a line.": (
        "{path} 中没有密钥，那样谁也无法提问。请每行写一个密钥。"
    ),
    "{where}: key {number} cannot be used; a key has {least} or more characters, all of them letters, digits or signs "
    "of ASCII, no blanks.": (
        "{where}：第 {number} 个密钥不可用；密钥至少有 {least} 个字符，只能是 ASCII 的字母、数字或符号，不能有空格。"
    ),
    "The web page is for this machine's user alone, and keys are for others. Leave out one of them.": (
        "网页只供本机的用户使用，而密钥是给其他人的。请去掉其中之一。"
    ),
    "{name} is {value}; it must be more than 0.": "{name} 为 {value}；它必须大于 0。",
    "Finishing what is under way, for {seconds:g} seconds at most; a second signal (Ctrl-C) ends it at once.": (
        "正在完成进行中的回答，最多再等 {seconds:g} 秒；再发一次信号（Ctrl-C）则立即结束。"
    ),
    "The model {name} has stopped after a fault; see above. The server ends.": (
        "模型 {name} 出错后已停止工作；原因见上文。服务器结束运行。"
    ),
    # The API
    "{name} is busy: {queued} requests are waiting, as many as are let in. Try again in a few seconds.": (
        "{name} 正忙：已有 {queued} 个请求在等待，达到上限。请过几秒再试。"
    ),
    "{name} is busy: prompts of {queued} tokens are in line, and with this one's {tokens} it would be more than {most}. "
    "Try again in a few seconds.": (
        "{name} 正忙：等待中的提示词共有 {queued} 个词元，加上这一个的 {tokens} 个就超过上限 {most}。请过几秒再试。"
    ),
    "{name} is busy: this answer could not be begun within {seconds:g} seconds. Try again later.": (
        "{name} 正忙：未能在 {seconds:g} 秒内开始这个回答。请稍后再试。"
    ),
    "{count} requests are being answered, as many as are let in. Try again in a few seconds.": (
        "正在处理 {count} 个请求，达到上限。请过几秒再试。"
    ),
    "This answer took longer than {seconds:g} seconds, the most here. Ask for a shorter one.": (
        "这个回答用时超过 {seconds:g} 秒，即此处的上限。请要求更短的回答。"
    ),
    "There is no memory for {name} now: {lacking} MB more are needed. Try again later, or use a model that is loaded: "
    "{loaded}.": "现在没有足够的内存加载 {name}：还差 {lacking} MB。请稍后再试，或使用已加载的模型：{loaded}。",
    "{name} could not be loaded; the server's log says why.": "无法加载 {name}；原因见服务器的日志。",
    "This server wants a key: send Authorization: Bearer KEY, with one of those it was started with.": (
        "此服务器要求密钥：请发送 Authorization: Bearer KEY，其中 KEY 是启动服务器时给出的密钥之一。"
    ),
    "The request's body did not come: nothing for {seconds:g} seconds.": (
        "请求正文没有到达：{seconds:g} 秒内没有收到任何内容。"
    ),
    "The server is being stopped; ask again when it is back.": "服务器正在停止；请在它恢复后再试。",
    "There is no model {name!r} here. Did you mean {nearest!r}?": "这里没有模型 {name!r}。您是想用 {nearest!r} 吗？",
    "{name} turns texts into vectors and cannot talk. Send texts to /v1/embeddings, or serve a chat model.": (
        "{name} 将文本转为向量，不能对话。请将文本发送到 /v1/embeddings，或改用对话模型启动服务。"
    ),
    "There is nothing at {method} {path}. The API is under /v1.": "{method} {path} 不存在。接口在 /v1 之下。",
    "{path} does not take {method}; it takes {allowed}.": "{path} 不接受 {method}；它接受 {allowed}。",
    "{param} = {value} is not supported by this server. Leave {param} out.": (
        "此服务器不支持 {param} = {value}。请去掉 {param}。"
    ),
    "{param} is of type {type!r}, but this model reads only text. Send parts of type 'text'.": (
        "{param} 的类型是 {type!r}，而此模型只能读取文本。请发送类型为 'text' 的内容。"
    ),
    "{param}: {reason}.": "{param}：{reason}。",
    "{param}: {reason}": "{param}：{reason}",
    "The request's body is not JSON: {reason}, at character {position}.": (
        "请求正文不是 JSON：第 {position} 个字符处，{reason}。"
    ),
    "The request's body must be a JSON object, sent with Content-Type: application/json.": (
        "请求正文必须是 JSON 对象，并以 Content-Type: application/json 发送。"
    ),
    "The request's body cannot be taken: {reason}.": "无法接受请求正文：{reason}。",
    "a text in it has half a character (a lone \\ud800 to \\udfff)": (
        "其中的文本含有半个字符（单独的 \\ud800 至 \\udfff）"
    ),
    "it is nested too deep": "嵌套过深",
    "The request's body cannot be read as JSON: it is cut off or nested too deep.": (
        "无法将请求正文读作 JSON：正文不完整，或嵌套过深。"
    ),
    "The request's body is longer than {most} bytes, the most taken here.": (
        "请求正文超过 {most} 字节，即此处接受的上限。"
    ),
    "Ignored fields of a request that mean nothing here: {names}": "已忽略请求中在此处无意义的字段：{names}",
    "The server made a mistake; its log has the details under number {number}.": (
        "服务器出错；详情见其日志，编号 {number}。"
    ),
    "{param}: give a text, a list of texts, a list of token ids, or a list of such lists.": (
        "{param}：请给出一个文本、文本的列表、词元编号的列表，或由这种列表组成的列表。"
    ),
    "{param}: it has {count} texts; at most {most} are taken at once. Send the others in a second request.": (
        "{param}：有 {count} 个文本；一次最多接受 {most} 个。请将其余的放到下一个请求。"
    ),
    "{param}: it is empty, so there is nothing to read.": "{param}：内容为空，没有可读取的文本。",
    "{param}: id {id} is outside this model's vocabulary, which has ids from 0 to {last}.": (
        "{param}：编号 {id} 不在此模型的词表中，词表的编号从 0 到 {last}。"
    ),
    "{param}: it has {count} characters; at most {most} are taken here.": (
        "{param}：有 {count} 个字符；此处最多接受 {most} 个。"
    ),
    "{param}: {count} is more than the {most} taken here.": "{param}：{count} 超过此处接受的上限 {most}。",
    "The prompt has {tokens} tokens; this server takes prompts of at most {most}. Shorten it by {excess}.": (
        "提示有 {tokens} 个词元；此服务器接受的提示最多 {most} 个。请缩短 {excess} 个。"
    ),
    "{param}: it is missing.": "{param}：缺少此项。",
    "{param}: it is no JSON: {reason:.200}.": "{param}：不是 JSON：{reason:.200}。",
    "{param}: it is nested {depth} levels deep; at most {most} are taken here.": (
        "{param}：嵌套了 {depth} 层；此处最多接受 {most} 层。"
    ),
    "{param}: an answer can have one form, and {other} asks for one too. Leave one of them out.": (
        "{param}：一个回答只能有一种形式，而 {other} 也要求了一种。请去掉其中一个。"
    ),
    "{param}: an answer of a certain form can have no calls. Leave out {other}, or set tool_choice to 'none'.": (
        "{param}：限定了形式的回答不能含有调用。请去掉 {other}，或将 tool_choice 设为 'none'。"
    ),
    "{param}: a call is required, and there are no tools to call.": "{param}：要求调用工具，但没有可调用的工具。",
    "{param}: there is no tool {name!r:.70}.": "{param}：没有工具 {name!r:.70}。",
    "{param}: it is told with {other}. Set that to true.": "{param}：它随 {other} 一起给出。请将后者设为 true。",
    "{param}: the last message is either gone on with or followed by a new one. Leave out {other}.": (
        "{param}：要么接着写最后一条消息，要么另起一条。请去掉 {other}。"
    ),
    "{param}: the answer is to have at least {least} tokens and at most {most}.": (
        "{param}：要求回答至少 {least} 个词元，又最多 {most} 个。"
    ),
    "{param}: {name} has no tokens to fill in the middle with, such as {example}. Leave {param} out, or serve "
    "a code model such as Qwen2.5-Coder.": (
        "{param}：{name} 没有用于填写中间的词元，例如 {example}。请去掉 {param}，或改用代码模型启动服务，例如 Qwen2.5-Coder。"
    ),
    "{param}: {count} are to be written and {wanted} returned.": "{param}：要写 {count} 个，却要返回 {wanted} 个。",
    "{param}: which ones are best is known at the end, so they cannot be streamed. Set {other} to false.": (
        "{param}：哪些最好要到最后才知道，所以不能流式发送。请将 {other} 设为 false。"
    ),
    "{param}: it is 0, so there is nothing to answer without {other}.": (
        "{param}：它是 0，没有 {other} 就没有可回答的内容。"
    ),
    "{param}: it is for prompts that are texts, and without {other}.": "{param}：只用于文本提示，且不能与 {other} 同用。",
    "{param}: give either this or {other}.": "{param}：请只给出它或 {other} 之一。",
    "{param}: all must be texts, or all lists of token ids (whole numbers).": (
        "{param}：必须全是文本，或全是词元编号（整数）的列表。"
    ),
    "{param}: the vectors of {name} have {width} numbers, not {wanted}. Leave {param} out.": (
        "{param}：{name} 的向量是 {width} 维，不是 {wanted} 维。请去掉 {param}。"
    ),
    "{param}: id {id} is outside this model's vocabulary, which has ids from 0 to {last}. LangChain's "
    "OpenAIEmbeddings sends ids of another model's vocabulary unless it is made with "
    "check_embedding_ctx_length=False.": (
        "{param}：编号 {id} 不在此模型的词表中，词表的编号从 0 到 {last}。LangChain 的 OpenAIEmbeddings "
        "会发送另一个模型的词表编号，除非创建时设定 check_embedding_ctx_length=False。"
    ),
    "{where} has {tokens} tokens, and {name} reads at most {longest}. Divide it.": (
        "{where} 有 {tokens} 个词元，而 {name} 最多读取 {longest} 个。请将其分开。"
    ),
    "This server answers to localhost, 127.0.0.1 and [::1] only, not to {host!r:.80}.": (
        "此服务器只回应 localhost、127.0.0.1 和 [::1]，不回应 {host!r:.80}。"
    ),
    # The engine's page
    "The engine, live": "引擎实况",
    "to the first token": "到第一个词元",
    "memory of the process": "进程内存",
    "Key": "密钥",
    "tokens/s": "词元/秒",
    "being written": "正在写",
    "waiting": "在等待",
    "at the moment": "当前",
    "at work": "工作中",
    "idle": "空闲",
    "of prompts remembered": "提示词无需重读",
    "of guesses right": "猜中",
    "stopped after a fault": "出错后已停止",
    "Cache: {used} blocks in use, {kept} remembered, of {all} ({size})": (
        "缓存：共 {all} 块（{size}），使用中 {used} 块，记住的 {kept} 块"
    ),
    # The page
    "The web page needs {package}. Run: pip install 'unmask[serve]', or serve the API alone with --no-page.": (
        "网页需要 {package}。请运行：pip install 'unmask[serve]'，或用 --no-page 只提供接口。"
    ),
    "What is the capital of France?": "法国的首都是哪里？",
    "Explain in two sentences why the sky is blue.": "用两句话解释天空为什么是蓝色的。",
    "Write a short poem about the sea.": "写一首关于大海的短诗。",
    "New conversation": "新对话",
    "What would you like to know?": "您想了解什么？",
    "Write a message; Enter sends it, Shift+Enter starts a line": "输入消息；按 Enter 发送，按 Shift+Enter 换行",
    "Settings": "设置",
    "System prompt": "系统提示词",
    "How the model should behave. Empty: as its makers set it.": "希望模型如何表现。留空则沿用模型作者的设定。",
    "Temperature": "温度",
    "0: the likeliest word": "0：最可能的词",
    "Top-p": "Top-p",
    "1: no word is left out": "1：不排除任何词",
    "Answer length": "回答长度",
    "At most, in tokens": "上限，以词元计",
    "This model turns texts into vectors; it cannot talk. Here you see how near it finds texts to one another "
    "(cosine similarity; 1 is the same). Programs get the vectors from `POST /v1/embeddings`.": (
        "此模型将文本转为向量，不能对话。可在这里查看它认为各文本有多相近（余弦相似度，1 为相同）。"
        "程序可通过 `POST /v1/embeddings` 取得向量。"
    ),
    "Text": "文本",
    "Compare it with": "与之比较",
    "One text or several, a line each; the nearest will be listed first": "一个或多个文本，每行一个；最相近的排在最前",
    "Compare": "比较",
    "The model is busy; your turn comes by itself.": "模型正忙，稍后会自动轮到您。",
    # The page: conversations
    "Chat": "对话",
    "Message": "消息",
    "Conversations": "对话列表",
    "Search": "搜索",
    "Search titles and messages": "搜索标题和消息",
    "Nothing found.": "没有找到。",
    "The latest {shown} of {count} are listed; a search finds the others.": (
        "共 {count} 个，列出最近的 {shown} 个；其余的可以搜索。"
    ),
    "Cannot be read, and left as they are: {names}": "以下文件无法读取，未作改动：{names}",
    "Title; Enter keeps a new one": "标题；按 Enter 保存新标题",
    "Delete": "删除",
    "Delete this conversation for good?": "要永久删除这个对话吗？",
    "Export this one": "导出此对话",
    "Export all": "导出全部",
    "You": "您",
    "stopped here": "在此停止",
    "cut at {tokens} tokens": "在 {tokens} 个词元处截断",
    "There is no conversation {id!r} (any more).": "没有对话 {id!r}，或它已被删除。",
    "{path} cannot be read as a conversation: {reason}. It is left as it is; mend it or move it away.": (
        "无法将 {path} 读作对话：{reason}。文件未作改动；请修复或移走它。"
    ),
    "{path} holds the conversation {id!r}. Give it that name.": "{path} 中是对话 {id!r}。请用该名称命名文件。",
    "An answer is being written in this conversation. Wait for it, or stop it first.": (
        "此对话中正在写回答。请等它写完，或先停止它。"
    ),
    # The page: answers
    "Look inside": "看内部",
    "Stopped here. Continue": "在此停止，继续写",
    "Cut at {tokens} tokens. Continue": "在 {tokens} 个词元处截断，继续写",
    "Answer {number} of {count}: show the next": "第 {number} 个回答，共 {count} 个：看下一个",
    "{speed:.1f} tokens/s": "{speed:.1f} 词元/秒",
    "{tokens} tokens written": "已写 {tokens} 个词元",
    "context {used} of {context}": "上下文 {used} / {context}",
    "memory: weights {weights} MB + cache {cache:.1f} MB": "内存：权重 {weights} MB + 缓存 {cache:.1f} MB",
    "process {process} MB": "进程 {process} MB",
    "Close": "关闭",
    "Token probabilities": "词元概率",
    "Attention": "注意力",
    "Save this page": "保存此页",
    "Looking …": "正在查看……",
    # The page: settings
    "Top-k": "Top-k",
    "Only the k likeliest; 0: all": "只取最可能的 k 个；0：全部",
    "Min-p": "Min-p",
    "None below this share of the likeliest; 0: off": "排除低于最可能者此比例的词；0：关闭",
    "Repetition penalty": "重复惩罚",
    "1: off; more: fewer repeated words": "1：关闭；越大重复越少",
    "Seed": "随机种子",
    "The same number gives the same answer; empty: another each time": "相同的数得到相同的回答；留空则每次不同",
    "As the makers advise": "恢复模型作者的建议",
    # The page: prompts to start with
    "Ask": "提问",
    "Name three animals that live in the sea.": "说出三种生活在海里的动物。",
    "What should I pack for a weekend in the mountains?": "周末去山里应该带些什么？",
    "Write": "写作",
    "Write a birthday greeting for a friend who loves cats.": "给一位爱猫的朋友写一句生日祝福。",
    "Begin a story in which a lamp learns to speak.": "写一个故事的开头：一盏灯学会了说话。",
    "Explain": "解释",
    "Explain to a child what a computer does.": "给孩子讲讲计算机是做什么的。",
    "Translate": "翻译",
    "Translate into French: Good morning, my friend.": "翻译成英语：早上好，我的朋友。",
    "Translate into Chinese: I like tea.": "翻译成英语：我喜欢喝茶。",
    "Code": "编程",
    "Write a Python function that adds two numbers.": "写一个将两个数相加的 Python 函数。",
    "What does this do? print([n * n for n in range(5)])": "这行代码做什么？print([n * n for n in range(5)])",
    # The page: looking inside
    "Give the model a text to read, and see what goes on inside it.": "给模型一段文本，看看它读的时候内部发生了什么。",
    "A sentence or a paragraph; for senses, a sentence a line": "一句话或一段话；看词义时每行一句",
    "What to see": "看什么",
    "Attention: which words it looks at": "注意力：它看哪些词",
    "Probabilities: what it expected": "概率：它预期什么",
    "Layers: what it would say after each": "各层：每层之后它会说什么",
    "Senses: one word in several sentences": "词义：几句话中的同一个词",
    "Positions: what the order of words does": "位置：词的顺序有何作用",
    "The word that all sentences have": "每句话里都有的词",
    "Look": "查看",
    "Or an explained example": "或看一个讲解的例子",
    # bench
    "{url!r} is not the address of an API. It should be like http://127.0.0.1:8000/v1": (
        "{url!r} 不是接口的地址。应类似 http://127.0.0.1:8000/v1"
    ),
    "A prompt cannot be {tokens} tokens long: this server's frame around a message has {frame} already.": (
        "提示词不可能只有 {tokens} 个词元：这个服务器在消息外面加的框架就有 {frame} 个。"
    ),
    "{host}:{port} did not answer a first request: {fault}.": "{host}：{port} 没有回答第一个请求：{fault}。",
    "{host}:{port} does not tell how long prompts are (usage in a stream), so they cannot be fitted.": (
        "{host}：{port} 不告知提示词有多长（流中的 usage），因此无法调整其长度。"
    ),
    "Nobody answers at {host}:{port}: {reason}.": "{host}：{port} 处无人应答：{reason}。",
    "{host}:{port} has no list of models under {path}/models. Is the address right, version and all?": (
        "{host}：{port} 在 {path}/models 下没有模型列表。地址连同版本都正确吗？"
    ),
    "{name} turns one text into another and can do nothing else. Send texts to /v1/chat/completions or /v1/completions.": (
        "{name} 把一段文本变为另一段，不能做别的。请将文本发送到 /v1/chat/completions 或 /v1/completions。"
    ),
    "{param}: {name} turns one text into another, and has nothing for this. Leave it out.": (
        "{param}：{name} 只把一段文本变为另一段，用不上这一项。请去掉它。"
    ),
    "{param}: it weighs tokens that are drawn by chance, and a translation is searched for. Set a temperature above 0, or leave it out.": (
        "{param}：它影响随机抽取的词元，而译文是搜索得到的。请把 temperature 设为大于 0，或去掉它。"
    ),
    "{param}: none of them is the user's, so there is nothing to translate.": (
        "{param}：其中没有用户的消息，因此没有可翻译的内容。"
    ),
    "{param}: {name} reads texts. Send these, not their ids.": (
        "{param}：{name} 读取的是文本。请发送文本，而不是词元编号。"
    ),
    "This model turns one text into another, line by line. Programs get the same from `POST /v1/chat/completions`: the user's last message is translated.": (
        "这个模型逐行把一段文本变为另一段。程序可用 `POST /v1/chat/completions` 得到同样的结果：翻译的是用户的最后一条消息。"
    ),
    "A sentence or several; each line becomes a line": "一句或多句；每一行译成一行",
    "Translation": "译文",
    "Beams": "集束宽度",
    "Translations that are tried side by side: more is slower, and often better": (
        "同时尝试的译文数：越多越慢，往往也越好"
    ),
    "See where the model looked, in the line": "看模型在这一行里看了哪里",
}
