"""Chinese wording: tokenizers and chat templates."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    # Tokenizers.
    "Token id {id} is not in the vocabulary of {size} tokens. Were these ids made with another model's tokenizer?": (
        "词元编号 {id} 不在含 {size} 个词元的词表中。这些编号是否由另一个模型的分词器生成？"
    ),
    "Character {at} of the text is U+{code:04X}, half of a surrogate pair. Decode the text as UTF-8 anew.": (
        "文本的第 {at} 个字符是 U+{code:04X}，只是代理对的一半。请重新按 UTF-8 解码该文本。"
    ),
    "This model's tokenizer cannot spell the text: {reason:.200}. Check the tokenizer's files.": (
        "该模型的分词器无法表示这段文本：{reason:.200}。请检查分词器文件。"
    ),
    "This model's tokenizer cannot decode its own ids: {reason:.200}. Get the model's files again.": (
        "该模型的分词器无法解码自己的编号：{reason:.200}。请重新获取模型文件。"
    ),
    "Text {number}: {reason}": "第 {number} 段文本：{reason}",
    # Folders.
    "{file} cannot be read: {reason:.200}. Get the model's files again.": "无法读取 {file}：{reason:.200}。请重新获取模型文件。",
    "{file} must hold a JSON object. Get the model's files again.": "{file} 的内容必须是一个 JSON 对象。请重新获取模型文件。",
    "{folder}: {name} in config.json or generation_config.json is {value!r:.60}, no token id. Correct it there.": (
        "{folder}：config.json 或 generation_config.json 中的 {name} 是 {value!r:.60}，不是词元编号。请在该文件中改正。"
    ),
    "{file} is for a tokenizer of kind {kind!r:.60}; known are {known}. Put a tokenizer.json beside it; "
    "transformers writes one with AutoTokenizer.from_pretrained(...).save_pretrained(...).": (
        "{file} 属于 {kind!r:.60} 类分词器；可用的有 {known}。请在旁边放入 tokenizer.json；"
        "可用 transformers 的 AutoTokenizer.from_pretrained(...).save_pretrained(...）生成。"
    ),
    "{folder}: {name}_token is {token!r:.60}, which is not in the vocabulary. Get the model's files again.": (
        "{folder}：{name}_token 是 {token!r:.60}，词表中没有它。请重新获取模型文件。"
    ),
    "{folder}: extra_ids in tokenizer_config.json is {count!r:.60}; it must be 0 to {limit}. Correct it there.": (
        "{folder}：tokenizer_config.json 中的 extra_ids 是 {count!r:.60}，应为 0 到 {limit}。请在该文件中改正。"
    ),
    "{folder}: tokenizer_config.json says that token {token!r:.60} has id {id}, the vocabulary {other}. "
    "Get the model's files again.": (
        "{folder}：tokenizer_config.json 中词元 {token!r:.60} 的编号是 {id}，词表中却是 {other}。请重新获取模型文件。"
    ),
    "{file}: tokenizers of this kind are not read. Put a tokenizer.json beside it; "
    "transformers writes one with AutoTokenizer.from_pretrained(...).save_pretrained(...).": (
        "{file}：不支持读取这种分词器。请在旁边放入 tokenizer.json；"
        "可用 transformers 的 AutoTokenizer.from_pretrained(...).save_pretrained(...）生成。"
    ),
    # GGUF vocabularies.
    "tokenizer.ggml.{name} is missing, or is not a list of the right kind. Get the GGUF file again.": (
        "tokenizer.ggml.{name} 缺失，或不是正确类型的列表。请重新获取该 GGUF 文件。"
    ),
    "tokenizer.ggml.{name} has {count} entries for {size} tokens. Get the GGUF file again.": (
        "tokenizer.ggml.{name} 有 {count} 项，而词元有 {size} 个。请重新获取该 GGUF 文件。"
    ),
    "tokenizer.ggml.tokens holds {token!r:.60} twice. Get the GGUF file again.": (
        "tokenizer.ggml.tokens 中 {token!r:.60} 出现了两次。请重新获取该 GGUF 文件。"
    ),
    "tokenizer.ggml.{name}_token_id is {id!r:.40}, not one of the {size} ids. Get the GGUF file again.": (
        "tokenizer.ggml.{name}_token_id 是 {id!r:.40}，不在 {size} 个编号之内。请重新获取该 GGUF 文件。"
    ),
    "tokenizer.ggml.{part} is {value!r:.60}; known are {known}. The nearest is {nearest!r}. "
    "Get the model as a folder with a tokenizer.json.": (
        "tokenizer.ggml.{part} 是 {value!r:.60}；可用的有 {known}，最接近的是 {nearest!r}。"
        "请改用含 tokenizer.json 的模型文件夹。"
    ),
    "tokenizer.ggml.merges, entry {index}: {merge!r:.60} is not two tokens with a blank between. "
    "Get the GGUF file again.": (
        "tokenizer.ggml.merges 第 {index} 项：{merge!r:.60} 不是以空格隔开的两个词元。请重新获取该 GGUF 文件。"
    ),
    # Vocabularies of any kind of file.
    "The tokenizer's vocabulary contradicts itself: {reason:.200}. Get the model's files again.": (
        "分词器的词表自相矛盾：{reason:.200}。请重新获取模型文件。"
    ),
    "Piece {index} of the vocabulary, {text!r:.60}, has {size} characters and score {score}; "
    "at most {limit}, and a finite score, are allowed. Get the model's files again.": (
        "词表的第 {index} 个词元 {text!r:.60} 有 {size} 个字符，得分为 {score}；最多允许 {limit} 个字符，得分须为有限数。"
        "请重新获取模型文件。"
    ),
    # SentencePiece models.
    "{file}, byte {offset}: field {field} has wire type {found}, not {kind}. Get the model's files again.": (
        "{file} 第 {offset} 字节：字段 {field} 的编码类型是 {found}，应为 {kind}。请重新获取模型文件。"
    ),
    "{file}, byte {offset}: a text that is not UTF-8. Get the model's files again.": (
        "{file} 第 {offset} 字节：文本不是 UTF-8 编码。请重新获取模型文件。"
    ),
    "{file}, byte {offset}: no protobuf value begins like this. Is it a SentencePiece model?": (
        "{file} 第 {offset} 字节：protobuf 的值不会这样开头。这是 SentencePiece 模型吗？"
    ),
    "{file}, byte {offset}: a number of more than {size} bytes. Get the model's files again.": (
        "{file} 第 {offset} 字节：数值超过 {size} 个字节。请重新获取模型文件。"
    ),
    "{file}, byte {offset}: the file ends inside a value. Get the model's files again.": (
        "{file} 第 {offset} 字节：文件在一个值的中间结束。请重新获取模型文件。"
    ),
    "{file}: a SentencePiece model of an unusual kind (algorithm {algorithm}, blanks as suffixes or not "
    "escaped); only Unigram (1) and BPE (2) with blanks before words are read. Put a tokenizer.json beside it.": (
        "{file}：少见的 SentencePiece 模型（算法 {algorithm}，空格作后缀或未转义）；"
        "只能读取空格在词前的 Unigram（1）和 BPE（2）。请在旁边放入 tokenizer.json。"
    ),
    "{file}: {count} of {size} pieces stand for the unknown; there must be one. Is it a SentencePiece model?": (
        "{file}：{size} 个词元中有 {count} 个表示未知词元，应当正好一个。这是 SentencePiece 模型吗？"
    ),
    "{file}: piece {index}, {text!r:.60}, is empty or was there before. Get the model's files again.": (
        "{file}：第 {index} 个词元 {text!r:.60} 为空或已出现过。请重新获取模型文件。"
    ),
    "{file}: piece {text!r:.60} is one of those that XLM-R adds itself. Get the model's files again.": (
        "{file}：词元 {text!r:.60} 是 XLM-R 自行添加的词元之一。请重新获取模型文件。"
    ),
    # Vocabularies written to GGUF files.
    "A GGUF file cannot hold a tokenizer of this kind ({model}, decoder {decoder}); it can hold byte-level BPE, "
    "SentencePiece's BPE with bytes or Unigram without, and WordPiece. Save the model as a folder instead.": (
        "GGUF 文件无法存放这种分词器（{model}，解码器 {decoder}）；可存放字节级 BPE、"
        "SentencePiece 的带字节 BPE 或不带字节的 Unigram，以及 WordPiece。请改为把模型存成文件夹。"
    ),
    "The tokenizer has {count} tokens, the model only {size} rows for them. Are both from the same model?": (
        "分词器有 {count} 个词元，而模型只有 {size} 行。两者来自同一个模型吗？"
    ),
    "A GGUF file can put id {first} before a text and {last} after it; this tokenizer puts {before} before and "
    "{after} after. Save the model as a folder instead.": (
        "GGUF 文件只能在文本前加编号 {first}、在后加 {last}；这个分词器在前面加 {before}，在后面加 {after}。"
        "请改为把模型存成文件夹。"
    ),
    "A GGUF file keeps a score for each token of this kind of tokenizer, and its {count} merges are not the "
    "{expected} that scores would give. Save the model as a folder instead.": (
        "GGUF 文件为这种分词器的每个词元存一个得分，而它的 {count} 条合并规则不是由得分得出的 {expected} 条。"
        "请改为把模型存成文件夹。"
    ),
    "In a GGUF file, tokens {text!r:.60} and {other!r:.60} would both be written {turned!r:.60}. "
    "Save the model as a folder instead.": (
        "在 GGUF 文件中，词元 {text!r:.60} 和 {other!r:.60} 都会写成 {turned!r:.60}。请改为把模型存成文件夹。"
    ),
    "A GGUF file has no words for what this tokenizer does to a text before cutting it: {steps:.300}. "
    "Known are {known}. Save the model as a folder instead.": (
        "GGUF 文件无法表达这个分词器在切分之前对文本的处理：{steps:.300}。可用的有 {known}。请改为把模型存成文件夹。"
    ),
    # Messages.
    "A conversation needs at least one message: {example}": "对话至少需要一条消息：{example}",
    "Message {index} is no mapping: write it as in {example}": "第 {index} 条消息不是映射，请写成 {example} 的形式",
    'Message {index} needs a role such as "user"; it has {role!r:.60}.': (
        '第 {index} 条消息需要角色，例如 "user"；现在是 {role!r:.60}。'
    ),
    "Message {index} is not plain data: {reason:.200}. Use only what JSON can hold.": (
        "第 {index} 条消息不是纯数据：{reason:.200}。请只使用 JSON 能表示的内容。"
    ),
    "Message {index} has a part of type {kind!r:.60}; this model reads text only. Leave the part out.": (
        "第 {index} 条消息含有 {kind!r:.60} 类型的内容；该模型只能读文本。请去掉这部分。"
    ),
    "Message {index} needs a text as its content, or a list of text parts; it has {content!r:.60}.": (
        "第 {index} 条消息的内容须是文本或文本片段的列表；现在是 {content!r:.60}。"
    ),
    # Chat templates.
    "The chat template has {size} characters; at most {limit} are allowed. Give the model a shorter one.": (
        "对话模板有 {size} 个字符，最多允许 {limit} 个。请为模型换一个更短的模板。"
    ),
    "The chat template fails at line {line}: {reason:.300}. Correct it, or use generate, which needs no template.": (
        "对话模板在第 {line} 行出错：{reason:.300}。请改正模板，或使用不需要模板的 generate。"
    ),
    "The chat template refuses these messages: {reason:.300}": "对话模板拒绝了这些消息：{reason:.300}",
    "The chat template uses a {tag} tag at line {line}; it must be one text, without escaping. Remove the tag.": (
        "对话模板在第 {line} 行使用了 {tag} 标签；模板必须是不带转义的单一文本。请删除该标签。"
    ),
    "The chat template formats text with %, which is not supported. Use ~ instead.": (
        "对话模板用 % 格式化文本，这不受支持。请改用 ~。"
    ),
    "The chat template makes a number of more than {bits} bits. Correct the template.": (
        "对话模板生成了超过 {bits} 位的整数。请改正模板。"
    ),
    "The chat template makes more than {limit} characters out of these messages. Correct the template.": (
        "对话模板由这些消息生成了超过 {limit} 个字符。请改正模板。"
    ),
    "The chat template takes longer than {seconds} seconds. Correct the template.": (
        "对话模板运行超过 {seconds} 秒。请改正模板。"
    ),
    "The chat template has a time format of {size} characters; at most {limit} are allowed. Correct it.": (
        "对话模板的时间格式有 {size} 个字符，最多允许 {limit} 个。请改正。"
    ),
    # Stop strings.
    "stop must be a list of strings, not the string {stop!r:.60}. Write [{stop!r:.60}].": (
        "stop 必须是字符串列表，而不是字符串 {stop!r:.60}。请写成 [{stop!r:.60}]。"
    ),
    "Stop string {index} is empty; every text would stop at once. Leave it out.": (
        "第 {index} 个停止字符串为空，任何文本都会立即停止。请去掉它。"
    ),
    "This model's tokenizer adds ids to a text in a way that leaves no room to cut it to {limit}. Shorten the text.": (
        "此模型的分词器在文本前后添加词元的方式使文本无法截断到 {limit} 个词元。请缩短文本。"
    ),
    "The tokenizer's steps may make a text {times:.0e} times longer; at most {most:,} times is allowed. Get the model's files again, from its makers.": (
        "分词器的步骤可能使文本变长 {times:.0e} 倍；最多允许 {most:,} 倍。请从模型作者处重新获取文件。"
    ),
    "Only an answer can be gone on with: the last message must have the role {role!r}.": (
        "只能接着回答往下写：最后一条消息的角色必须是 {role!r}。"
    ),
    "The template's variable {name} is not a setting. Leave it out.": "模板的变量 {name} 不是设置项。请去掉它。",
    "The chat template leaves the last answer out, so nobody can go on with it.": (
        "聊天模板没有写出最后一个回答，因此无法接着往下写。"
    ),
    # Tools and grammars.
    "{where} is no call: it needs a function with a name and arguments, as the answer had it.": (
        "{where} 不是一次调用：它需要带有名称和参数的 function，与回答中的写法相同。"
    ),
    "{where}: the arguments must be a JSON object, as text; they are {given!r:.60}.": (
        "{where}：参数必须是以文本形式给出的 JSON 对象，而现在是 {given!r:.60}。"
    ),
    "Answers of a given form need {package}. Run: pip install 'unmask[serve]'": (
        "按指定格式回答需要 {package}。请运行：pip install 'unmask[serve]'"
    ),
    "The {kind} cannot be used: {reason:.300}. Correct or simplify it.": (
        "无法使用这个 {kind}：{reason:.300}。请改正或简化它。"
    ),
    "The {kind} leads to where no token of this model can come next. Correct it, or allow other characters.": (
        "按这个 {kind}，会走到此模型没有任何词元可以接下去的地方。请改正它，或允许其他字符。"
    ),
    "A choice is a JSON list of texts, of one at least; not {source:.60}": (
        "choice 是由文本组成的 JSON 列表，至少要有一个；不能是 {source:.60}"
    ),
    "it ends in the middle of an escape": "它在转义写到一半时就结束了",
    "The schema has {levels} levels and {references} references: one after the other, they may lead too deep. Nest it less.": (
        "该模式有 {levels} 层、{references} 个引用，逐个展开可能过深。请减少嵌套。"
    ),
    "An object of the schema has {count} properties that are not required; at most {limit} are allowed. Require some of them.": (
        "模式中有一个对象含 {count} 个非必填属性，最多允许 {limit} 个。请把其中一些设为必填。"
    ),
    "The schema's multipleOf make up {number:.6g} steps of {finest}; at most {limit} are allowed. Leave one out.": (
        "模式中的 multipleOf 合起来是 {number:.6g} 步（每步 {finest}），最多允许 {limit} 步。请去掉其中一个。"
    ),
    "The grammar has {count} rules; at most {limit} are allowed. Make it smaller.": (
        "该语法有 {count} 条规则，最多允许 {limit} 条。请缩小它。"
    ),
    "There is no kind of vocabulary named {kind!r:.60}. Did you mean {nearest!r}? Known are {known}.": (
        "没有名为 {kind!r:.60} 的词表类型。是否想用 {nearest!r}？可用的有 {known}。"
    ),
    "There is no text to learn a vocabulary from: every document is empty. Give some text.": (
        "没有可用于学习词表的文本：所有文档都是空的。请提供文本。"
    ),
    "A vocabulary of {vocab} tokens is too small: special tokens and single letters alone take {least}. Set vocab to {least} or more.": (
        "{vocab} 个词元的词表太小：仅特殊词元和单个字母就要 {least} 个。请把 vocab 设为至少 {least}。"
    ),
    "No vocabulary can be learnt from this text: {reason:.200}. Give more text, or another vocab.": (
        "无法从这些文本学习词表：{reason:.200}。请提供更多文本，或改变 vocab。"
    ),
    "Chinese words need {package}. Run: pip install 'unmask[chinese]'": (
        "切分中文词需要 {package}。请运行：pip install 'unmask[chinese]'"
    ),
    "{folder} has a {have}, but no {file}. Get the model's files again.": (
        "{folder} 里有 {have}，却没有 {file}。请重新获取模型文件。"
    ),
    "{file}: piece {piece!r:.60} has the number {number!r:.60}; each must have one of its own, from 0 on. Get the model's files again.": (
        "{file}：词片 {piece!r:.60} 的编号是 {number!r:.60}；每个词片都必须有自己独有的编号，从 0 起。请重新获取模型文件。"
    ),
}
