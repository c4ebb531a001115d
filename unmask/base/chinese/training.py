"""Chinese wording: the loop, its settings, recipes and their command."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "Unknown schedule {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的学习率日程 {name!r}；已知的有 {known}。您是想用 {nearest!r} 吗？"
    ),
    "The learning rate is {value}; it must be above 0.": "学习率为 {value}，它必须大于 0。",
    "AdamW's betas are {value}; each must be from 0 to below 1.": (
        "AdamW 的 betas 为 {value}，每个都必须大于等于 0 且小于 1。"
    ),
    "clip is {value}; it must be above 0, or none.": "clip 为 {value}，它必须大于 0，或者不设。",
    "Training computes in {known}; dtype is {value!r}.": "训练可用的数据类型为 {known}，而 dtype 为 {value!r}。",
    "The checkpoint {folder} has no readable {file}: {reason}. Remove the folder to go on from the one before.": (
        "检查点 {folder} 没有可读的 {file}：{reason}。删除该文件夹即可从上一个检查点继续。"
    ),
    "The checkpoint {folder} lacks {name!r}.": "检查点 {folder} 缺少 {name!r}。",
    "The checkpoint {folder} lacks rows {begin} to {end} of {name!r}.": (
        "检查点 {folder} 缺少 {name!r} 的第 {begin} 到 {end} 行。"
    ),
    "{path} is missing or damaged: it is not what its manifest says. Remove the folder {folder} to go on from the checkpoint before it.": (
        "{path} 缺失或已损坏：与清单所记不符。删除文件夹 {folder} 即可从上一个检查点继续。"
    ),
    "{folder} belongs to another run (there, here): {differences}. Choose another folder, or ask for what it was.": (
        "{folder} 属于另一次训练（该处，此处）：{differences}。请另选文件夹，或使用与它相同的设置。"
    ),
    "Step {step} has loss {loss} and a gradient of norm {norm}: training cannot go on from there. No weight was changed; its batch is in {path}. Lower the rate or the clip, or lengthen the warm-up, and go on from the last checkpoint.": (
        "第 {step} 步的损失为 {loss}，梯度范数为 {norm}：训练无法由此继续。权重未作任何改动，该步的批次保存在 {path}。请降低学习率或 clip，或延长预热，然后从最后一个检查点继续。"
    ),
    "{rows} rows of a step cannot be divided among {count} processes; choose a multiple.": (
        "每步 {rows} 行无法平分给 {count} 个进程；请选它的倍数。"
    ),
    "Stopped after step {step}; the same command goes on from there.": (
        "已在第 {step} 步之后停下；用同一命令即可由此继续。"
    ),
    "{folder} is already at step {step}, beyond the {steps} that are asked for.": (
        "{folder} 已训练到第 {step} 步，超过所要求的 {steps} 步。"
    ),
    "Going on from step {step} ({folder}).": "从第 {step} 步继续（{folder}）。",
    "Not the same as when it began, so not the same to the bit (then, now): {changed}.": (
        "条件与开始时不同，因此结果不会逐位相同（当时，现在）：{changed}。"
    ),
    "The processes do not see the same checkpoints in {folder}: it must be on a disk that all of them share.": (
        "各进程在 {folder} 中看到的检查点不一致：它必须位于所有进程共用的磁盘上。"
    ),
    "Another process of this run ended before its time; see its message. The same command goes on from the last checkpoint.": (
        "本次训练的另一个进程提前结束；请看它的消息。用同一命令即可从最后一个检查点继续。"
    ),
    "Of {parts} processes, {count} left their part of the checkpoint in {folder}: it must be on a disk that all of them share.": (
        "{parts} 个进程中只有 {count} 个在 {folder} 留下了检查点的一部分：它必须位于所有进程共用的磁盘上。"
    ),
    "Unknown way to share a run {kind!r}; known are {known}.": "未知的多进程训练方式 {kind!r}；已知的有 {known}。",
    "Another process of this run could not go on; see its message.": "本次训练的另一个进程无法继续；请看它的消息。",
}
