"""Chinese wording: files, downloads and storage."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "No space left on the disk that holds {path}. Free some, or set UNMASK_HOME to a folder on another disk.": (
        "{path} 所在的磁盘已满。请清理空间,或将 UNMASK_HOME 设为其他磁盘上的文件夹。"
    ),
    "Cannot write {path}: {reason}. Check its permissions, or set UNMASK_HOME to a folder of yours.": (
        "无法写入 {path}:{reason}。请检查权限,或将 UNMASK_HOME 设为您自己的文件夹。"
    ),
}
