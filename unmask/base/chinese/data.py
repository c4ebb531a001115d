"""Chinese wording: documents, shards and batches."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "The corpus has {tokens} tokens, and one row takes {length}. Give more text, or a smaller context.": (
        "语料共有 {tokens} 个词元，而一行需要 {length} 个。请提供更多文本，或减小上下文长度。"
    ),
    "A row of {length} tokens is too short for this objective; it takes {least} at least. Raise the context.": (
        "一行 {length} 个词元对这个训练目标来说太短：至少需要 {least} 个。请增大上下文长度。"
    ),
    "Masking {chosen} of the tokens, {masked} of those by the mask token and {replaced} by others, cannot be done: give a share above 0 and up to 1, and two that are together at most 1.": (
        "无法遮盖 {chosen} 的词元并将其中 {masked} 换成掩码词元、{replaced} 换成其他词元：前者须大于 0 且不超过 1，后两者之和不超过 1。"
    ),
    "Pairs of sentences are asked for, but the corpus was prepared without sentences. Prepare it anew with them, or learn without pairs.": (
        "要求使用句对，但语料准备时没有标出句子。请重新准备并标出句子，或不使用句对训练。"
    ),
    "Pairs of sentences need two documents at least, and two sentences in one of them; the corpus has {documents} documents and {sentences} sentences. Give more text, or learn without pairs.": (
        "句对至少需要两篇文档，且其中一篇至少有两句；该语料有 {documents} 篇文档、{sentences} 个句子。请提供更多文本，或不使用句对训练。"
    ),
    "Whole words are to be hidden, but the corpus was prepared without words. Prepare it anew with them, or hide single tokens.": (
        "要求整词遮盖，但语料准备时没有标出词。请重新准备并标出词，或只遮盖单个词元。"
    ),
    "The tokenizer has no {missing}, which learning from masked text needs. Train a WordPiece vocabulary, or take the tokenizer of a BERT.": (
        "分词器没有 {missing}，而从遮盖文本中学习需要它。请训练一个 WordPiece 词表，或使用 BERT 的分词器。"
    ),
    "Whole sentences are to be blanks, but the corpus was prepared without sentences. Prepare it anew with them, or learn without sentence blanks.": (
        "要求以整句为空白，但语料准备时没有标出句子。请重新准备并标出句子，或不使用整句空白。"
    ),
    "The tokenizer has no {missing}, which filling blanks needs. Train a vocabulary with these special tokens.": (
        "分词器没有 {missing}，而填空训练需要它。请训练一个带有这些特殊词元的词表。"
    ),
    "There are {sources} lines to be read and {targets} to be written; each needs the other. Check the files.": (
        "待读的有 {sources} 行，待写的有 {targets} 行；二者必须一一对应。请检查文件。"
    ),
    "None of {lines} pairs of lines has text on both sides. Check the files.": (
        "{lines} 对行中没有一对两侧都有文本。请检查文件。"
    ),
    "Blanks of three kinds by {weights}, hiding {share} in spans of {mean} or at least {least} at the end, cannot be made: no weight may be below 0, nor all be 0; hide up to 0.5, in spans longer than 0, and at the end from 0 to below 1.": (
        "无法按 {weights} 生成三种空白、以平均长 {mean} 的片段遮盖 {share}、或在末尾遮盖至少 {least}：权重不得为负，也不得全为 0；遮盖比例须大于 0 且不超过 0.5，片段长度须大于 0，末尾比例须不小于 0 且小于 1。"
    ),
    "{file} cannot be read: {reason}. Check the place and its permissions.": (
        "无法读取 {file}：{reason}。请检查路径和权限。"
    ),
    "Files packed as .zst need {package}. Run: pip install 'unmask[zst]'": (
        "读取 .zst 压缩文件需要 {package}。请运行：pip install 'unmask[zst]'"
    ),
    "{file} is damaged: {reason:.200}. Pack it anew, or get it again.": (
        "{file} 已损坏：{reason:.200}。请重新压缩或重新获取。"
    ),
    "{file} is no text: byte {offset} (of the unpacked file, from 0) is not UTF-8, or is a NUL. Leave the file out, or convert it to UTF-8.": (
        "{file} 不是文本：第 {offset} 字节（解压后，从 0 数起）不是 UTF-8，或是空字符。请排除该文件，或将它转换为 UTF-8。"
    ),
    "{file} is of no kind that is read as text. Known are {known}, each also as .gz or .zst.": (
        "{file} 不是可作为文本读取的类型。可用的有 {known}，也可以是它们的 .gz 或 .zst。"
    ),
    "There is no file or folder {path}. The nearest there: {nearest}.": (
        "没有文件或文件夹 {path}。最接近的有：{nearest}。"
    ),
    "The folder {folder} holds no text. Known are files named {known}, each also as .gz or .zst.": (
        "文件夹 {folder} 中没有文本。可用的文件有 {known}，也可以是它们的 .gz 或 .zst。"
    ),
    "{file} is one document of more than {limit:,} characters. Read it by paragraph or by line.": (
        "{file} 作为一个文档超过了 {limit:,} 个字符。请按段落或按行读取。"
    ),
    "{file}, line {line}: no JSON: {reason:.200}. Correct the line.": (
        "{file} 第 {line} 行不是 JSON：{reason:.200}。请改正该行。"
    ),
    "{file}, line {line}: not a JSON object. Write one a line.": (
        "{file} 第 {line} 行不是 JSON 对象。每行应为一个对象。"
    ),
    "{file}, line {line}: {field!r:.60} is {value!r:.60}, no text. Name another field.": (
        "{file} 第 {line} 行：{field!r:.60} 是 {value!r:.60}，不是文本。请指定另一个字段。"
    ),
    "{file}, line {line}: {cells} columns, but the header has {columns}. Correct the line.": (
        "{file} 第 {line} 行有 {cells} 列，而表头有 {columns} 列。请改正该行。"
    ),
    "{file}, line {line}: there is no {field!r:.60}. Did you mean {nearest!r:.60}? Known are {known:.300}.": (
        "{file} 第 {line} 行：没有 {field!r:.60}。是否想用 {nearest!r:.60}？可用的有 {known:.300}。"
    ),
    "{file} should have {size} bytes and has {found} (-1: it is not there). Prepare the corpus anew.": (
        "{file} 应有 {size} 字节，实际为 {found}（-1 表示文件不存在）。请重新准备语料。"
    ),
    "{file} is not what was written to it. Prepare the corpus anew.": "{file} 的内容与写入时不同。请重新准备语料。",
    "{folder} was made with another tokenizer, of {vocab} tokens; this one has {size}. Prepare the corpus with this one, or give the other.": (
        "{folder} 是用另一个含 {vocab} 个词元的分词器制作的；当前的有 {size} 个。请用当前的分词器重新准备语料，或换用原来的分词器。"
    ),
    "{folder} has no split {split!r:.60}; it has {known}. Prepare it with a share held out.": (
        "{folder} 没有 {split!r:.60} 这一部分，只有 {known}。请在准备时留出一部分。"
    ),
    "{folder} holds no corpus: there is no {name} in it.": "{folder} 中没有语料：其中没有 {name}。",
    "{file} is damaged: {reason:.200}. Prepare the corpus anew.": "{file} 已损坏：{reason:.200}。请重新准备语料。",
    "{file} is of format {format!r:.20}; this version reads {known}. Prepare the corpus anew.": (
        "{file} 的格式是 {format!r:.20}，当前版本读取 {known}。请重新准备语料。"
    ),
    "No document is left to learn from: of {read} read, these were left out: {dropped}. Give other text, or ask for less.": (
        "没有剩下可学习的文档：读取了 {read} 个，排除的有：{dropped}。请换用其他文本，或放宽要求。"
    ),
    "None of the documents came into the split {split!r}: {read} were read, left out were {dropped}. Give more documents, read the files by paragraph, or hold out the tail of each document.": (
        "没有文档落入 {split!r} 部分：读取了 {read} 个，排除的有 {dropped}。请提供更多文档、按段落读取文件，或留出每个文档的末尾。"
    ),
    "{folder} is not empty and holds no corpus. Choose another folder.": (
        "{folder} 不是空文件夹，也没有语料。请选择另一个文件夹。"
    ),
    "{folder} holds a corpus made of other documents, or in another way. Choose another folder, or remove it.": (
        "{folder} 中的语料由其他文档制成，或制作方式不同。请选择另一个文件夹，或将它删除。"
    ),
    "{file} is no classifier of texts: {reason:.200}. Learn one from good and bad examples.": (
        "{file} 不是文本分类器：{reason:.200}。请用好样本和坏样本学习一个。"
    ),
    "There are no {kind} examples to learn quality from. Give some texts of that kind.": (
        "没有用于学习质量的 {kind} 样本。请提供一些这类文本。"
    ),
    "The share of documents held out is {share}; it must be from 0 to below 1.": (
        "留出文档的比例是 {share}，应不小于 0 且小于 1。"
    ),
    "There are {said} translations and {wanted} references; each needs the other, and there must be some.": (
        "有 {said} 条译文和 {wanted} 条参考译文；两者必须逐条对应，且至少要有一条。"
    ),
    "Scores of translations need {package}. Run: pip install 'unmask[eval]'": (
        "给译文打分需要 {package}。请运行：pip install 'unmask[eval]'"
    ),
}
