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
    # Folders.
    "{file} cannot be read: {reason:.200}. Get the model's files again.": "无法读取 {file}：{reason:.200}。请重新获取模型文件。",
    "{file} must hold a JSON object. Get the model's files again.": "{file} 的内容必须是一个 JSON 对象。请重新获取模型文件。",
    "{folder}: {name} in config.json or generation_config.json is {value!r:.60}, no token id. Correct it there.": (
        "{folder}：config.json 或 generation_config.json 中的 {name} 是 {value!r:.60}，不是词元编号。请在该文件中改正。"
    ),
    "{folder}: vocab.json and merges.txt are for a tokenizer of kind {kind!r:.60}; known are {known}. "
    "Put a tokenizer.json beside them.": (
        "{folder}：vocab.json 和 merges.txt 属于 {kind!r:.60} 类分词器；可用的有 {known}。请在同一文件夹中放入 tokenizer.json。"
    ),
    "{folder}: tokenizer_config.json says that token {token!r:.60} has id {id}, the vocabulary {other}. "
    "Get the model's files again.": (
        "{folder}：tokenizer_config.json 中词元 {token!r:.60} 的编号是 {id}，词表中却是 {other}。请重新获取模型文件。"
    ),
    "{file}: tokenizers of this kind are not read. Put a tokenizer.json beside it; "
    "transformers writes one with AutoTokenizer.from_pretrained(...).save_pretrained(...).": (
        "{file}：不支持读取这种分词器。请在旁边放入 tokenizer.json；"
        "可用 transformers 的 AutoTokenizer.from_pretrained(...).save_pretrained(...)生成。"
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
    "The tokenizer's merges do not fit its vocabulary: {reason:.200}. Get the GGUF file again.": (
        "分词器的合并规则与词表不符：{reason:.200}。请重新获取该 GGUF 文件。"
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
}
