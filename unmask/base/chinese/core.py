"""Chinese wording: specs, masks, devices and the model core."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "Unknown dtype {name!r}; known are {known}. Did you mean {nearest!r}?": (
        "未知的数据类型 {name!r};可用的有 {known}。您是想用 {nearest!r} 吗?"
    ),
    "Device {name!r} cannot be used here: {reason}. Leave it out to let unmask choose.": (
        "此处无法使用设备 {name!r}:{reason}。不指定设备时由 unmask 自行选择。"
    ),
}
