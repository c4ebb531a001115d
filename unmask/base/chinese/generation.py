"""Chinese wording: sampling, prompts, contexts and the loaded model."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "The prompt is empty: there is nothing to continue. Give it at least one character.": (
        "提示为空，没有可续写的内容。请至少提供一个字符。"
    ),
    "The prompt has {tokens} tokens and the model's context holds {context}, answer included. Shorten the prompt by {excess} tokens or more.": (
        "提示有 {tokens} 个词元，而模型的上下文（含回答）最多容纳 {context} 个。请将提示缩短至少 {excess} 个词元。"
    ),
    "{name} is {value}; it must be from {low} to {high}.": "{name} 为 {value}；必须在 {low} 到 {high} 之间。",
    "{name} came without a tokenizer, so it cannot read or write text. Put tokenizer.json beside its weights, or work with ids through logits().": (
        "{name} 没有附带分词器，无法读写文本。请将 tokenizer.json 放在权重旁，或通过 logits() 直接使用词元编号。"
    ),
    "logits() wants integer ids of shape [B, T]; it was given shape {shape} of {dtype}.": (
        "logits() 需要形状为 [B, T] 的整数编号；得到的是 {dtype} 类型、形状 {shape}。"
    ),
    "logits() was given ids from {low} to {high}; this vocabulary has ids from 0 to {last}.": (
        "传给 logits() 的编号范围是 {low} 到 {high}；此词表的编号为 0 到 {last}。"
    ),
    "The text has {tokens} tokens and a window takes {window}. Give a longer text, or smaller windows.": (
        "文本有 {tokens} 个词元，而一个窗口需要 {window} 个。请给更长的文本，或缩小窗口。"
    ),
    "A score needs at least two tokens; this text has {count}.": "评分至少需要两个词元；此文本只有 {count} 个。",
    "{name} has no chat template, so it cannot hold a conversation. Use generate() with a text instead.": (
        "{name} 没有对话模板，无法进行对话。请改用 generate() 续写文本。"
    ),
    "The text has {tokens} tokens and the model's context holds {context}. Shorten it by {excess} tokens.": (
        "文本有 {tokens} 个词元，而模型的上下文最多容纳 {context} 个。请缩短 {excess} 个词元。"
    ),
    "Id {id} of the text is outside the model's {vocab} embeddings: the tokenizer and the weights are not of the same model.": (
        "文本中的编号 {id} 超出模型的 {vocab} 个词嵌入：分词器与权重不属于同一个模型。"
    ),
    "This model's tokenizer has no mask token, so it cannot fill blanks. Choose a masked model.": (
        "此模型的分词器没有掩码词元，因此无法填空。请选择掩码语言模型。"
    ),
    "There is no blank in the text. Write {blank} where a word is missing.": (
        "文本中没有要填的空。请在缺词处写 {blank}。"
    ),
    "{name} has no head that fills blanks. Choose a masked model, such as BERT.": (
        "{name} 没有用于填空的输出头。请选择掩码语言模型，例如 BERT。"
    ),
    "{name} writes text and was not made to give vectors. Choose an encoder, such as {example}.": (
        "{name} 用于生成文本，并非用于给出向量。请选择编码器，例如 {example}。"
    ),
    "{name} is an encoder: it reads whole texts and writes none. Use embed() or fill().": (
        "{name} 是编码器：只读取整段文本，不生成文本。请使用 embed() 或 fill()。"
    ),
    "{beams} beams of {tokens} tokens need {size:.1f} GB for their keys and values, and {free:.1f} GB are free here. Take fewer beams or a smaller limit.": (
        "{beams} 条候选、每条 {tokens} 个词元，其键和值需要 {size:.1f} GB，而这里可用 {free:.1f} GB。请减少候选数或降低长度上限。"
    ),
    "Text {number} has {tokens} tokens and the model reads {context}. Shorten it by {excess} tokens, divide it, or ask for its beginning alone (--cut, cut=True).": (
        "第 {number} 段文本有 {tokens} 个词元，而模型只能读取 {context} 个。请缩短 {excess} 个词元，或将其分开，或要求只读取其开头（--cut、cut=True）。"
    ),
    "This model has no head that judges pairs of sentences. Choose one such as BERT.": (
        "此模型没有判断句对的输出头。请选择有此输出头的模型，例如 BERT。"
    ),
    "The text is empty: there is nothing to look at. Give it at least one character.": (
        "文本是空的，没有可看的内容。请至少给一个字符。"
    ),
    "This model predicts no tokens, so there are no probabilities to show. Choose another view.": (
        "该模型不预测词元，没有概率可看。请选择别的视图。"
    ),
    "The limit is {limit} tokens; it must be at least {fewest}.": "长度上限为 {limit} 个词元，至少应为 {fewest}。",
    "The bias names id {id}; this vocabulary has ids from 0 to {last}.": (
        "偏置中出现了编号 {id}，而词表的编号范围是 0 到 {last}。"
    ),
    "{name} writes into the blanks of a text, which unmask cannot ask of it yet; its logits can be had, with positions and a mask, by core.logits().": (
        "{name} 在文本的空白处填写内容，unmask 尚不能要求它这样做；可用 core.logits() 配合 positions 和 mask 得到它的 logits。"
    ),
    "This model has no attention to what it reads, so there is no alignment to see.": (
        "这个模型对所读的文本没有注意力，因此没有对齐可看。"
    ),
    "{text:.40}... has {tokens} tokens, and this model reads and writes at most {context}. Give a shorter text.": (
        "“{text:.40}……”有 {tokens} 个词元，而这个模型最多读写 {context} 个。请给出更短的文本。"
    ),
    "The source is empty: there is nothing to translate. Give it at least one token.": (
        "原文为空，没有可翻译的内容。请至少提供一个词元。"
    ),
    "The source has {tokens} tokens and the model reads {context}. Shorten it by {excess} tokens, or divide it.": (
        "原文有 {tokens} 个词元，而模型最多读取 {context} 个。请缩短 {excess} 个词元，或将其分段。"
    ),
    "coverage is {value}, and this model writes without a source to cover. Leave it out, or choose a translator.": (
        "coverage 为 {value}，而此模型续写时没有需要覆盖的原文。请去掉此项，或选择翻译模型。"
    ),
    "{name} came without a tokenizer, so it can read no text.": "{name} 没有附带分词器，因此无法读文本。",
    "{name} does not say which token begins a translation: decoder_start_token_id is missing in its config.json. Add it there.": (
        "{name} 没有说明译文以哪个词元开始：其 config.json 中缺少 decoder_start_token_id。请在那里补上。"
    ),
    "coverage is {value}, and this translator has no attention that could tell what it saw. Leave it out.": (
        "coverage 为 {value}，而此翻译模型没有注意力，无从得知它看过什么。请去掉此项。"
    ),
}
