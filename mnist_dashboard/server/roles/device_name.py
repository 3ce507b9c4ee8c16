"""The name of a browser in the list of sessions, such as "Firefox on Linux"."""

from __future__ import annotations

_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
"""By a word in the `User-Agent` header. The first match counts: many browsers also name those they resemble."""

_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def device_name(user_agent: str) -> str:
    """Describe the browser that sent this `User-Agent` header, in words of this module only."""
    browser = next((name for word, name in _BROWSERS.items() if word in user_agent), "Browser")
    system = next((name for word, name in _SYSTEMS.items() if word in user_agent), "")
    return f"{browser} on {system}" if system else browser
